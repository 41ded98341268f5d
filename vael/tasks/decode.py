"""Decode many latents without asking for the memory of all at once."""

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from vael.models import VAE
from vael.tasks.checks import check_points

__all__ = ["CELLS_AT_ONCE", "decode", "decode_means"]

CELLS_AT_ONCE = 2_000_000  # numbers of x in one decoder call: 8 MB a tensor


def decode(model: VAE, z: ArrayLike) -> NDArray[np.float32]:
    """Return the means of p(x | z), `(…, *shape)` float32, for latents from anywhere.

    Arguments:
        model: The model; it is put into evaluation mode.
        z: `(…, D)`, finite.

    Raises:
        VaelError: Not D numbers, or NaN or infinity among them.
    """
    latents = check_points(z, model.latent_dim)
    if model.training:  # asked sixty times a second, and setting it visits every layer
        model.eval()
    return decode_means(model, torch.from_numpy(latents))


@torch.inference_mode()
def decode_means(model: VAE, z: Tensor) -> NDArray[np.float32]:
    """Return the means of p(x | z), `(…, *shape)` float32, for latents `(…, D)`; the model is in evaluation mode."""
    rows = z.reshape(-1, z.shape[-1]).to(model.device)
    at_once = max(1, CELLS_AT_ONCE // model.observation.num_dims)
    means = [model.decode(part).mean.float().cpu() for part in rows.split(at_once)]
    return torch.cat(means).reshape(*z.shape[:-1], *model.observation.shape).numpy()
