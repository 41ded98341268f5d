"""The point mass: all probability at one place, which makes an autoencoder of a VAE."""

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.types import _size

__all__ = ["Delta"]


class Delta(Distribution):
    """Put all mass at `point`; it has no density, so a bound that needs one is infinite.

    Arguments:
        point: `(…, D)`, real; the last axis is the event.
    """

    has_rsample = True

    def __init__(self, point: Tensor) -> None:
        self.point = point
        super().__init__(point.shape[:-1], point.shape[-1:], validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """What torch asks of a distribution that prints itself."""
        return {"point": constraints.real_vector}

    @property
    def mean(self) -> Tensor:
        """The place of the mass, `(…, D)`."""
        return self.point

    def rsample(self, sample_shape: _size = ()) -> Tensor:
        """Return the point, `(*sample_shape, …, D)`."""
        return self.point.expand(*sample_shape, *self.point.shape)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return +∞ at the point and −∞ elsewhere, `(…,)`."""
        return torch.where((value == self.point).all(-1), torch.inf, -torch.inf)
