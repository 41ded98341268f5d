"""Exact probabilities for pixel levels, from a logistic distribution a pixel."""

import math

from torch import Tensor
from torch.distributions import Distribution, Independent

from vael.distributions import DiscretizedLogistic as DiscretizedLogisticDistribution
from vael.errors import VaelError
from vael.likelihoods.base import Likelihood
from vael.types import Observation

__all__ = ["DiscretizedLogistic"]


class DiscretizedLogistic(Likelihood):
    """Give each pixel a location and a scale, and each of its levels the exact mass of its bin.

    Arguments:
        sigma: The scale s on [−1, 1] around which the features move, > 0.
    """

    domains = ("levels",)
    densities = ("levels",)
    parameters_per_dim = 2

    def __init__(self, observation: Observation, *, sigma: float = 0.15) -> None:
        super().__init__(observation)
        if sigma <= 0:
            raise VaelError(f"the discretised logistic's sigma expects a number > 0, got {sigma}")
        self.log_sigma = math.log(sigma)

    def forward(self, features: Tensor) -> Distribution:
        mu, log_s = features.unbind(-len(self.observation.shape) - 1)
        levels = DiscretizedLogisticDistribution(mu, log_s + self.log_sigma, self.observation.num_levels)
        return Independent(levels, len(self.observation.shape), validate_args=False)
