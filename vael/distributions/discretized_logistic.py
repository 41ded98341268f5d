"""The logistic distribution cut into levels: an exact probability for each of the integers 0 … L − 1."""

import math
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.types import _size

from vael.distributions.rows import LogisticRow

__all__ = ["DiscretizedLogistic"]

LARGEST_LOG_S = 20.0  # far beyond the narrowest bin and the widest slope; a scale that overflows has no gradient


class DiscretizedLogistic(Distribution):
    """Give level k the logistic mass of its bin, the outermost bins reaching to ±∞.

    With the levels on [−1, 1], c_k = 2k/(L−1) − 1 and half width h = 1/(L−1):

        P(k) = σ((c_k + h − μ)/s) − σ((c_k − h − μ)/s),   σ(−∞) = 0, σ(∞) = 1.

    In log space, with no clamp: log(σ(b) − σ(a)) = log σ(b) + log σ(−a) + log(1 − e^(a−b)).
    Reference: "Improving variational inference with inverse autoregressive flow", Kingma et al. 2016,
    https://arxiv.org/abs/1606.04934.

    Arguments:
        mu: `(…,)` location on [−1, 1], any real number.
        log_s: `(…,)` log scale.
        num_levels: L ≥ 2.
    """

    has_rsample = False

    def __init__(self, mu: Tensor, log_s: Tensor, num_levels: int) -> None:
        self.mu, self.log_s = torch.broadcast_tensors(mu, log_s.clamp(-LARGEST_LOG_S, LARGEST_LOG_S))
        self.num_levels = num_levels
        super().__init__(self.mu.shape, validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """What torch asks of a distribution that prints itself."""
        return {"mu": constraints.real, "log_s": constraints.real}

    @property
    def mean(self) -> Tensor:
        """The level nearest to the location, cut to 0 … L − 1, `(…,)` (the median, which is what one wants to see)."""
        return ((self.mu + 1) * (self.num_levels - 1) / 2).clamp(0, self.num_levels - 1).round()

    @cached_property
    def precision(self) -> Tensor:
        """1 / s, `(…,)`."""
        return torch.exp(-self.log_s)

    def _edges(self, value: Tensor) -> tuple[Tensor, Tensor]:
        """Return the standardised lower and upper edge of a level's bin."""
        half = 1 / (self.num_levels - 1)
        center = 2 * half * value - 1 - self.mu
        return (center - half) * self.precision, (center + half) * self.precision

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log P(k) in nats for levels k in 0 … L − 1, `(…,)`."""
        lower, upper = self._edges(value)
        inside = _log1mexp(2 / (self.num_levels - 1) * self.precision)  # upper − lower, with no digits lost
        below = F.logsigmoid(upper)
        above = F.logsigmoid(-lower)
        log_prob = below + above + inside
        return torch.where(value < 0.5, below, torch.where(value > self.num_levels - 1.5, above, log_prob))

    def cdf(self, value: Tensor) -> Tensor:
        """Return P(level ≤ k), exactly 1 at the last level, `(…,)`."""
        half = 1 / (self.num_levels - 1)
        upper = (2 * half * value + (half - 1) - self.mu) * self.precision
        return torch.where(value > self.num_levels - 1.5, 1.0, torch.sigmoid(upper))

    def in_row(self) -> LogisticRow:
        """Return the numbers' distributions in one row, `(n,)`."""
        return LogisticRow(None, self.mu.reshape(1, -1), self.precision.reshape(1, -1), self.num_levels)

    def sample(self, sample_shape: _size = ()) -> Tensor:
        """Draw levels, float `(*sample_shape, …)`, by inverting the continuous cdf and rounding to the bin."""
        with torch.no_grad():
            u = torch.rand((*sample_shape, *self.mu.shape), device=self.mu.device)
            logistic = self.mu + torch.exp(self.log_s) * (torch.log(u) - torch.log1p(-u))
            return ((logistic + 1) * (self.num_levels - 1) / 2).round().clamp(0, self.num_levels - 1)


def _log1mexp(x: Tensor) -> Tensor:
    """Return log(1 − e^(−x)) for x > 0, accurate at both ends (Mächler 2012)."""
    turn = math.log(2)
    large = x.clamp(min=turn)  # the branch that is not taken must not be infinite: its gradient would be not a number
    return torch.where(x < turn, torch.log(-torch.expm1(-x)), torch.log1p(-torch.exp(-large)))
