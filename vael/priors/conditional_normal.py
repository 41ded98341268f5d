"""A normal prior for each label."""

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal

from vael.errors import VaelError
from vael.priors.base import Encode, Prior
from vael.types import Observation

__all__ = ["ConditionalNormal"]


class ConditionalNormal(Prior):
    """Take p(z | y) = N(μ_y, diag σ_y²), with a learned mean and scale for each label; N(0, I) at the start.

    Reference: section 4 of "Learning structured output representation using deep conditional generative models",
    Sohn et al. 2015, https://papers.nips.cc/paper/5775.

    Arguments:
        latent_dim: D.
        observation: Not needed.
        context_dim: Y ≥ 1, the number of labels.
    """

    def __init__(self, latent_dim: int, observation: Observation, context_dim: int = 0) -> None:
        super().__init__(latent_dim, observation, context_dim)
        if context_dim < 1:
            raise VaelError("model.prior 'conditional-normal' expects labels, got none: use model.condition=label")
        self.mu = nn.Parameter(torch.zeros(context_dim, latent_dim))
        self.log_sigma = nn.Parameter(torch.zeros(context_dim, latent_dim))

    def forward(self, encode: Encode, context: Tensor | None) -> Distribution:
        assert context is not None  # the model has checked its condition
        rows = context.double()  # autocast leaves float64 alone
        mu, log_sigma = (rows @ self.mu.double()).float(), (rows @ self.log_sigma.double()).float()
        return Independent(Normal(mu, log_sigma.exp(), validate_args=False), 1, validate_args=False)
