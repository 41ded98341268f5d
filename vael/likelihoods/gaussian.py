"""Gaussian noise around the decoder's mean, with four ways to its variance."""

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal

from vael.distributions import OptimalNormal
from vael.errors import VaelError
from vael.likelihoods.base import Likelihood
from vael.types import Observation

__all__ = ["Gaussian", "Location", "OptimalGaussian"]


class Location(nn.Module):
    """Turn features `(…, 1, *shape)` into a mean: through the logistic function where x lies in [0, 1], else as is.

    Arguments:
        link: `auto` decides by the domain; `identity` and `logistic` insist.
    """

    def __init__(self, observation: Observation, link: Literal["auto", "identity", "logistic"]) -> None:
        super().__init__()
        self.num_event_dims = len(observation.shape)
        self.is_logistic = link == "logistic" or (link == "auto" and observation.domain == "unit")

    def forward(self, features: Tensor) -> Tensor:
        location = features.squeeze(-self.num_event_dims - 1)
        return torch.sigmoid(location) if self.is_logistic else location


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
        if sigma <= 0:
            raise VaelError(f"the Gaussian's sigma expects a number > 0, got {sigma}")
        self.location = Location(observation, link)
        shape = observation.shape if variance == "per-dimension" else ()
        log_sigma = torch.full(shape, math.log(sigma))
        self.log_sigma = nn.Parameter(log_sigma, requires_grad=variance != "fixed")

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
