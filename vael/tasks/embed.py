"""Encode a whole split."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vael.data.batches import DeviceData
from vael.models import VAE
from vael.models.inference import Latent
from vael.random import seeded

__all__ = ["Embedding", "embed"]

BATCH_SIZE = 1000


@dataclass(frozen=True)
class Embedding:
    """Hold the posterior of every example.

    Arguments:
        mean: `(N, D)` float32, the mean of q(z | x).
        stddev: `(N, D)` float32, its standard deviations; zero for a point posterior.
        rate_nats: `(N,)` float32, KL(q(z|x) ‖ p(z)); NaN for a model without a rate.
        rate_per_dim_nats: `(N, D)` float32, each dimension's part of it; NaN where the dimensions do not factorise.
    """

    mean: NDArray[np.float32]
    stddev: NDArray[np.float32]
    rate_nats: NDArray[np.float32]
    rate_per_dim_nats: NDArray[np.float32]


@torch.inference_mode()
def embed(model: VAE, data: DeviceData, *, seed: int = 0) -> Embedding:
    """Encode every example, in order.

    Arguments:
        model: The model; it is put into evaluation mode.
        data: The examples.
        seed: Seed of treatments that draw x.
    """
    model.eval()
    parts = []
    with seeded(seed):
        for batch in data.in_order(BATCH_SIZE):
            parts.append(_describe(model, model.infer_latents(batch)[0]))
    return Embedding(*(torch.cat(part).float().cpu().numpy() for part in zip(*parts, strict=True)))


def _describe(model: VAE, latent: Latent) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return mean, standard deviation, rate and rate by dimension of a batch."""
    mean = latent.q_z.mean
    missing = torch.full_like(mean, torch.nan)
    if not model.posterior.has_density:
        return mean, torch.zeros_like(mean), missing[:, 0], missing
    rate_per_dim = latent.rate_per_dim
    return mean, latent.q_z.stddev, latent.rate, missing if rate_per_dim is None else rate_per_dim
