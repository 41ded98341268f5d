"""Residual convolutional networks for images of any size, whose inner scales a deeper model can read and write.

A stage halves (or doubles) the image and then refines it with residual blocks at one scale. The encoder shows the map
that each stage leaves, from the largest to the smallest: a pyramid. The decoder shows its stages, from the smallest to
the largest, so that latents can enter between them.
"""

import math

import torch
from torch import Tensor, nn

from vael.errors import VaelError
from vael.networks.base import ACTIVATIONS, Activation, Decoder, Encoder
from vael.networks.conv import Up, check_image, stage_sizes
from vael.networks.residual_mlp import shrink

__all__ = ["MapShape", "ResidualBlock", "ResidualDecoder", "ResidualEncoder"]

MapShape = tuple[int, int, int]
"""Channels, height and width of the map at one scale."""

UP_KERNEL = 4
EXCITE_REDUCTION = 4  # how many times narrower the squeezed channels are


class ResidualEncoder(Encoder):
    """Halve the image stage by stage, refining each scale with residual blocks; the last map is the features.

    Reference: "Deep residual learning for image recognition", He et al. 2016, https://arxiv.org/abs/1512.03385, with
    the activations before the convolutions.

    Arguments:
        in_shape: `(C, H, W)`.
        context_dim: Y ≥ 0; each number of the condition is one more plane of the image.
        channels: Feature maps of each stage.
        num_blocks: Residual blocks a stage.
        activation: relu, tanh, sigmoid, silu or elu.
        batch_norm: Whether to normalise over the batch before each activation of a block.
        squeeze_excite: Whether each block weighs its channels by what the whole image holds (Hu et al. 2018,
            https://arxiv.org/abs/1709.01507).
    """

    def __init__(
        self,
        in_shape: tuple[int, ...],
        context_dim: int = 0,
        *,
        channels: tuple[int, ...] = (32, 64),
        num_blocks: int = 1,
        activation: Activation = "silu",
        batch_norm: bool = False,
        squeeze_excite: bool = False,
    ) -> None:
        super().__init__(in_shape, context_dim)
        depth, height, width = check_image(in_shape)
        check_stages(channels, num_blocks)
        sizes = stage_sizes((height, width), len(channels))[1:]
        self.map_shapes = [(many, *size) for many, size in zip(channels, sizes, strict=True)]
        self.halvings = nn.ModuleList()
        self.stages = nn.ModuleList()
        total = num_blocks * len(channels)
        for before, after in zip((depth + context_dim, *channels), channels, strict=False):
            self.halvings.append(nn.Conv2d(before, after, 3, stride=2, padding=1))
            blocks = [
                ResidualBlock(after, total, activation, batch_norm=batch_norm, squeeze_excite=squeeze_excite)
                for _ in range(num_blocks)
            ]
            self.stages.append(nn.Sequential(*blocks))
        self.last = ACTIVATIONS[activation]()
        self.out_features = math.prod(self.map_shapes[-1])

    def pyramid(self, x: Tensor, context: Tensor | None = None) -> list[Tensor]:
        """Return the map of each stage, `(B, C_s, H_s, W_s)` as `map_shapes` says, from the largest to the smallest."""
        if context is not None:
            planes = context[..., None, None].expand(*context.shape, *x.shape[-2:])
            x = torch.cat([x, planes], 1)
        maps = []
        for halving, stage in zip(self.halvings, self.stages, strict=True):
            x = stage(halving(x))
            maps.append(x)
        return maps

    def flatten(self, smallest: Tensor) -> Tensor:
        """Return the features `(B, out_features)` that the smallest map holds."""
        return self.last(smallest).flatten(1)

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        return self.flatten(self.pyramid(x, context)[-1])


class ResidualDecoder(Decoder):
    """Make a small map of z, then refine it with residual blocks and double it, stage by stage.

    Arguments:
        latent_dim: D.
        out_shape: `(P, C, H, W)`.
        channels: Feature maps of each stage, from the latents to the image.
        num_blocks: Residual blocks a stage.
        activation: relu, tanh, sigmoid, silu or elu.
        batch_norm: Whether to normalise over the batch before each activation of a block.
        squeeze_excite: Whether each block weighs its channels by what the whole image holds.
    """

    def __init__(
        self,
        latent_dim: int,
        out_shape: tuple[int, ...],
        *,
        channels: tuple[int, ...] = (64, 32),
        num_blocks: int = 1,
        activation: Activation = "silu",
        batch_norm: bool = False,
        squeeze_excite: bool = False,
    ) -> None:
        super().__init__(latent_dim, out_shape)
        depth, height, width = check_image(out_shape[1:])
        check_stages(channels, num_blocks)
        sizes = stage_sizes((height, width), len(channels))[::-1]
        self.map_shapes = [(many, *size) for many, size in zip(channels, sizes, strict=False)]
        self.small = nn.Linear(latent_dim, math.prod(self.map_shapes[0]))
        self.stages = nn.ModuleList()
        self.doublings = nn.ModuleList()
        total = num_blocks * len(channels)
        out_channels = (*channels[1:], out_shape[0] * depth)
        for i, (before, after) in enumerate(zip(channels, out_channels, strict=True)):
            blocks = [
                ResidualBlock(before, total, activation, batch_norm=batch_norm, squeeze_excite=squeeze_excite)
                for _ in range(num_blocks)
            ]
            self.stages.append(nn.Sequential(*blocks, ACTIVATIONS[activation]()))
            self.doublings.append(Up(before, after, UP_KERNEL, "transposed", sizes[i], sizes[i + 1], bias=True))

    def smallest(self, z: Tensor) -> Tensor:
        """Return the map that the first stage starts from, `(N, C_0, H_0, W_0)`, for latents `(N, D)`."""
        return self.small(z).unflatten(-1, self.map_shapes[0])

    def enlarge(self, stage: int, h: Tensor) -> Tensor:
        """Take the map of a stage, `(N, C_s, H_s, W_s)` as `map_shapes` says, to that of the next, or to the image."""
        return self.doublings[stage](self.stages[stage](h))

    def finish(self, h: Tensor) -> Tensor:
        """Return `(N, P, C, H, W)` for what the last stage leaves."""
        return h.float().unflatten(1, self.out_shape[:2])

    @property
    def last_bias(self) -> Tensor:
        return self.doublings[-1].get_parameter("conv.bias")

    def forward(self, z: Tensor) -> Tensor:
        h = self.smallest(z.flatten(0, -2))
        for stage in range(len(self.stages)):
            h = self.enlarge(stage, h)
        return self.finish(h).unflatten(0, z.shape[:-1])


class ResidualBlock(nn.Module):
    """Add to a map what two convolutions of 3×3 make of it, activations first.

    Arguments:
        channels: Feature maps, in and out.
        num_blocks: How many blocks the whole network has; the more, the smaller each one starts.
        activation: What stands before each convolution.
        batch_norm: Whether to normalise over the batch before the activations.
        squeeze_excite: Whether to weigh the channels by what the whole image holds.
    """

    def __init__(
        self,
        channels: int,
        num_blocks: int,
        activation: Activation,
        *,
        batch_norm: bool = False,
        squeeze_excite: bool = False,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        first = nn.Conv2d(channels, channels, 3, padding=1, bias=not batch_norm)  # the normalisation has a shift
        last = nn.Conv2d(channels, channels, 3, padding=1)
        for conv in (first, last):
            layers += [nn.BatchNorm2d(channels)] if batch_norm else []
            layers += [ACTIVATIONS[activation](), conv]
        shrink(last, num_blocks)
        layers += [Excite(channels)] if squeeze_excite else []
        self.layers = nn.Sequential(*layers)

    def forward(self, h: Tensor) -> Tensor:
        return h + self.layers(h)


class Excite(nn.Module):
    """Weigh each channel by a number in (0, 1), from the means of all of them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow = max(1, channels // EXCITE_REDUCTION)
        self.gate = nn.Sequential(nn.Linear(channels, narrow), nn.SiLU(), nn.Linear(narrow, channels), nn.Sigmoid())

    def forward(self, h: Tensor) -> Tensor:
        return h * self.gate(h.mean((-2, -1)))[..., None, None]


def check_stages(channels: tuple[int, ...], num_blocks: int) -> None:
    """Refuse stages that are none."""
    if not channels or min(channels) < 1 or num_blocks < 1:
        raise VaelError(
            "a residual network expects channels such as [32, 64] and num_blocks ≥ 1, "
            f"got {list(channels)} and {num_blocks}"
        )
