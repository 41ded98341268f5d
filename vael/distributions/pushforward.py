"""A simple distribution pushed through invertible maps: draws are quick, and each brings its density along."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.types import _size

__all__ = ["Affine", "Bijection", "Pushforward"]

NUM_PAIRS = 64  # antithetic draws behind the variance


class Bijection(Protocol):
    """Map `(…, D)` to `(…, D)`, invertibly; zuko's transforms are such maps."""

    def call_and_ladj(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return f(x) and log |det ∂f/∂x|, `(…)`."""
        ...

    def inv(self, y: Tensor) -> Tensor:
        """Return x with f(x) = y."""
        ...


class Affine:
    """Map x to μ + σ ⊙ x, with `log_sigma` and `mu` `(…, D)`."""

    def __init__(self, mu: Tensor, log_sigma: Tensor) -> None:
        self.mu = mu
        self.log_sigma = log_sigma

    def call_and_ladj(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return μ + σ ⊙ x and Σ log σ."""
        return self.mu + torch.exp(self.log_sigma) * x, self.log_sigma.sum(-1).expand(x.shape[:-1])

    def inv(self, y: Tensor) -> Tensor:
        """Return (y − μ) ⊙ σ⁻¹."""
        return (y - self.mu) * torch.exp(-self.log_sigma)


class Pushforward(Distribution):
    """Take z = f(u), u from a base distribution, f = f_T ∘ … ∘ f_1.

        log p(z) = log p(u) − Σ_t log |det ∂f_t/∂u_(t−1)|

    The density of the last draw is known from the drawing; that of any other z takes the inverse maps. All is computed
    in float32, also under autocast: rounded differently, map and determinant would no longer belong together.

    Arguments:
        base: Of u, batch shape `(…)`, event shape `(D,)`.
        bijections: f_1, …, f_T, in the order in which they are applied.
    """

    has_rsample = True

    def __init__(self, base: Distribution, bijections: Sequence[Bijection]) -> None:
        self.base = base
        self.bijections = tuple(bijections)
        self.last: tuple[Tensor, Tensor] | None = None
        super().__init__(base.batch_shape, base.event_shape, validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """What torch asks of a distribution that prints itself."""
        return {}

    @property
    def mean(self) -> Tensor:
        """Where the base's mean goes, `(…, D)`: a centre that is always the same; E z has no closed form."""
        return self._push(self.base.mean)[0]

    @property
    def variance(self) -> Tensor:
        """The variance of each coordinate, `(…, D)`, estimated from fixed draws that come in antithetic pairs."""
        base = self.base.mean
        noise = torch.randn(NUM_PAIRS, *(1 for _ in base.shape[:-1]), base.shape[-1], generator=_fixed())
        offset = noise.to(base) * self.base.stddev
        return self._push(torch.cat([base + offset, base - offset]))[0].var(0)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log p(z) in nats, `(…)`, for `(…, D)`."""
        if self.last is not None and value is self.last[0]:
            return self.last[1]
        with torch.autocast(value.device.type, enabled=False):
            u = value.float()
            for bijection in reversed(self.bijections):
                u = bijection.inv(u)
        return self.base.log_prob(u) - self._push(u)[1]

    def rsample(self, sample_shape: _size = ()) -> Tensor:
        """Draw z, `(*sample_shape, …, D)`."""
        u = self.base.rsample(torch.Size(sample_shape))
        z, log_det = self._push(u)
        self.last = z, self.base.log_prob(u) - log_det
        return z

    def _push(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """Return f(u) and log |det ∂f/∂u|."""
        log_det = torch.zeros(u.shape[:-1], device=u.device)
        with torch.autocast(u.device.type, enabled=False):
            for bijection in self.bijections:
                u, ladj = bijection.call_and_ladj(u)
                log_det = log_det + ladj
        return u, log_det


def _fixed() -> torch.Generator:
    """Return a generator of its own, so that looking at a distribution leaves torch's global one as it is."""
    return torch.Generator().manual_seed(0)
