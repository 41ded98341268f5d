"""Give grey images colours, by draws from p(colour | grey): z from q(z | grey), the chroma of the decoder's mean.

The brightness is known, so only the chroma is taken of what the decoder says:

    colour = grey + t (x̂ − luma(x̂)),   x̂ = E[x | z],   0 ≤ t ≤ 1 as large as red, green and blue allow

The luma is linear, so the bracket has none and the result's is the grey one's exactly; a pixel that would leave its
range is moved towards grey, and so keeps its hue.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vael.data.corruptions import Greyscale, find_luma
from vael.errors import VaelError
from vael.evaluation.similarity import find_psnr
from vael.models import VAE, drawing
from vael.random import seeded
from vael.tasks.terms import as_arrays
from vael.types import Batch

__all__ = ["Colouring", "colorize"]


@dataclass(frozen=True)
class Colouring:
    """Hold grey images and the colours that a model gives them.

    Arguments:
        grey: `(B, 1, H, W)` float32, the luma.
        colourings: `(S, B, 3, H, W)` float32, each with that luma.
        x: `(B, 3, H, W)` float32, the images in their own colours; None where they are not known.
        grey_psnr_db: `(B,)` float32, how near the grey images are to them, decibels; None where they are not known.
        psnr_db: `(S, B)` float32, how near each colouring is; larger is nearer.
    """

    grey: NDArray[np.float32]
    colourings: NDArray[np.float32]
    x: NDArray[np.float32] | None
    grey_psnr_db: NDArray[np.float32] | None
    psnr_db: NDArray[np.float32] | None


@torch.inference_mode()
def colorize(model: VAE, batch: Batch, *, num_colourings: int = 4, seed: int = 0) -> Colouring:
    """Return several colourings of grey images, each from one draw of z.

    Arguments:
        model: The model of colour images; it is put into evaluation mode. One trained with
            `training.corruption=greyscale` does it best.
        batch: `batch.seen` is grey and `batch.x` has the colours that it is compared with; without it the luma of
            `batch.x` is coloured.
        num_colourings: S ≥ 1.
        seed: Seed of the draws.

    Raises:
        VaelError: A model of tables or of images without three channels, or S < 1.
    """
    if num_colourings < 1:
        raise VaelError(f"colorize expects num_colourings ≥ 1, got {num_colourings}")
    Greyscale().check(model.observation, "colorize:")
    model.eval()
    seen, scale = Greyscale()(batch.input), model.observation.scale
    with seeded(seed):
        _, p_x = model.infer_decoded(replace(batch, seen=seen), drawing(num_colourings))
    colourings = _keep_luma(find_luma(seen), p_x.mean, scale)
    grey, found = as_arrays(find_luma(seen), colourings)
    if batch.seen is None:
        return Colouring(grey, found, None, None, None)
    before = find_psnr(batch.x / scale, seen / scale)
    after = torch.stack([find_psnr(batch.x / scale, colouring / scale) for colouring in colourings])
    return Colouring(grey, found, *as_arrays(batch.x, before, after))


def _keep_luma(grey: Tensor, x: Tensor, scale: float) -> Tensor:
    """Return the chroma of x `(…, 3, H, W)` around the luma `(…, 1, H, W)` in [0, scale], no further than fits."""
    chroma = x - find_luma(x)
    room = torch.where(chroma > 0, scale - grey, grey)
    share = torch.where(chroma == 0, 1.0, room / chroma.abs()).amin(-3, keepdim=True).clamp(0, 1)
    return (grey + share * chroma).clamp(0, scale)  # which only rounding exceeds
