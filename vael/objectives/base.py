"""An objective turns what a model infers of a batch into a scalar to minimise."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from vael.models import VAE
from vael.types import Batch

__all__ = ["Loss", "Objective"]


@dataclass(frozen=True)
class Loss:
    """Hold the scalar to minimise and the terms that it was made from.

    Arguments:
        value: `()`, with gradient.
        rate: `()`, the batch mean in nats, without weights.
        distortion: `()`, the batch mean in nats.
        beta: `()`, the weight that the rate had.
    """

    value: Tensor
    rate: Tensor
    distortion: Tensor
    beta: Tensor


class Objective(ABC):
    """Compute a loss; the members are frozen dataclasses of their options."""

    needs_density: ClassVar[bool] = True
    """Whether the objective reads a rate, so that the posterior must have a density."""

    needs_factorised: bool = False
    """Whether the objective reads the rate of each latent dimension."""

    @abstractmethod
    def __call__(self, model: VAE, batch: Batch, step: Tensor) -> Loss:
        """Return the loss of one batch; `step` is 0-dimensional and counts from 0."""
