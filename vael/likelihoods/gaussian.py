"""Gaussian noise around the decoder's mean, with four ways to its variance."""

from typing import Literal

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal

from vael.distributions import OptimalNormal
from vael.likelihoods.base import Likelihood
from vael.likelihoods.links import Location, start_log_sigma
from vael.types import Observation

__all__ = ["Gaussian", "OptimalGaussian"]


class Gaussian(Likelihood):
    """Add normal noise: −log p(x | z) = Σ_d ½ [(x_d − μ_d)²/σ² + log 2πσ²].

    Arguments:
        variance: `fixed` keeps `sigma`; `shared` learns one σ; `per-dimension` learns one σ for each number of x.
        sigma: σ at the start, > 0.
        link: How features become the mean, see `Location`.
    """

    domains = ("unit", "real")
    densities = ("unit", "real")

    def __init__(
        self,
        observation: Observation,
        *,
        variance: Literal["fixed", "shared", "per-dimension"] = "shared",
        sigma: float = 1.0,
        link: Literal["auto", "identity", "logistic"] = "auto",
    ) -> None:
        super().__init__(observation)
        self.location = Location(observation, link)
        self.log_sigma = start_log_sigma(observation, variance=variance, sigma=sigma, name="Gaussian")

    def forward(self, features: Tensor) -> Distribution:
        mu = self.location(features)
        normal = Normal(mu, torch.exp(self.log_sigma).expand_as(mu), validate_args=False)
        return Independent(normal, len(self.observation.shape), validate_args=False)


class OptimalGaussian(Likelihood):
    """Add normal noise whose variance is the closed-form best for each batch (see `OptimalNormal`).

    Arguments:
        link: How features become the mean, see `Location`.
    """

    domains = ("unit", "real")
    densities = ("unit", "real")
    running_variance: Tensor

    def __init__(self, observation: Observation, *, link: Literal["auto", "identity", "logistic"] = "auto") -> None:
        super().__init__(observation)
        self.location = Location(observation, link)
        self.register_buffer("running_variance", torch.ones(()))

    def forward(self, features: Tensor) -> Distribution:
        num_event_dims = len(self.observation.shape)
        return OptimalNormal(self.location(features), self.running_variance, num_event_dims, training=self.training)
