"""Noise with heavier tails than the normal's: Student's t and the hyperbolic secant."""

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent
from torch.distributions import StudentT as StudentTDistribution

from vael.distributions.hyperbolic_secant import HyperbolicSecant as HyperbolicSecantDistribution
from vael.distributions.in_double import InDouble
from vael.errors import VaelError
from vael.likelihoods.base import Likelihood
from vael.likelihoods.links import Location, start_log_sigma
from vael.types import Observation

__all__ = ["HyperbolicSecant", "StudentT"]


class StudentT(Likelihood):
    """Add noise of Student's t, whose outliers cost the log of their distance only.

    −log p(x | z) = Σ_d ½(ν + 1) log(1 + (x_d − μ_d)²/νσ²) + log σ + ½ log νπ + log Γ(ν/2) − log Γ((ν + 1)/2)

    Reference: "Student-t variational autoencoder for robust density estimation", Takahashi et al. 2018,
    https://doi.org/10.24963/ijcai.2018/374.

    Arguments:
        variance: `fixed` keeps `sigma` and `df`; `shared` learns one σ and one ν; `per-dimension` learns one of each
            for each number of x.
        sigma: The scale σ at the start, > 0.
        df: The degrees of freedom ν at the start, > 1, where the mean exists; learned ones stay there.
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
        df: float = 4.0,
        link: Literal["auto", "identity", "logistic"] = "auto",
    ) -> None:
        super().__init__(observation)
        if df <= 1:
            raise VaelError(f"the Student t likelihood's df expects a number > 1, got {df}")
        self.location = Location(observation, link)
        self.log_sigma = start_log_sigma(observation, variance=variance, sigma=sigma, name="Student t likelihood")
        log_excess = torch.full_like(self.log_sigma, math.log(df - 1))
        self.log_excess = nn.Parameter(log_excess, requires_grad=variance != "fixed")

    def forward(self, features: Tensor) -> Distribution:
        mu = self.location(features)
        df, sigma = 1 + self.log_excess.double().exp(), self.log_sigma.double().exp()
        student = StudentTDistribution(df.expand(mu.shape), mu.double(), sigma.expand(mu.shape), validate_args=False)
        return Independent(InDouble(student, mu.dtype), len(self.observation.shape), validate_args=False)


class HyperbolicSecant(Likelihood):
    """Add hyperbolic secant noise, the honest form of the "log-cosh" loss.

    −log p(x | z) = Σ_d log cosh(π(x_d − μ_d)/2σ) + log 2σ

    Arguments:
        variance: `fixed` keeps `sigma`; `shared` learns one σ; `per-dimension` learns one σ for each number of x.
        sigma: The standard deviation σ at the start, > 0.
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
        self.log_sigma = start_log_sigma(observation, variance=variance, sigma=sigma, name="hyperbolic secant")

    def forward(self, features: Tensor) -> Distribution:
        secant = HyperbolicSecantDistribution(self.location(features), self.log_sigma.exp())
        return Independent(secant, len(self.observation.shape), validate_args=False)
