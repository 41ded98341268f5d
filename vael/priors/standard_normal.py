"""The standard normal prior of the first papers."""

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal

from vael.priors.base import Encode, Prior
from vael.types import Observation

__all__ = ["StandardNormal"]


class StandardNormal(Prior):
    """Take p(z) = N(0, I).

    Reference: "Auto-encoding variational Bayes", Kingma & Welling 2014, https://arxiv.org/abs/1312.6114.
    """

    loc: Tensor
    scale: Tensor

    def __init__(self, latent_dim: int, observation: Observation, context_dim: int = 0) -> None:
        super().__init__(latent_dim, observation, context_dim)
        self.register_buffer("loc", torch.zeros(latent_dim), persistent=False)
        self.register_buffer("scale", torch.ones(latent_dim), persistent=False)

    def forward(self, encode: Encode, context: Tensor | None) -> Distribution:
        return Independent(Normal(self.loc, self.scale, validate_args=False), 1, validate_args=False)
