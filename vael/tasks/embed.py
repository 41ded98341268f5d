"""Encode a whole split."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from vael.data.batches import DeviceData
from vael.models import VAE
from vael.random import seeded
from vael.tasks.terms import as_arrays, encode

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
            found = encode(model, batch)
            parts.append((found.mean, found.stddev, found.rate, found.rate_per_dim))
    return Embedding(*as_arrays(*(torch.cat(part) for part in zip(*parts, strict=True))))
