"""Bernoulli pixels, and their continuous relative for grey values."""

from torch import Tensor
from torch.distributions import Bernoulli as BernoulliDistribution
from torch.distributions import Distribution, Independent

from vael.distributions import ContinuousBernoulli as ContinuousBernoulliDistribution
from vael.likelihoods.base import Likelihood

__all__ = ["Bernoulli", "ContinuousBernoulli"]


class Bernoulli(Likelihood):
    """Give each pixel its own coin: −log p(x | z) = Σ_d softplus(ℓ_d) − x_d ℓ_d, from logits ℓ.

    On binary x this is a probability. On grey x in [0, 1] it is the tutorials' cross-entropy, which trains well but is
    no likelihood: its numbers compare with nothing else.
    """

    domains = ("binary", "unit")
    densities = ("binary",)

    def forward(self, features: Tensor) -> Distribution:
        logits = features.squeeze(-len(self.observation.shape) - 1)
        return Independent(
            BernoulliDistribution(logits=logits, validate_args=False), len(self.observation.shape), validate_args=False
        )


class ContinuousBernoulli(Likelihood):
    """Give grey values in [0, 1] the Bernoulli shape with the constant that makes it a density.

    Reference: "The continuous Bernoulli: fixing a pervasive error in variational autoencoders", Loaiza-Ganem &
    Cunningham 2019, https://arxiv.org/abs/1907.06845.
    """

    domains = ("unit",)
    densities = ("unit",)

    def forward(self, features: Tensor) -> Distribution:
        logits = features.squeeze(-len(self.observation.shape) - 1)
        return Independent(ContinuousBernoulliDistribution(logits), len(self.observation.shape), validate_args=False)
