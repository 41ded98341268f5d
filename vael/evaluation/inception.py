"""The Inception-v3 network of the literature's Fréchet and kernel distances, for weights that the user brings.

vael ships no weights and fetches none. The layers are named as in torchvision's `inception_v3`, so that its weights
fit; reference: "Rethinking the Inception architecture for computer vision", Szegedy et al. 2016,
https://arxiv.org/abs/1512.00567.
"""

import hashlib
from pathlib import Path
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from vael.errors import VaelError
from vael.types import Observation

__all__ = ["Inception", "InceptionNetwork", "read_inception"]

SIDE = 299  # pixels a side of what the network sees
IMAGES_AT_ONCE = 20


class Step(NamedTuple):
    """A convolution of a path: one that strides pads nothing, the others keep the size."""

    name: str
    channels: int
    kernel_size: tuple[int, int]
    stride: int = 1


Steps = list[Step | list[Step] | Literal["mean", "max"]]
"""Convolutions and poolings one after another; a list among them is a fork, whose ends lie side by side."""


class Inception(nn.Module):
    """Turn images `(B, 3, 299, 299)` in [−1, 1] into the features `(B, 2048)` before the last layer.

    It has no classifying layers; 21,785,568 weights.
    """

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = _Conv(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = _Conv(32, 32, 3)
        self.Conv2d_2b_3x3 = _Conv(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1 = _Conv(64, 80, 1)
        self.Conv2d_4a_3x3 = _Conv(80, 192, 3)
        channels = 192
        for name, paths in _mixed().items():
            block = _Mixed(channels, paths)
            self.add_module(f"Mixed_{name}", block)
            channels = block.out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Return the features of the last pooling."""
        for name, layer in self.named_children():
            x = layer(x)
            if name in ("Conv2d_2b_3x3", "Conv2d_4a_3x3"):
                x = F.max_pool2d(x, 3, 2)
        return x.mean((2, 3))


class _Conv(nn.Module):
    """A convolution without bias, batch normalisation by kept moments, a rectifier."""

    def __init__(
        self,
        before: int,
        after: int,
        kernel_size: int | tuple[int, int],
        *,
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, kernel_size, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(after, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class _Mixed(nn.Module):
    """Paths that start from the same maps and whose ends lie side by side."""

    def __init__(self, in_channels: int, paths: list[Steps]) -> None:
        super().__init__()
        self.paths = paths
        self.out_channels = sum(self._build(in_channels, path) for path in paths)

    def _build(self, channels: int, path: Steps) -> int:
        """Add the layers of a path that starts from `channels` maps; return with how many it ends."""
        for step in path:
            if isinstance(step, list):
                channels = sum(self._build(channels, [end]) for end in step)
            elif isinstance(step, Step):
                _, after, (height, width), stride = step
                padding = (height // 2, width // 2) if stride == 1 else 0
                self.add_module(step.name, _Conv(channels, after, (height, width), stride=stride, padding=padding))
                channels = after
        return channels

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self._follow(x, path) for path in self.paths], 1)

    def _follow(self, x: Tensor, path: Steps) -> Tensor:
        for step in path:
            if isinstance(step, list):
                x = torch.cat([self._follow(x, [end]) for end in step], 1)
            elif isinstance(step, Step):
                x = self.get_submodule(step.name)(x)
            else:
                x = F.avg_pool2d(x, 3, 1, 1) if step == "mean" else F.max_pool2d(x, 3, 2)
        return x


def _mixed() -> dict[str, list[Steps]]:
    """List the paths of each block."""
    point, square, large, across, along = (1, 1), (3, 3), (5, 5), (1, 7), (7, 1)

    def fine(pooled: int) -> list[Steps]:
        return [
            [Step("branch1x1", 64, point)],
            [Step("branch5x5_1", 48, point), Step("branch5x5_2", 64, large)],
            [Step("branch3x3dbl_1", 64, point), Step("branch3x3dbl_2", 96, square), Step("branch3x3dbl_3", 96, square)],
            ["mean", Step("branch_pool", pooled, point)],
        ]

    def middle(narrow: int) -> list[Steps]:
        double: Steps = [
            Step("branch7x7dbl_1", narrow, point),
            Step("branch7x7dbl_2", narrow, along),
            Step("branch7x7dbl_3", narrow, across),
            Step("branch7x7dbl_4", narrow, along),
            Step("branch7x7dbl_5", 192, across),
        ]
        return [
            [Step("branch1x1", 192, point)],
            [Step("branch7x7_1", narrow, point), Step("branch7x7_2", narrow, across), Step("branch7x7_3", 192, along)],
            double,
            ["mean", Step("branch_pool", 192, point)],
        ]

    coarse: list[Steps] = [
        [Step("branch1x1", 320, point)],
        [Step("branch3x3_1", 384, point), [Step("branch3x3_2a", 384, (1, 3)), Step("branch3x3_2b", 384, (3, 1))]],
        [
            Step("branch3x3dbl_1", 448, point),
            Step("branch3x3dbl_2", 384, square),
            [Step("branch3x3dbl_3a", 384, (1, 3)), Step("branch3x3dbl_3b", 384, (3, 1))],
        ],
        ["mean", Step("branch_pool", 192, point)],
    ]
    return {
        "5b": fine(32),
        "5c": fine(64),
        "5d": fine(64),
        "6a": [
            [Step("branch3x3", 384, square, 2)],
            [
                Step("branch3x3dbl_1", 64, point),
                Step("branch3x3dbl_2", 96, square),
                Step("branch3x3dbl_3", 96, square, 2),
            ],
            ["max"],
        ],
        "6b": middle(128),
        "6c": middle(160),
        "6d": middle(160),
        "6e": middle(192),
        "7a": [
            [Step("branch3x3_1", 192, point), Step("branch3x3_2", 320, square, 2)],
            [
                Step("branch7x7x3_1", 192, point),
                Step("branch7x7x3_2", 192, across),
                Step("branch7x7x3_3", 192, along),
                Step("branch7x7x3_4", 192, square, 2),
            ],
            ["max"],
        ],
        "7b": coarse,
        "7c": coarse,
    }


class InceptionNetwork(nn.Module):
    """Make features of x as the literature does: colour, 299 × 299 pixels, [−1, 1].

    Arguments:
        inception: The network with its weights.
        observation: What x is: grey or colour images.
        source: Where the weights came from, in words.

    Raises:
        VaelError: Not grey or colour images with pixels in [0, 1] or in levels.
    """

    def __init__(self, inception: Inception, observation: Observation, source: str) -> None:
        super().__init__()
        is_pixels = observation.is_image and observation.domain in ("binary", "unit", "levels")
        if not is_pixels or observation.shape[0] not in (1, 3):
            raise VaelError(
                f"Inception features expect grey or colour images, got {observation.domain} {observation.shape}: "
                "compare samples by the class network, without --inception"
            )
        self.inception = inception
        self.observation = observation
        self.source = source

    def forward(self, x: Tensor) -> Tensor:
        """Return the features `(B, 2048)` of x `(B, C, H, W)` in its domain."""
        return torch.cat([self.inception(self._see(part)) for part in x.split(IMAGES_AT_ONCE)])

    def _see(self, x: Tensor) -> Tensor:
        pixels = self.observation.as_input(x).expand(-1, 3, -1, -1)
        return 2 * F.interpolate(pixels, (SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False) - 1

    @property
    def description(self) -> str:
        """What the features are, in words."""
        return (
            f"Inception-v3 before its last layer ({self.source}), of colour images scaled to {SIDE} × {SIDE} "
            "(bilinear, antialiased) in [−1, 1]: Fréchet distance is FID, kernel distance KID, of these weights"
        )


def read_inception(path: Path, observation: Observation, device: torch.device) -> InceptionNetwork:
    """Read torchvision-style weights of `inception_v3` from a safetensors file.

    Raises:
        VaelError: Not such a file, weights of another network, or no images to look at.
    """
    if path.suffix in (".pth", ".pt"):
        raise VaelError(
            f'{path} is a pickle, which can run code: convert it once with python -c "import torch, safetensors.torch '
            f"as s; s.save_file(torch.load('{path}', weights_only=True), '{path.with_suffix('.safetensors')}')\""
        )
    network = Inception()
    try:
        weights = load_file(path)
    except (OSError, SafetensorError) as error:
        raise VaelError(f"{path} cannot be read as safetensors ({error}): give torchvision's inception_v3") from None
    wanted = {name: tensor.shape for name, tensor in network.state_dict().items() if "num_batches" not in name}
    wrong = [name for name, shape in wanted.items() if name not in weights or weights[name].shape != shape]
    if wrong:
        raise VaelError(
            f"{path} lacks {len(wrong)} of {len(wanted)} tensors of torchvision's inception_v3, first '{wrong[0]}' "
            f"{tuple(wanted[wrong[0]])}"
        )
    network.load_state_dict({name: weights[name] for name in wanted}, strict=False)
    digest = hashlib.blake2b(path.read_bytes(), digest_size=4).hexdigest()
    return InceptionNetwork(network, observation, f"{path.name}, blake2b {digest}").eval().to(device)
