"""Mixtures of factorised normals, with matrix products instead of a difference for each value and component."""

import math

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.types import _size

from vael.distributions.pieces import in_pieces

__all__ = ["NormalMixture"]


class NormalMixture(Distribution):
    """Give z the density p(z) = Σ_c w_c N(z; μ_c, diag σ_c²).

    With the precisions π = σ⁻², the squared distances of N values from C components are two matrix products,

        Σ_d π_cd (z_d − μ_cd)² = Σ_d z_d² π_cd − 2 Σ_d z_d π_cd μ_cd + Σ_d π_cd μ_cd²,

    so that no tensor `(N, C, D)` is built; one more column adds what does not depend on z. What cancels in them is
    (z/σ)², in float32 whole nats once σ is a thousandth of |z|: they are taken in float64 (which autocast leaves
    alone), where that costs 10⁻⁹ of a nat.

    Arguments:
        mu: `(C, D)`.
        log_sigma: `(C, D)`, the logarithms of the standard deviations.
        log_weights: `(C,)`, any real numbers; their softmax are the weights.
    """

    has_rsample = False

    def __init__(self, mu: Tensor, log_sigma: Tensor, log_weights: Tensor) -> None:
        self.mu = mu
        self.log_sigma = log_sigma
        self.log_weights = torch.log_softmax(log_weights, 0)
        super().__init__(event_shape=mu.shape[-1:], validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """What torch asks of a distribution that prints itself."""
        return {"mu": constraints.real, "log_sigma": constraints.real, "log_weights": constraints.real}

    @property
    def mean(self) -> Tensor:
        """Σ_c w_c μ_c, `(D,)`."""
        return (self.log_weights.exp().unsqueeze(-1) * self.mu).sum(0)

    @property
    def variance(self) -> Tensor:
        """The variances within the components and between them, `(D,)`."""
        spread = torch.exp(2 * self.log_sigma) + (self.mu - self.mean).square()
        return (self.log_weights.exp().unsqueeze(-1) * spread).sum(0)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log p(z) in nats, `(…)`, for `(…, D)`."""
        factors = self._factors()
        rows = value.reshape(-1, value.shape[-1])
        found = in_pieces(lambda z: torch.logsumexp(_beside(z) @ factors, -1), rows, len(self.mu))
        return found.to(value.dtype).reshape(value.shape[:-1])

    def log_prob_without(self, value: Tensor, left_out: Tensor) -> Tensor:
        """Return log p(z) without one component for each z, the other weights as they are; `(…)` for `(…, D)`.

        Arguments:
            value: `(…, D)`.
            left_out: `(…)` int64, the number of the component that z is not compared with; −1 for none.
        """
        factors, rows = self._factors(), value.reshape(-1, value.shape[-1])
        numbers = torch.arange(len(self.mu), device=value.device)

        def log_density(piece: Tensor) -> Tensor:
            terms = _beside(rows[piece]) @ factors
            return torch.logsumexp(
                terms.masked_fill(left_out.reshape(-1)[piece].unsqueeze(-1) == numbers, -math.inf), -1
            )

        found = in_pieces(log_density, torch.arange(len(rows), device=value.device), len(self.mu))
        return found.to(value.dtype).reshape(value.shape[:-1])

    def _factors(self) -> Tensor:
        """Return what `(z², z, 1)` is multiplied with, `(2 D + 1, C)` float64: one product of the three terms.

        torch 2.13's compiler fails on a sum of a product and the offset.
        """
        mu, log_sigma = self.mu.double(), self.log_sigma.double()
        precision = torch.exp(-2 * log_sigma)
        offset = self.log_weights.double() - (0.5 * precision * mu.square() + log_sigma).sum(-1)
        offset = offset - 0.5 * mu.shape[-1] * math.log(2 * math.pi)
        return torch.cat([-0.5 * precision, precision * mu, offset.unsqueeze(-1)], -1).T

    def sample(self, sample_shape: _size = ()) -> Tensor:
        """Draw z, `(*sample_shape, D)`."""
        with torch.no_grad():
            count = math.prod(sample_shape)
            chosen = torch.multinomial(self.log_weights.exp(), count, replacement=True)
            mu, sigma = self.mu[chosen], self.log_sigma[chosen].exp()
            return (mu + sigma * torch.randn_like(mu)).reshape(*sample_shape, -1)


def _beside(z: Tensor) -> Tensor:
    """Return `(z², z, 1)`, `(N, 2 D + 1)` float64."""
    z = z.double()
    return torch.cat([z.square(), z, torch.ones_like(z[:, :1])], -1)
