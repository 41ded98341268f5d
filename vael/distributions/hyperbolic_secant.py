"""The hyperbolic secant distribution: squared error near its centre, absolute error far from it."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.types import _size

__all__ = ["HyperbolicSecant"]


class HyperbolicSecant(Distribution):
    """Give x the density p(x) = sech(y) / 2σ with y = π(x − μ)/2σ, whose standard deviation is σ.

    −log p(x) = log cosh y + log 2σ: the "log-cosh" loss with the constant that makes it a likelihood.

    Arguments:
        mu: `(…,)` location.
        sigma: `(…,)` standard deviation, > 0.
    """

    has_rsample = True

    def __init__(self, mu: Tensor, sigma: Tensor) -> None:
        self.mu, self.sigma = torch.broadcast_tensors(mu, sigma)
        super().__init__(self.mu.shape, validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """What torch asks of a distribution that prints itself."""
        return {"mu": constraints.real, "sigma": constraints.positive}

    @property
    def mean(self) -> Tensor:
        """The mean, `(…,)`."""
        return self.mu

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log p(x) in nats, `(…,)`."""
        size = (value - self.mu).abs() * (math.pi / 2) / self.sigma
        log_cosh = size + F.softplus(-2 * size) - math.log(2)
        return -log_cosh - torch.log(2 * self.sigma)

    def rsample(self, sample_shape: _size = ()) -> Tensor:
        """Draw x, `(*sample_shape, …)`: the log of a ratio of two normal numbers has this law, with σ = π/2."""
        shape = (*sample_shape, *self.mu.shape)
        above, below = torch.randn((2, *shape), device=self.mu.device, dtype=self.mu.dtype).abs().log().unbind(0)
        return self.mu + self.sigma * (2 / math.pi) * (above - below)
