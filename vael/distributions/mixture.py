"""Mixtures of any distributions of one kind."""

import math

import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution, Independent, MixtureSameFamily, Normal, constraints
from torch.types import _size

from vael.distributions.normal_mixture import NormalMixture
from vael.distributions.pieces import in_pieces

__all__ = ["Mixture", "mix"]


class Mixture(Distribution):
    """Give z the density p(z) = Σ_c w_c p_c(z), value by value against every component.

    torch's `MixtureSameFamily`, a piece of the values at a time: it holds each value against each component.

    Arguments:
        log_weights: `(C,)`, any real numbers; their softmax are the weights.
        components: Batch shape `(C,)`, event shape `(D,)`.
    """

    has_rsample = False

    def __init__(self, log_weights: Tensor, components: Distribution) -> None:
        weights = Categorical(logits=log_weights, validate_args=False)
        self.whole = MixtureSameFamily(weights, components, validate_args=False)
        self.cells = len(log_weights) * components.event_shape.numel()
        super().__init__(event_shape=components.event_shape, validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """What torch asks of a distribution that prints itself."""
        return {}

    @property
    def mean(self) -> Tensor:
        """The mean over the components, `(D,)`."""
        return self.whole.mean

    @property
    def variance(self) -> Tensor:
        """The variances within the components and between them, `(D,)`."""
        return self.whole.variance

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log p(z) in nats, `(…)`, for `(…, D)`."""
        rows = value.reshape(-1, value.shape[-1])
        return in_pieces(self.whole.log_prob, rows, self.cells).reshape(value.shape[:-1])

    def log_prob_without(self, value: Tensor, left_out: Tensor) -> Tensor:
        """Return log p(z) without one component for each z, as `NormalMixture.log_prob_without`."""
        rows, components = value.reshape(-1, value.shape[-1]), self.whole.component_distribution
        log_weights = self.whole.mixture_distribution.logits
        numbers = torch.arange(len(log_weights), device=value.device)

        def log_density(piece: Tensor) -> Tensor:
            terms = log_weights + components.log_prob(rows[piece].unsqueeze(1))
            return torch.logsumexp(
                terms.masked_fill(left_out.reshape(-1)[piece].unsqueeze(-1) == numbers, -math.inf), -1
            )

        found = in_pieces(log_density, torch.arange(len(rows), device=value.device), self.cells)
        return found.reshape(value.shape[:-1])

    def sample(self, sample_shape: _size = ()) -> Tensor:
        """Draw z, `(*sample_shape, D)`."""
        wanted = torch.empty(math.prod(sample_shape), 0)
        drawn = in_pieces(lambda piece: self.whole.sample(torch.Size((len(piece),))), wanted, self.cells)
        return drawn.reshape(*sample_shape, -1)


def mix(log_weights: Tensor, components: Distribution) -> Mixture | NormalMixture:
    """Mix the members of a distribution's batch `(C,)`, in the fastest way that there is for its kind.

    Arguments:
        log_weights: `(C,)`, any real numbers; their softmax are the weights.
        components: Batch shape `(C,)`, event shape `(D,)`.
    """
    if isinstance(components, Independent) and isinstance(components.base_dist, Normal):
        normal = components.base_dist
        return NormalMixture(normal.loc, normal.scale.log(), log_weights)
    return Mixture(log_weights, components)
