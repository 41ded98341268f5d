"""Mend spoilt observations: what the model expects x to be, given what is seen of it."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vael.data.corruptions import Corruption
from vael.evaluation.similarity import find_psnr, find_ssim
from vael.models import VAE, at_mean, drawing
from vael.random import seeded
from vael.tasks.terms import as_arrays
from vael.types import Batch

__all__ = ["Denoising", "Quality", "denoise", "spoil"]


@dataclass(frozen=True)
class Quality:
    """Hold how near images are to clean ones.

    Arguments:
        psnr_db: `(B,)` float32, peak signal-to-noise ratio, decibels; larger is nearer.
        ssim: `(B,)` float32, structural similarity, at most 1; NaN for images smaller than its window.
    """

    psnr_db: NDArray[np.float32]
    ssim: NDArray[np.float32]


@dataclass(frozen=True)
class Denoising:
    """Hold spoilt observations and what the model makes of them.

    Arguments:
        seen: `(B, *shape)` float32, what the model was shown.
        mean: `(B, *shape)` float32, E[x | seen] under the model.
        x: `(B, *shape)` float32, the clean observations; None where they are not known.
        before: How near the spoilt images are to the clean ones; None for tables and where those are not known.
        after: How near the mended ones are.
    """

    seen: NDArray[np.float32]
    mean: NDArray[np.float32]
    x: NDArray[np.float32] | None
    before: Quality | None
    after: Quality | None


def spoil(batch: Batch, corruption: Corruption, *, scale: float = 1.0, seed: int = 0) -> Batch:
    """Return the batch with a spoilt copy for the encoder; the seed fixes the noise."""
    with seeded(seed):
        return replace(batch, seen=corruption(batch.x, scale))


@torch.inference_mode()
def denoise(model: VAE, batch: Batch, *, num_samples: int = 16, seed: int = 0) -> Denoising:
    """Return the mean of p(x | z) over draws of z from q(z | seen): the estimate of least squared error.

    Arguments:
        model: The model; it is put into evaluation mode. One trained with `training.corruption` does it best.
        batch: `batch.seen` is mended and compared with `batch.x`; without it `batch.x` is mended.
        num_samples: K draws; 0 takes the posterior's mean alone.
        seed: Seed of the draws.
    """
    model.eval()
    with seeded(seed):
        pick = drawing(num_samples) if num_samples else at_mean
        _, p_x = model.infer_decoded(batch, pick)
    mean = p_x.mean.mean(0)
    seen, found = as_arrays(batch.input, mean)
    if batch.seen is None:
        return Denoising(seen, found, None, None, None)
    (x,) = as_arrays(batch.x)
    before, after = (_quality(model, batch.x, image) for image in (batch.seen, mean))
    return Denoising(seen, found, x, before, after)


def _quality(model: VAE, x: Tensor, image: Tensor) -> Quality | None:
    observation = model.observation
    if not observation.is_image or observation.domain not in ("binary", "unit", "levels"):
        return None
    clean, other = x / observation.scale, image / observation.scale
    return Quality(*as_arrays(find_psnr(clean, other), find_ssim(clean, other)))
