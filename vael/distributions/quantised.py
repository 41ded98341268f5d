"""A posterior that sits on one entry of a codebook: a point of ℝ^D for the decoder, codes for the prior."""

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.types import _size

from vael.distributions.penalised import Penalised

__all__ = ["Quantised"]


class Quantised(Penalised):
    """Put all probability on one sequence of codes and on the point z that they stand for.

    Given x the codes c are certain, so that q(c | x) = 1 and the rate against a prior over codes is exactly −log p(c).

    Arguments:
        point: z, `(B, D)`, with the gradient that the decoder's is to become.
        codes: c as one-hot rows, `(B, N·C)`.
        penalty: What the codebook costs besides the bound, `(B,)`.
    """

    has_rsample = True

    def __init__(self, point: Tensor, codes: Tensor, penalty: Tensor) -> None:
        self.point = point
        self.codes = codes
        self.commitment = penalty
        super().__init__(point.shape[:-1], point.shape[-1:], validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """What torch asks of a distribution that prints itself."""
        return {"point": constraints.real_vector}

    @property
    def penalty(self) -> Tensor:
        return self.commitment

    @property
    def mean(self) -> Tensor:
        """The point, `(B, D)`."""
        return self.point

    @property
    def variance(self) -> Tensor:
        """Zeros, `(B, D)`."""
        return torch.zeros_like(self.point)

    def rsample(self, sample_shape: _size = ()) -> Tensor:
        """Return the point, `(*sample_shape, B, D)`."""
        return self.point.expand(*sample_shape, *self.point.shape)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the log probability, 0 at the point and −∞ elsewhere, `(…, B)`."""
        return torch.where((value == self.point).all(-1), 0.0, -torch.inf)
