"""An objective turns what a model infers of a batch into a scalar to minimise."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from vael.models import VAE, Inference
from vael.types import Batch

__all__ = ["Loss", "Objective", "add_penalty"]


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


def add_penalty(value: Tensor, inference: Inference) -> Tensor:
    """Add what the posteriors ask for besides the bound (a codebook's commitment) to a loss `()`."""
    return value if inference.penalty is None else value + inference.penalty.mean()


class Objective(ABC):
    """Compute a loss; the members are frozen dataclasses of their options.

    An adversarial objective has a critic, a network of its own: each step of the loop moves the model against the
    gradient of `value` and the critic against that of `adversary`, both taken at the same weights.
    """

    needs_density: ClassVar[bool] = True
    """Whether the objective reads a rate, so that the posterior must have a density."""

    needs_reparametrised: ClassVar[bool] = False
    """Whether the objective differentiates through the draws of z, so that they must carry q's gradient exactly."""

    has_critic: ClassVar[bool] = False
    """Whether the objective trains a critic against the model; `build_critic` makes it."""

    needs_factorised: bool = False
    """Whether the objective reads the rate of each latent dimension."""

    def build_critic(self, model: VAE) -> nn.Module | None:
        """Build the network that plays against the model; None for objectives without one."""
        return None

    @abstractmethod
    def __call__(self, model: VAE, batch: Batch, step: Tensor, critic: nn.Module | None = None) -> Loss:
        """Return the loss of one batch; `step` is 0-dimensional and counts from 0."""
