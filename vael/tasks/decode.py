"""Decode many latents without asking for the memory of all at once."""

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from vael.models import VAE
from vael.tasks.checks import check_points
from vael.tasks.condition import condition

__all__ = ["CELLS_AT_ONCE", "decode", "decode_means"]

CELLS_AT_ONCE = 2_000_000  # numbers of x in one decoder call: 8 MB a tensor


def decode(model: VAE, z: ArrayLike, *, label: int | None = None) -> NDArray[np.float32]:
    """Return the means of p(x | z), `(…, *shape)` float32, for latents from anywhere.

    Arguments:
        model: The model; it is put into evaluation mode.
        z: `(…, D)`, finite.
        label: The label of a conditional model; None takes its first.

    Raises:
        VaelError: No such label, not D numbers, or NaN or infinity among them.
    """
    latents = check_points(z, model.latent_dim)
    if model.training:  # asked sixty times a second, and setting it visits every layer
        model.eval()
    return decode_means(model, torch.from_numpy(latents), condition(model, label))


@torch.inference_mode()
def decode_means(model: VAE, z: Tensor, context: Tensor | None = None) -> NDArray[np.float32]:
    """Return the means of p(x | z), `(…, *shape)` float32; the model is in evaluation mode.

    Arguments:
        model: The model.
        z: `(…, D)`.
        context: `(Y,)` one condition for all, or `(…, Y)`; None for a model without conditions.
    """
    rows = z.reshape(-1, z.shape[-1]).to(model.device)
    at_once = max(1, CELLS_AT_ONCE // model.observation.num_dims)
    if context is None:
        contexts: list[Tensor | None] = [None] * -(-len(rows) // at_once)
    else:
        contexts = list(context.expand(*z.shape[:-1], -1).reshape(len(rows), -1).to(model.device).split(at_once))
    parts = zip(rows.split(at_once), contexts, strict=True)
    means = [model.decode(part, given).mean.float().cpu() for part, given in parts]
    return torch.cat(means).reshape(*z.shape[:-1], *model.observation.shape).numpy()
