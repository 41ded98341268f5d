"""The deterministic autoencoder, the baseline that the tutorials start from."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vael.models import VAE
from vael.objectives.base import Loss, Objective, add_penalty
from vael.types import Batch

__all__ = ["Autoencoder"]


@dataclass(frozen=True)
class Autoencoder(Objective):
    """Minimise the distortion alone; with the posterior `point` nothing is drawn and this is a plain autoencoder."""

    needs_density = False

    def __call__(self, model: VAE, batch: Batch, step: Tensor, critic: nn.Module | None = None) -> Loss:
        inference = model.infer(batch)
        distortion = inference.distortion.mean()
        nothing = torch.zeros((), device=distortion.device)
        return Loss(add_penalty(distortion, inference), nothing, distortion.detach(), nothing)
