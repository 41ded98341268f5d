"""Laplace noise: absolute instead of squared error."""

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent
from torch.distributions import Laplace as LaplaceDistribution

from vael.errors import VaelError
from vael.likelihoods.base import Likelihood
from vael.likelihoods.links import Location
from vael.types import Observation

__all__ = ["Laplace"]


class Laplace(Likelihood):
    """Add Laplace noise with one learned scale b: −log p(x | z) = Σ_d |x_d − μ_d|/b + log 2b.

    Arguments:
        scale: b at the start, > 0.
        link: How features become the median, see `Location`.
    """

    domains = ("unit", "real")
    densities = ("unit", "real")

    def __init__(
        self,
        observation: Observation,
        *,
        scale: float = 1.0,
        link: Literal["auto", "identity", "logistic"] = "auto",
    ) -> None:
        super().__init__(observation)
        if scale <= 0:
            raise VaelError(f"the Laplace likelihood's scale expects a number > 0, got {scale}")
        self.location = Location(observation, link)
        self.log_scale = nn.Parameter(torch.tensor(math.log(scale)))

    def forward(self, features: Tensor) -> Distribution:
        mu = self.location(features)
        laplace = LaplaceDistribution(mu, torch.exp(self.log_scale).expand_as(mu), validate_args=False)
        return Independent(laplace, len(self.observation.shape), validate_args=False)
