"""Encode and decode: what survives of x."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from vael.models import VAE
from vael.random import seeded
from vael.tasks.terms import as_arrays, encode
from vael.types import Batch

__all__ = ["Reconstruction", "reconstruct"]


@dataclass(frozen=True)
class Reconstruction:
    """Hold observations and what the model makes of them.

    Arguments:
        x: `(B, *shape)` float32, the observations in their domain.
        mean: `(B, *shape)` float32, the mean of p(x | z) at the mean of q(z | x).
        rate_nats: `(B,)` float32, KL(q(z|x) ‖ p(z)); NaN for a model without a rate.
        distortion_nats: `(B,)` float32, −log p(x | z) at one draw of z.
    """

    x: NDArray[np.float32]
    mean: NDArray[np.float32]
    rate_nats: NDArray[np.float32]
    distortion_nats: NDArray[np.float32]


@torch.inference_mode()
def reconstruct(model: VAE, batch: Batch, *, seed: int = 0) -> Reconstruction:
    """Reconstruct a batch.

    Arguments:
        model: The model; it is put into evaluation mode.
        batch: What to reconstruct, `(B, *shape)`.
        seed: Seed of the draw that the distortion is measured at.
    """
    model.eval()
    with seeded(seed):
        inference = model.infer(batch)
    encoding = encode(model, batch)
    mean = model.decode(encoding.mean, batch.context).mean
    return Reconstruction(*as_arrays(batch.x, mean, encoding.rate, inference.distortion))
