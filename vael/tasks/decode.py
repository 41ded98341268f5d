"""Decode many latents without asking for the memory of all at once."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vael.models import VAE

__all__ = ["decode_means"]

CELLS_AT_ONCE = 2_000_000  # numbers of x in one decoder call: 8 MB a tensor


@torch.inference_mode()
def decode_means(model: VAE, z: Tensor) -> NDArray[np.float32]:
    """Return the means of p(x | z), `(…, *shape)` float32, for latents `(…, D)`; the model is in evaluation mode."""
    rows = z.flatten(0, -2).to(model.device)
    at_once = max(1, CELLS_AT_ONCE // model.observation.num_dims)
    means = [model.decode(part).mean.float().cpu() for part in rows.split(at_once)]
    return torch.cat(means).unflatten(0, z.shape[:-1]).numpy()
