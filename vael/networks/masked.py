"""Masked convolutions: what stands at a pixel has seen the pixels before it, in reading order, and no other."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["MaskedConv2d", "PixelCNN"]

FIRST_KERNEL = 7
KERNEL = 5


class MaskedConv2d(nn.Module):
    """Convolve over the pixels above and to the left.

    Arguments:
        before: Feature maps in.
        after: Feature maps out.
        kernel_size: Odd.
        sees_itself: Whether a pixel sees its own place, as it may from the second layer on.
    """

    mask: Tensor

    def __init__(self, before: int, after: int, kernel_size: int, *, sees_itself: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, kernel_size, padding=kernel_size // 2)
        mask = torch.zeros(kernel_size, kernel_size)
        middle = kernel_size // 2
        mask[:middle] = 1
        mask[middle, : middle + sees_itself] = 1
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.conv.weight * self.mask, self.conv.bias, padding=len(self.mask) // 2)


class PixelCNN(nn.Module):
    """Map pixels, and features that every pixel may see, to one number for each pixel that depends on those before it.

    Each layer is tanh(W ∗ h + V ∗ c) ⊙ σ(W′ ∗ h + V′ ∗ c), added to what it was given; there is no normalisation, so
    that an image's numbers never depend on the other images of a batch. A pixel misses a wedge above and to the right
    of it, which costs accuracy, not correctness.
    Reference: "Conditional image generation with PixelCNN decoders", van den Oord et al. 2016,
    https://arxiv.org/abs/1606.05328.

    Arguments:
        channels: C of the image; the channels of a pixel do not see each other.
        num_features: Feature maps that every pixel may see.
        num_layers: Gated layers, ≥ 1.
        num_filters: Feature maps of each.
    """

    def __init__(self, channels: int, num_features: int, *, num_layers: int, num_filters: int) -> None:
        super().__init__()
        self.first = MaskedConv2d(channels, 2 * num_filters, FIRST_KERNEL, sees_itself=False)
        rest = [MaskedConv2d(num_filters, 2 * num_filters, KERNEL, sees_itself=True) for _ in range(num_layers - 1)]
        self.rest = nn.ModuleList(rest)
        self.seen = nn.Conv2d(num_features, 2 * num_filters * num_layers, 1)
        self.out = nn.Sequential(nn.SiLU(), nn.Conv2d(num_filters, num_filters, 1), nn.SiLU())
        self.last = nn.Conv2d(num_filters, channels, 1)

    def forward(self, x: Tensor, features: Tensor) -> Tensor:
        """Return `(N, C, H, W)` for pixels `(N, C, H, W)` and features `(N, num_features, H, W)`."""
        seen, *others = self.seen(features).chunk(1 + len(self.rest), 1)
        h = _gate(self.first(x) + seen)
        for layer, seen in zip(self.rest, others, strict=True):
            h = h + _gate(layer(h) + seen)
        return self.last(self.out(h)).float()


def _gate(both: Tensor) -> Tensor:
    value, gate = both.chunk(2, 1)
    return torch.tanh(value) * torch.sigmoid(gate)
