"""Distributions over the levels 0 … L − 1 of a number: any probabilities at all, and the beta-binomial's."""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Beta, Binomial, Categorical, Distribution, constraints
from torch.types import _size

from vael.distributions.rows import CumulativeRow

__all__ = ["BetaBinomial", "FreeLevels"]


class FreeLevels(Distribution):
    """Give every level a probability of its own: P(k) = softmax(ℓ)_k.

    torch's `Categorical` has no mean and draws integers; a level is a number here.

    Arguments:
        logits: ℓ, `(…, L)`, any real numbers.
    """

    has_rsample = False

    def __init__(self, logits: Tensor) -> None:
        self.log_p = torch.log_softmax(logits, -1)
        self.num_levels = logits.shape[-1]
        super().__init__(logits.shape[:-1], validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """What torch asks of a distribution that prints itself."""
        return {"log_p": constraints.real_vector}

    @property
    def mean(self) -> Tensor:
        """The level nearest to the expected one, `(…,)`."""
        levels = torch.arange(self.log_p.shape[-1], device=self.log_p.device, dtype=self.log_p.dtype)
        return (self.log_p.exp() * levels).sum(-1).round()

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log P(k) in nats for levels k in 0 … L − 1, `(…,)`."""
        return _choose(self.log_p, value)

    def cdf(self, value: Tensor) -> Tensor:
        """Return P(level ≤ k), exactly 1 at the last level, `(…,)`."""
        return _cumulate(self.log_p, value)

    def in_row(self) -> CumulativeRow:
        """Return the numbers' distributions in one row, `(n,)`."""
        return CumulativeRow(self.log_p.reshape(-1, self.num_levels).exp().cumsum(-1))

    def sample(self, sample_shape: _size = ()) -> Tensor:
        """Draw levels, float `(*sample_shape, …)`."""
        with torch.no_grad():
            drawn = Categorical(logits=self.log_p, validate_args=False).sample(torch.Size(sample_shape))
        return drawn.to(self.log_p.dtype)


class BetaBinomial(Distribution):
    """Count the heads of n = L − 1 coins whose common probability is itself drawn from a beta distribution.

        P(k) = C(n, k) (α)_k (β)_(n−k) / (c)_n,   α = mc,  β = (1 − m)c,  (a)_k = a (a + 1) … (a + k − 1).

    One bump, a slope, or heaps at the two ends, and the binomial as c → ∞. In log space, so that m may be as near to 0
    or 1 as its logit says.

    Arguments:
        logits: The logit of the mean share m, `(…,)`.
        log_c: The log of the concentration c, `(…,)`.
        num_levels: L ≥ 2.
    """

    has_rsample = False

    def __init__(self, logits: Tensor, log_c: Tensor, num_levels: int) -> None:
        self.logits, self.log_c = torch.broadcast_tensors(logits, log_c)
        self.num_levels = num_levels
        super().__init__(self.logits.shape, validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """What torch asks of a distribution that prints itself."""
        return {"logits": constraints.real, "log_c": constraints.real}

    @property
    def log_alpha_beta(self) -> tuple[Tensor, Tensor]:
        """The logs of the beta distribution's two parameters, `(…,)` each."""
        return F.logsigmoid(self.logits) + self.log_c, F.logsigmoid(-self.logits) + self.log_c

    @property
    def mean(self) -> Tensor:
        """The level nearest to the expected one, nm, `(…,)`."""
        return ((self.num_levels - 1) * torch.sigmoid(self.logits)).round()

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log P(k) in nats for levels k in 0 … L − 1, `(…,)`."""
        rest = self.num_levels - 1 - value
        total = torch.full_like(value, self.num_levels - 1)
        log_alpha, log_beta = self.log_alpha_beta
        log_choices = torch.lgamma(total + 1) - torch.lgamma(value + 1) - torch.lgamma(rest + 1)
        rising = _log_rising(log_alpha, value) + _log_rising(log_beta, rest) - _log_rising(self.log_c, total)
        return log_choices + rising

    def cdf(self, value: Tensor) -> Tensor:
        """Return P(level ≤ k), exactly 1 at the last level, `(…,)`."""
        levels = torch.arange(self.num_levels, device=self.logits.device, dtype=self.logits.dtype)
        log_p = self.log_prob(levels.view(-1, *[1] * self.logits.dim()))
        return _cumulate(log_p.movedim(0, -1), value)

    def sample(self, sample_shape: _size = ()) -> Tensor:
        """Draw levels, float `(*sample_shape, …)`."""
        with torch.no_grad():
            alpha, beta = (log.exp() for log in self.log_alpha_beta)
            share = Beta(alpha, beta, validate_args=False).sample(torch.Size(sample_shape))
            return Binomial(self.num_levels - 1, probs=share, validate_args=False).sample()


def _log_rising(log_a: Tensor, k: Tensor) -> Tensor:
    """Return log (a)_k for whole numbers k ≥ 0, finite however small a is: its first factor stays in log space."""
    a = log_a.exp()
    rest = torch.lgamma(a + k.clamp(min=1)) - torch.lgamma(a + 1)
    return torch.where(k > 0, log_a + rest, 0.0)


def _choose(values: Tensor, level: Tensor) -> Tensor:
    """Return values `(…, L)` at levels `(…,)`."""
    shape = torch.broadcast_shapes(values.shape[:-1], level.shape)
    index = level.long().expand(shape).unsqueeze(-1)
    return values.expand(*shape, -1).gather(-1, index).squeeze(-1)


def _cumulate(log_p: Tensor, level: Tensor) -> Tensor:
    """Return the sum of probabilities `(…, L)` up to and with levels `(…,)`."""
    last = log_p.shape[-1] - 1
    return torch.where(level >= last, 1.0, _choose(log_p.exp().cumsum(-1), level).clamp(max=1))
