"""Encode a whole split."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from vael.data.batches import DeviceData
from vael.models import VAE
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
    """

    mean: NDArray[np.float32]
    stddev: NDArray[np.float32]
    rate_nats: NDArray[np.float32]


@torch.inference_mode()
def embed(model: VAE, data: DeviceData, *, seed: int = 0) -> Embedding:
    """Encode every example, in order.

    Arguments:
        model: The model; it is put into evaluation mode.
        data: The examples.
        seed: Seed of treatments that draw x.
    """
    model.eval()
    means, stddevs, rates = [], [], []
    with seeded(seed):
        for batch in data.in_order(BATCH_SIZE):
            latent = model.infer(batch).latents[0]
            means.append(latent.q_z.mean)
            has_density = model.posterior.has_density
            stddevs.append(latent.q_z.stddev if has_density else torch.zeros_like(latent.q_z.mean))
            rates.append(latent.rate if has_density else torch.full((len(batch.x),), torch.nan))
    return Embedding(*(torch.cat(parts).float().cpu().numpy() for parts in (means, stddevs, rates)))
