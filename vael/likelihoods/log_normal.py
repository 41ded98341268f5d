"""Positive numbers whose logarithms are normal: incomes, sizes, concentrations."""

from typing import Literal

from torch import Tensor
from torch.distributions import Distribution, Independent
from torch.distributions import LogNormal as LogNormalDistribution

from vael.likelihoods.base import Likelihood
from vael.likelihoods.links import bounded, start_log_sigma
from vael.types import Observation

__all__ = ["LogNormal"]

SPAN = 80.0  # of μ = E log x: float32 ends at e^88


class LogNormal(Likelihood):
    """Multiply by noise: −log p(x | z) = Σ_d ½ [(log x_d − μ_d)²/σ² + log 2πσ²] + log x_d, with mean e^(μ + σ²/2).

    Arguments:
        variance: Of log x: `fixed` keeps `sigma`; `shared` learns one σ; `per-dimension` one for each number of x.
        sigma: σ at the start, > 0.
    """

    domains = ("positive",)
    densities = ("positive",)

    def __init__(
        self,
        observation: Observation,
        *,
        variance: Literal["fixed", "shared", "per-dimension"] = "shared",
        sigma: float = 1.0,
    ) -> None:
        super().__init__(observation)
        self.log_sigma = start_log_sigma(observation, variance=variance, sigma=sigma, name="log-normal")

    def forward(self, features: Tensor) -> Distribution:
        mu = bounded(features.squeeze(-len(self.observation.shape) - 1), SPAN)
        law = LogNormalDistribution(mu, self.log_sigma.exp().expand_as(mu), validate_args=False)
        return Independent(law, len(self.observation.shape), validate_args=False)
