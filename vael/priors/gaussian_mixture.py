"""The mixture of normals as a prior."""

import math

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from vael.distributions.normal_mixture import NormalMixture
from vael.errors import VaelError
from vael.priors.base import Encode, Prior
from vael.types import Observation

__all__ = ["GaussianMixture", "check_components"]


class GaussianMixture(Prior):
    """Take p(z) = Σ_c w_c N(z; μ_c, diag σ_c²), with weights, means and scales learned.

    At the start the means are draws of N(0, I/2) and all variances ½, so that the whole has the moments of N(0, I).
    Fitted to the codes of a trained model it is the ex-post prior of "From variational to deterministic
    autoencoders", Ghosh et al. 2020, https://arxiv.org/abs/1903.12436.

    Arguments:
        latent_dim: D.
        observation: Not needed.
        context_dim: Not needed: the prior is the same for every label.
        num_components: C ≥ 1.
    """

    def __init__(
        self, latent_dim: int, observation: Observation, context_dim: int = 0, *, num_components: int = 50
    ) -> None:
        super().__init__(latent_dim, observation, context_dim)
        check_components(num_components)
        self.mu = nn.Parameter(torch.randn(num_components, latent_dim) * math.sqrt(0.5))
        self.log_sigma = nn.Parameter(torch.full((num_components, latent_dim), 0.5 * math.log(0.5)))
        self.log_weights = nn.Parameter(torch.zeros(num_components))

    def forward(self, encode: Encode, context: Tensor | None) -> Distribution:
        return NormalMixture(self.mu, self.log_sigma, self.log_weights)


def check_components(num_components: int) -> None:
    """Refuse a mixture of nothing.

    Raises:
        VaelError: `num_components` < 1.
    """
    if num_components < 1:
        raise VaelError(f"model.prior.num_components expects an integer ≥ 1, got {num_components}")
