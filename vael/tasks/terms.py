"""What a model says of a batch: the core that embed, reconstruct, score and inspect share.

Everything is taken at the mean of q(z | x), so that the same x always gives the same numbers:

    rate = KL(q(z|x) ‖ p(z)),   distortion = −log p(x | z̄),   z̄ = E_q z

A rate without a closed form is the exception: it is the mean over a few draws, the same ones for the same seed.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Distribution

from vael.models import VAE, at_mean, drawing
from vael.models.inference import Latent
from vael.types import Batch

__all__ = ["Encoding", "Terms", "as_arrays", "encode", "score_of", "terms_at_mean"]


RATE_SAMPLES = 16  # draws for a rate that has no closed form


@dataclass(frozen=True)
class Encoding:
    """Hold the posterior of a batch in numbers.

    Arguments:
        mean: `(B, D)`, the mean of q(z | x).
        stddev: `(B, D)`, its standard deviations; zero for a point posterior.
        rate: `(B,)` nats; NaN for a model without a rate.
        rate_per_dim: `(B, D)` nats; NaN where the dimensions do not factorise.
    """

    mean: Tensor
    stddev: Tensor
    rate: Tensor
    rate_per_dim: Tensor


@dataclass(frozen=True)
class Terms:
    """Hold both terms of the bound at the posterior's mean.

    Arguments:
        encoding: The posterior and its rate.
        p_x: p(x | z̄), batch shape `(B,)`.
        distortion: `(B,)` nats, −log p(x | z̄).
    """

    encoding: Encoding
    p_x: Distribution
    distortion: Tensor


def encode(model: VAE, batch: Batch) -> Encoding:
    """Return mean, standard deviations and rates of the posteriors of a batch, all layers side by side."""
    parts = [_describe(model, latent) for latent in model.infer_latents(batch, at_mean)]
    rate = torch.stack([part.rate for part in parts]).sum(0)
    if model.has_density and bool(torch.isnan(rate).all()):
        drawn = model.infer_latents(batch, drawing(RATE_SAMPLES))
        rate = torch.stack([latent.rate for latent in drawn]).sum(0)
    mean, stddev, rate_per_dim = (
        torch.cat([getattr(part, name) for part in parts], -1) for name in ("mean", "stddev", "rate_per_dim")
    )
    return Encoding(mean, stddev, rate, rate_per_dim)


def _describe(model: VAE, latent: Latent) -> Encoding:
    """Describe one layer, the layers that it depends on at their means; its rate is NaN without a closed form."""
    mean = latent.z[0]
    missing = torch.full_like(mean, torch.nan)
    if not model.has_density:
        return Encoding(mean, torch.zeros_like(mean), missing[:, 0], missing)
    stddev, rate_per_dim = latent.q_z.stddev, latent.rate_per_dim
    stddev = stddev[0] if stddev.dim() == 3 else stddev
    rate = missing[:, 0] if latent.exact_rate is None else latent.exact_rate
    return Encoding(mean, stddev, rate, missing if rate_per_dim is None else rate_per_dim)


def terms_at_mean(model: VAE, batch: Batch) -> Terms:
    """Encode a batch and decode the posterior's means; the model is in evaluation mode."""
    encoding = encode(model, batch)
    p_x = model.decode(encoding.mean, batch.context)
    return Terms(encoding, p_x, -p_x.log_prob(batch.x))


def score_of(rate: NDArray[np.float32], distortion: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return rate + distortion, or the distortion alone where there is no rate (NaN); nats, `(N,)`."""
    return np.where(np.isnan(rate), distortion, rate + distortion)


def as_arrays(*tensors: Tensor) -> tuple[NDArray[np.float32], ...]:
    """Return tensors as float32 arrays."""
    return tuple(tensor.float().cpu().numpy() for tensor in tensors)
