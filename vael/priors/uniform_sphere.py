"""The uniform prior on the unit sphere."""

import torch
from torch import Tensor
from torch.distributions import Distribution

from vael.distributions.uniform_sphere import UniformSphere as UniformSphereDistribution
from vael.errors import VaelError
from vael.priors.base import Encode, Prior
from vael.types import Observation

__all__ = ["UniformSphere"]


class UniformSphere(Prior):
    """Take p(z) = 1 / |S^(D−1)| on the unit sphere in ℝ^D: no place is better than another.

    Reference: "Hyperspherical variational auto-encoders", Davidson et al. 2018, https://arxiv.org/abs/1804.00891.

    Arguments:
        latent_dim: D ≥ 2, the dimensions of the space around the sphere.
        observation: Not needed.
        context_dim: Not needed: the prior is the same for every label.
    """

    support = "sphere"
    place: Tensor

    def __init__(self, latent_dim: int, observation: Observation, context_dim: int = 0) -> None:
        super().__init__(latent_dim, observation, context_dim)
        if latent_dim < 2:
            raise VaelError(f"model.prior 'uniform-sphere' expects model.latent_dim ≥ 2, got {latent_dim}")
        self.register_buffer("place", torch.zeros(()), persistent=False)  # knows the device

    def forward(self, encode: Encode, context: Tensor | None) -> Distribution:
        return UniformSphereDistribution(self.latent_dim, device=self.place.device)
