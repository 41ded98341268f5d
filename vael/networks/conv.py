"""Convolutional networks for images of any height and width: sizes are derived from the image, odd ones too."""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vael.errors import VaelError
from vael.networks.base import ACTIVATIONS, Activation, Decoder, Encoder
from vael.networks.dense import dense_layers

__all__ = ["ConvDecoder", "ConvEncoder", "Up", "check_image", "stage_sizes"]

Size = tuple[int, int]


class ConvEncoder(Encoder):
    """Halve the image stage by stage, then pass what is left through dense layers.

    Arguments:
        in_shape: `(C, H, W)`.
        context_dim: Y ≥ 0; each number of the condition is one more plane of the image.
        channels: Feature maps of each stage.
        kernel_size: ≥ 2; odd with pooling.
        pooling: `stride` halves with the convolution itself; `max` and `average` pool after one of stride 1.
        hidden_features: Dense layers after the last stage.
        activation: relu, tanh, sigmoid, silu or elu.
        batch_norm: Whether to normalise each stage's output over the batch before the activation.
    """

    def __init__(
        self,
        in_shape: tuple[int, ...],
        context_dim: int = 0,
        *,
        channels: tuple[int, ...] = (32, 64),
        kernel_size: int = 4,
        pooling: Literal["stride", "max", "average"] = "stride",
        hidden_features: tuple[int, ...] = (),
        activation: Activation = "relu",
        batch_norm: bool = False,
    ) -> None:
        super().__init__(in_shape, context_dim)
        depth, *size = check_image(in_shape)
        _check_stages(channels, kernel_size)
        sizes = stage_sizes((size[0], size[1]), len(channels))
        stages: list[nn.Module] = []
        for i, (before, after) in enumerate(zip((depth + context_dim, *channels), channels, strict=False)):
            stages += _down(before, after, kernel_size, pooling, sizes[i], sizes[i + 1], bias=not batch_norm)
            stages += [nn.BatchNorm2d(after)] if batch_norm else []
            stages += [ACTIVATIONS[activation]()]
        self.stages = nn.Sequential(*stages)
        widths = (channels[-1] * math.prod(sizes[-1]), *hidden_features)
        self.layers = dense_layers(widths, activation, batch_norm=batch_norm)
        self.out_features = widths[-1]

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        if context is not None:
            planes = context[..., None, None].expand(*context.shape, *x.shape[-2:])
            x = torch.cat([x, planes], 1)
        return self.layers(self.stages(x).flatten(1))


class ConvDecoder(Decoder):
    """Pass z through dense layers to a small image, then double it stage by stage.

    Arguments:
        latent_dim: D.
        out_shape: `(P, C, H, W)`.
        channels: Feature maps of each stage, from the latents to the image.
        kernel_size: ≥ 2; odd with `resize`.
        upsampling: `transposed` doubles with transposed convolutions; `resize` doubles by nearest neighbours and then
            convolves (no checkerboard; Odena et al. 2016, https://distill.pub/2016/deconv-checkerboard/).
        hidden_features: Dense layers before the small image.
        activation: relu, tanh, sigmoid, silu or elu.
        batch_norm: Whether to normalise each stage's output over the batch before the activation.
    """

    def __init__(
        self,
        latent_dim: int,
        out_shape: tuple[int, ...],
        *,
        channels: tuple[int, ...] = (64, 32),
        kernel_size: int = 4,
        upsampling: Literal["transposed", "resize"] = "transposed",
        hidden_features: tuple[int, ...] = (),
        activation: Activation = "relu",
        batch_norm: bool = False,
    ) -> None:
        super().__init__(latent_dim, out_shape)
        depth, *size = check_image(out_shape[1:])
        _check_stages(channels, kernel_size)
        sizes = stage_sizes((size[0], size[1]), len(channels))[::-1]
        self.small_shape = (channels[0], *sizes[0])
        self.layers = dense_layers((latent_dim, *hidden_features), activation, batch_norm=batch_norm)
        widest = nn.Linear((latent_dim, *hidden_features)[-1], math.prod(self.small_shape))
        self.small = nn.Sequential(widest, ACTIVATIONS[activation]())
        stages: list[nn.Module] = []
        out_channels = (*channels[1:], out_shape[0] * depth)
        for i, (before, after) in enumerate(zip(channels, out_channels, strict=True)):
            is_last = i == len(channels) - 1
            normalised = batch_norm and not is_last
            stages.append(Up(before, after, kernel_size, upsampling, sizes[i], sizes[i + 1], bias=not normalised))
            stages += [nn.BatchNorm2d(after)] if normalised else []
            stages += [] if is_last else [ACTIVATIONS[activation]()]
        self.stages = nn.Sequential(*stages)

    @property
    def last_bias(self) -> Tensor:
        return self.stages[-1].get_parameter("conv.bias")

    def forward(self, z: Tensor) -> Tensor:
        small = self.small(self.layers(z.flatten(0, -2))).unflatten(-1, self.small_shape)
        return self.stages(small).float().reshape(*z.shape[:-1], *self.out_shape)


class Up(nn.Module):
    """Enlarge an image from one exact size to another, at most double."""

    def __init__(
        self, before: int, after: int, kernel_size: int, upsampling: str, small: Size, large: Size, *, bias: bool
    ) -> None:
        super().__init__()
        self.large = large
        self.is_resize = upsampling == "resize"
        if self.is_resize:
            _check_odd(kernel_size, "upsampling = 'resize'")
            self.conv: nn.Module = nn.Conv2d(before, after, kernel_size, padding="same", bias=bias)
        else:
            padding = (kernel_size - 1) // 2
            extra = [big - ((few - 1) * 2 - 2 * padding + kernel_size) for few, big in zip(small, large, strict=True)]
            crop = -min(*extra, 0)  # an even kernel overshoots odd sizes by one: cut it off
            output_padding = (extra[0] + crop, extra[1] + crop)
            self.conv = nn.ConvTranspose2d(
                before, after, kernel_size, stride=2, padding=padding, output_padding=output_padding, bias=bias
            )

    def forward(self, x: Tensor) -> Tensor:
        if self.is_resize:
            return self.conv(F.interpolate(x, size=self.large, mode="nearest"))
        return self.conv(x)[..., : self.large[0], : self.large[1]]


def stage_sizes(size: Size, num_stages: int) -> list[Size]:
    """Return the image's size before and after each halving, rounding up.

    >>> stage_sizes((28, 17), 3)
    [(28, 17), (14, 9), (7, 5), (4, 3)]
    """
    sizes = [size]
    for _ in range(num_stages):
        sizes.append(((sizes[-1][0] + 1) // 2, (sizes[-1][1] + 1) // 2))
    return sizes


def check_image(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of an image, `(C, H, W)`, and refuse what is none."""
    if len(shape) != 3:
        raise VaelError(
            f"a conv network expects images (C, H, W), got observations of shape {shape}: use network = 'mlp'"
        )
    return shape


def _check_stages(channels: tuple[int, ...], kernel_size: int) -> None:
    if not channels or min(channels) < 1 or kernel_size < 2:
        raise VaelError(
            "a conv network expects channels such as [32, 64] and kernel_size ≥ 2, "
            f"got {list(channels)} and {kernel_size}"
        )


def _check_odd(kernel_size: int, where: str) -> None:
    if kernel_size % 2 == 0:
        raise VaelError(f"{where} expects an odd kernel_size, got {kernel_size}: try {kernel_size - 1}")


def _down(
    before: int, after: int, kernel_size: int, pooling: str, size: Size, small: Size, *, bias: bool
) -> list[nn.Module]:
    """Build one halving from `size` to exactly `small`."""
    if pooling != "stride":
        _check_odd(kernel_size, f"pooling = '{pooling}'")
        pool = nn.MaxPool2d if pooling == "max" else nn.AvgPool2d
        return [nn.Conv2d(before, after, kernel_size, padding="same", bias=bias), pool(2, ceil_mode=True)]
    missing = [(few - 1) * 2 + kernel_size - many for few, many in zip(small, size, strict=True)]
    if missing[0] % 2 == missing[1] % 2 == 0:
        padding = (missing[0] // 2, missing[1] // 2)
        return [nn.Conv2d(before, after, kernel_size, stride=2, padding=padding, bias=bias)]
    sides = [side for gap in reversed(missing) for side in (gap // 2, gap - gap // 2)]
    pad = nn.ZeroPad2d((sides[0], sides[1], sides[2], sides[3]))
    return [pad, nn.Conv2d(before, after, kernel_size, stride=2, bias=bias)]
