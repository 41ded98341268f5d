"""An objective turns what a model infers of a batch into a scalar to minimise."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from vael.models import VAE, Inference, drawing
from vael.random import seeded
from vael.schedules import Constant, Schedule
from vael.types import Batch

__all__ = ["Loss", "Objective", "add_penalty", "code_of", "probe", "value_at"]


@dataclass(frozen=True)
class Loss:
    """Hold the scalar to minimise and the terms that it was made from.

    Arguments:
        value: `()`, with gradient.
        rate: `()`, the batch mean in nats, without weights.
        distortion: `()`, the batch mean in nats.
        beta: `()`, the weight that the rate had.
        adversary: `()`, what the critic minimises meanwhile; None without one.
    """

    value: Tensor
    rate: Tensor
    distortion: Tensor
    beta: Tensor
    adversary: Tensor | None = None

    @classmethod
    def of(
        cls, value: Tensor, model: VAE, inference: Inference, beta: Tensor, *, adversary: Tensor | None = None
    ) -> "Loss":
        """Add the posteriors' penalty to a value `()` and report the terms of the bound, a rate of 0 where none is."""
        distortion = inference.distortion.mean().detach()
        rate = inference.rate.mean().detach() if model.has_density else torch.zeros_like(distortion)
        return cls(add_penalty(value, inference), rate, distortion, beta, adversary)


def add_penalty(value: Tensor, inference: Inference) -> Tensor:
    """Add what the posteriors ask for besides the bound (a codebook's commitment) to a loss `()`."""
    return value if inference.penalty is None else value + inference.penalty.mean()


def value_at(number: float | Schedule, step: Tensor) -> Tensor:
    """Return a number, or a schedule's value, at a 0-dimensional step; `()`."""
    return (number if isinstance(number, Schedule) else Constant(float(number)))(step)


def code_of(inference: Inference) -> Tensor:
    """Return the first draw's codes `(B, D)`: the latents of all layers side by side."""
    return torch.cat([latent.z[0] for latent in inference.latents], -1)


def probe(model: VAE) -> Inference:
    """Infer two blank observations: what kinds of distribution a model's terms are. Nothing is changed by it."""
    observation, device = model.observation, model.device
    context = torch.zeros(2, model.context_dim, device=device) if model.context_dim else None
    was_training = model.training
    with seeded(0):
        inference = model.eval()(Batch(torch.zeros(2, *observation.shape, device=device), context), drawing(1))
    model.train(was_training)
    return inference


class Objective(ABC):
    """Compute a loss; the members are frozen dataclasses of their options.

    An adversarial objective has a critic, a network of its own: each step of the loop moves the model against the
    gradient of `value` and the critic against that of `adversary`, both taken at the same weights.
    """

    needs_density: bool = True
    """Whether the objective reads a rate, so that the posterior must have a density."""

    needs_reparametrised: bool = False
    """Whether the objective differentiates through the draws of z, so that they must carry q's gradient exactly."""

    has_critic: ClassVar[bool] = False
    """Whether the objective trains a critic against the model; `build_critic` makes it."""

    def build_critic(self, model: VAE) -> nn.Module | None:
        """Build the network that plays against the model; None for objectives without one."""
        return None

    def find_misfit(self, model: VAE) -> str:
        """Say what the objective needs of this model's distributions and does not find; empty where all is there."""
        return ""

    @abstractmethod
    def __call__(self, model: VAE, batch: Batch, step: Tensor, critic: nn.Module | None = None) -> Loss:
        """Return the loss of one batch; `step` is 0-dimensional and counts from 0."""
