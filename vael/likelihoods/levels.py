"""Levels with other shapes than one logistic bump: the beta-binomial and one probability for each level."""

import math

from torch import Tensor
from torch.distributions import Distribution, Independent

from vael.distributions.in_double import InDouble
from vael.distributions.levels import BetaBinomial as BetaBinomialDistribution
from vael.distributions.levels import FreeLevels
from vael.errors import VaelError
from vael.likelihoods.base import Likelihood
from vael.likelihoods.links import bounded
from vael.types import Observation

__all__ = ["BetaBinomial", "Categorical"]

SPAN = 12.0  # of log c: a bend to e^12 is a binomial, one to e^−12 two heaps at the ends


class BetaBinomial(Likelihood):
    """Give levels the law of L − 1 coins with a random probability: one bump, a slope, or heaps at both ends.

    Arguments:
        concentration: c = α + β around which the features move, > 0; larger is narrower.
    """

    domains = ("levels",)
    densities = ("levels",)
    parameters_per_dim = 2

    def __init__(self, observation: Observation, *, concentration: float = 10.0) -> None:
        super().__init__(observation)
        if concentration <= 0:
            raise VaelError(f"the beta-binomial's concentration expects a number > 0, got {concentration}")
        self.log_c = math.log(concentration)

    def forward(self, features: Tensor) -> Distribution:
        logits, log_c = features.double().unbind(-len(self.observation.shape) - 1)
        log_c = bounded(log_c + self.log_c, SPAN)
        levels = InDouble(BetaBinomialDistribution(logits, log_c, self.observation.num_levels), features.dtype)
        return Independent(levels, len(self.observation.shape), validate_args=False)


class Categorical(Likelihood):
    """Give each level a probability of its own, by a softmax over all L: any shape, and L numbers for every one of x.

    It does not know that levels 7 and 8 are neighbours. As in "Pixel recurrent neural networks", van den Oord et al.
    2016, https://arxiv.org/abs/1601.06759.
    """

    domains = ("levels",)
    densities = ("levels",)

    def __init__(self, observation: Observation) -> None:
        super().__init__(observation)
        self.parameters_per_dim = observation.num_levels

    def forward(self, features: Tensor) -> Distribution:
        num_event_dims = len(self.observation.shape)
        levels = FreeLevels(features.movedim(-num_event_dims - 1, -1))
        return Independent(levels, num_event_dims, validate_args=False)
