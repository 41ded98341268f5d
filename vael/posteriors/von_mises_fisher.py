"""The posterior on the sphere: latents are directions."""

import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Distribution

from vael.distributions.von_mises_fisher import VonMisesFisher as VonMisesFisherDistribution
from vael.errors import VaelError
from vael.posteriors.base import Posterior

__all__ = ["VonMisesFisher"]

LEAST_CONCENTRATION = 1.0  # nearly uniform, at about 1/(2D) nats; from further down no gradient leads back
LEAST_LENGTH = 1e-6  # of what becomes a direction


class VonMisesFisher(Posterior):
    """Take q(z | x) = vMF(μ(x), κ(x)) on the unit sphere of ℝ^D, from one vector v(x): μ = v/|v|, κ = D |v| + 1.

    Directions have no centre that draws q towards it: with the prior `uniform-sphere` the rate depends on κ alone.
    Draws turn from uniform to a point around κ = D, the unit in which |v| counts.
    Reference: "Hyperspherical variational auto-encoders", Davidson et al. 2018, https://arxiv.org/abs/1804.00891, whose
    networks give κ apart from μ, through a softplus: then both fade together, and models collapse more easily.

    Arguments:
        in_features: H.
        latent_dim: D ≥ 2, the dimensions of the space around the sphere.

    Raises:
        VaelError: D < 2.
    """

    support = "sphere"

    def __init__(self, in_features: int, latent_dim: int) -> None:
        super().__init__(in_features, latent_dim)
        if latent_dim < 2:
            raise VaelError(f"model.posterior 'von-mises-fisher' expects model.latent_dim ≥ 2, got {latent_dim}")
        self.head = nn.Linear(in_features, latent_dim)

    def forward(self, features: Tensor) -> Distribution:
        v = self.head(features).float()
        kappa = self.latent_dim * v.norm(dim=-1) + LEAST_CONCENTRATION
        return VonMisesFisherDistribution(F.normalize(v, dim=-1, eps=LEAST_LENGTH), kappa)
