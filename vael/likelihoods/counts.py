"""Counts, 0, 1, 2, … without an end: the Poisson, and the negative binomial for those that vary more."""

from torch import Tensor
from torch.distributions import Distribution, Independent
from torch.distributions import NegativeBinomial as NegativeBinomialDistribution
from torch.distributions import Poisson as PoissonDistribution

from vael.distributions.in_double import InDouble
from vael.likelihoods.base import Likelihood
from vael.likelihoods.links import bounded

__all__ = ["NegativeBinomial", "Poisson"]

SPAN = 20.0  # of log λ and log r: counts end at 2²⁴ = e^16.6, and r = e^20 is a Poisson


class Poisson(Likelihood):
    """Count with rate λ, from its log: −log p(x | z) = Σ_d λ_d − x_d log λ_d + log x_d!, mean and variance λ."""

    domains = ("counts",)
    densities = ("counts",)

    def forward(self, features: Tensor) -> Distribution:
        log_rate = bounded(features.squeeze(-len(self.observation.shape) - 1).double(), SPAN)
        poisson = PoissonDistribution(log_rate.exp(), validate_args=False)
        return Independent(InDouble(poisson, features.dtype), len(self.observation.shape), validate_args=False)


class NegativeBinomial(Likelihood):
    """Count with a rate that varies itself: variance μ + μ²/r, from log μ and log r; the Poisson as r → ∞.

    −log p(x | z) = Σ_d log x_d! + log Γ(r) − log Γ(r + x_d) − r log(r/(r + μ)) − x_d log(μ/(r + μ))

    The usual choice for counts of genes: "Deep generative modeling for single-cell transcriptomics", Lopez et al. 2018,
    https://doi.org/10.1038/s41592-018-0229-2.
    """

    domains = ("counts",)
    densities = ("counts",)
    parameters_per_dim = 2

    def forward(self, features: Tensor) -> Distribution:
        log_mu, log_r = bounded(features.double(), SPAN).unbind(-len(self.observation.shape) - 1)
        counts = NegativeBinomialDistribution(log_r.exp(), logits=log_mu - log_r, validate_args=False)
        return Independent(InDouble(counts, features.dtype), len(self.observation.shape), validate_args=False)
