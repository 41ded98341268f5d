"""A distribution that is evaluated in float64 and answers in the type that its user works in."""

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.types import _size

__all__ = ["InDouble"]


class InDouble(Distribution):
    """Evaluate a distribution in float64.

    Differences of log Γ lose every digit of float32 where counts, concentrations or degrees of freedom are large: at
    x = 10⁶ the terms of a Poisson's log p are about 10⁷, and float32 would be off by a nat.

    Arguments:
        base: The distribution, its parameters in float64, with an event of no axes.
        dtype: The type of what comes out.
    """

    has_rsample = False

    def __init__(self, base: Distribution, dtype: torch.dtype) -> None:
        self.base = base
        self.dtype = dtype
        super().__init__(base.batch_shape, base.event_shape, validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """What torch asks of a distribution that prints itself."""
        return {}

    @property
    def mean(self) -> Tensor:
        """The mean, `(…,)`."""
        return self.base.mean.to(self.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log p(x) in nats, `(…,)`."""
        return self.base.log_prob(value.double()).to(self.dtype)

    def cdf(self, value: Tensor) -> Tensor:
        """Return P(X ≤ x), `(…,)`, where the distribution has one."""
        return self.base.cdf(value.double()).to(self.dtype)

    def sample(self, sample_shape: _size = ()) -> Tensor:
        """Draw x, `(*sample_shape, …)`."""
        return self.base.sample(torch.Size(sample_shape)).to(self.dtype)
