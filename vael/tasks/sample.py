"""Make things up: z from the prior, x from the decoder."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from vael.errors import VaelError
from vael.models import VAE
from vael.random import seeded
from vael.tasks.condition import cycle_labels
from vael.tasks.decode import decode_means

__all__ = ["Samples", "draw_latent", "sample"]


@dataclass(frozen=True)
class Samples:
    """Hold what a model made up.

    Arguments:
        x: `(N, *shape)` float32, in the domain of the observation (or the mean of p(x|z), see `sample`).
        z: `(N, D)` float32, the latents they were decoded from.
    """

    x: NDArray[np.float32]
    z: NDArray[np.float32]


@torch.inference_mode()
def sample(model: VAE, num_samples: int, *, seed: int = 0, mean: bool = True, label: int | None = None) -> Samples:
    """Draw from the prior and decode.

    Arguments:
        model: The model; it is put into evaluation mode.
        num_samples: N ≥ 1.
        seed: Seed of the draws.
        mean: Whether x is the mean of p(x | z), which is what pictures show; False draws x from it.
        label: The label of a conditional model, the same for all; None takes one label after the other.

    Raises:
        VaelError: N < 1, or no such label.
    """
    if num_samples < 1:
        raise VaelError(f"sample expects num_samples ≥ 1, got {num_samples}")
    model.eval()
    with seeded(seed):
        context = cycle_labels(model, num_samples, label)
        z = model.draw(num_samples, context)
        if mean:
            return Samples(decode_means(model, z, context), z.cpu().numpy())
        x = model.decode(z, context).sample()
    return Samples(x.float().cpu().numpy(), z.cpu().numpy())


def draw_latent(model: VAE, *, seed: int = 0, label: int | None = None) -> NDArray[np.float32]:
    """Draw one latent of the prior, `(D,)`: a typical place to start from, unlike the prior's mean.

    With many dimensions the draws of a standard normal lie near a sphere of radius √D, and a decoder learns only there.
    """
    with seeded(seed), torch.inference_mode():
        return model.draw(1, cycle_labels(model, 1, label))[0].cpu().numpy()
