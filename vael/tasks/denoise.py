"""Mend spoilt observations: what the model expects x to be, given what is seen of it."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal

from vael.data.corruptions import Corruption
from vael.evaluation.similarity import find_psnr, find_ssim
from vael.models import VAE, Latent, OneLayerVAE, at_mean, drawing
from vael.random import seeded
from vael.tasks.climb import climb
from vael.tasks.points import normal_points
from vael.tasks.terms import as_arrays
from vael.types import Batch

__all__ = ["Denoising", "Quality", "denoise", "spoil"]

NUM_STEPS = 10
NUM_POINTS = 8
LEARNING_RATE = 0.03


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


@torch.no_grad()
def denoise(
    model: VAE, batch: Batch, *, num_samples: int = 16, sigma: float = 0.0, num_steps: int = NUM_STEPS, seed: int = 0
) -> Denoising:
    """Return the mean of p(x | z) over draws of z from q(z | seen): the estimate of least squared error.

    Where the noise is known to be normal, q is first moved up its own bound of what is seen,
    E_q log N(seen; E[x|z], Var[x|z] + sigma²) − KL(q ‖ p), by a few gradient steps for each example.

    Arguments:
        model: The model; it is put into evaluation mode. One trained with `training.corruption` does it best.
        batch: `batch.seen` is mended and compared with `batch.x`; without it `batch.x` is mended.
        num_samples: K draws; 0 takes the posterior's mean alone.
        sigma: The standard deviation of normal noise, in units of x; 0 where it is not known or of another kind. It
            is used by models of one layer with a diagonal normal posterior, and of no effect on others.
        num_steps: Gradient steps; more follow the model's own error, which the encoder has learnt to make up for.
        seed: Seed of the draws.
    """
    model.eval()
    with seeded(seed):
        pick = drawing(num_samples) if num_samples else at_mean
        latents, p_x = model.infer_decoded(batch, pick)
        if sigma and num_steps and isinstance(model, OneLayerVAE) and _is_diagonal(latents[0].q_z):
            q_z = _fit_to_seen(model, batch, latents[0], sigma, num_steps)
            p_x = model.decode_latents((replace(latents[0], z=pick(0, q_z)),), batch.context)
    mean = p_x.mean.mean(0)
    seen, found = as_arrays(batch.input, mean)
    if batch.seen is None:
        return Denoising(seen, found, None, None, None)
    (x,) = as_arrays(batch.x)
    before, after = (_quality(model, batch.x, image) for image in (batch.seen, mean))
    return Denoising(seen, found, x, before, after)


def _is_diagonal(q_z: Distribution) -> bool:
    return isinstance(q_z, Independent) and type(q_z.base_dist) is Normal


def _fit_to_seen(model: OneLayerVAE, batch: Batch, start: Latent, sigma: float, num_steps: int) -> Distribution:
    """Fit q to what is seen through normal noise, at fixed points in the place of draws."""
    half = normal_points(NUM_POINTS // 2, start.z.shape[-1]).to(start.z).unsqueeze(1)
    points = torch.cat([half, -half])  # so that the mean of q is moved by what is seen alone

    def bound(q_z: Distribution) -> Tensor:
        latent = replace(start, z=q_z.mean + q_z.stddev * points, q_z=q_z)
        mean, variance = _moments(model.decode_latents((latent,), batch.context))
        law = Normal(mean, (variance + sigma**2).sqrt(), validate_args=False)
        return law.log_prob(batch.input).flatten(2).sum(-1).mean(0) - latent.rate

    return climb(start.q_z, bound, num_steps=num_steps, learning_rate=LEARNING_RATE)[0]


def _moments(p_x: Distribution) -> tuple[Tensor, Tensor]:
    """Return mean and variance of p(x | z); a variance of 0 where the distribution does not tell."""
    try:
        return p_x.mean, p_x.variance.detach()
    except NotImplementedError:
        return p_x.mean, torch.zeros_like(p_x.mean)


def _quality(model: VAE, x: Tensor, image: Tensor) -> Quality | None:
    observation = model.observation
    if not observation.is_image or observation.domain not in ("binary", "unit", "levels"):
        return None
    clean, other = x / observation.scale, image / observation.scale
    return Quality(*as_arrays(find_psnr(clean, other), find_ssim(clean, other)))
