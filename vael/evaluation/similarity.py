"""How near images are to clean ones: pixel by pixel, and in structure.

References: PSNR is 10 log₁₀ (1 / mean squared error) of pixels in [0, 1]; SSIM, "Image quality assessment: from error
visibility to structural similarity", Wang et al. 2004, https://doi.org/10.1109/TIP.2003.819861.
"""

import torch
from torch import Tensor

from vael.objectives.perceptual import gaussian_window, similarity

__all__ = ["find_psnr", "find_ssim"]

WINDOW = 11  # pixels, and σ = 1.5, as in the paper


def find_psnr(x: Tensor, y: Tensor) -> Tensor:
    """Return the peak signal-to-noise ratio of images `(B, C, H, W)` in [0, 1]: `(B,)` decibels, ∞ for equal ones.

    >>> find_psnr(torch.zeros(1, 1, 2, 2), torch.full((1, 1, 2, 2), 0.1)).round().tolist()
    [20.0]
    """
    return -10 * torch.log10((x - y).square().mean((1, 2, 3)))


def find_ssim(x: Tensor, y: Tensor) -> Tensor:
    """Return the structural similarity of images `(B, C, H, W)` in [0, 1]: `(B,)`; NaN where no window fits in them."""
    if min(x.shape[-2:]) < WINDOW:
        return torch.full((len(x),), torch.nan, device=x.device)
    return similarity(x, y, gaussian_window(WINDOW, 1.5, x.device))[1].mean(1)
