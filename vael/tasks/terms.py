"""What a model says of a batch: the core that embed, reconstruct, score and inspect share.

Everything is taken at the mean of q(z | x), so that the same x always gives the same numbers:

    rate = KL(q(z|x) ‖ p(z)),   distortion = −log p(x | z̄),   z̄ = E_q z

A rate without a closed form is the exception: it is estimated from the one draw that `infer_latents` makes.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Distribution

from vael.models import VAE
from vael.models.inference import Latent
from vael.types import Batch

__all__ = ["Encoding", "Terms", "as_arrays", "describe_latent", "score_of", "terms_at_mean"]


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


def describe_latent(model: VAE, latent: Latent) -> Encoding:
    """Return mean, standard deviations and rates of the posteriors of a batch."""
    mean = latent.q_z.mean
    missing = torch.full_like(mean, torch.nan)
    if not model.posterior.has_density:
        return Encoding(mean, torch.zeros_like(mean), missing[:, 0], missing)
    rate_per_dim = latent.rate_per_dim
    return Encoding(mean, latent.q_z.stddev, latent.rate, missing if rate_per_dim is None else rate_per_dim)


def terms_at_mean(model: VAE, batch: Batch) -> Terms:
    """Encode a batch and decode the posterior's means; the model is in evaluation mode."""
    encoding = describe_latent(model, model.infer_latents(batch)[0])
    p_x = model.decode(encoding.mean)
    return Terms(encoding, p_x, -p_x.log_prob(batch.x))


def score_of(rate: NDArray[np.float32], distortion: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return rate + distortion, or the distortion alone where there is no rate (NaN); nats, `(N,)`."""
    return np.where(np.isnan(rate), distortion, rate + distortion)


def as_arrays(*tensors: Tensor) -> tuple[NDArray[np.float32], ...]:
    """Return tensors as float32 arrays."""
    return tuple(tensor.float().cpu().numpy() for tensor in tensors)
