"""The point posterior: a plain autoencoder's code."""

from torch import Tensor, nn
from torch.distributions import Distribution

from vael.distributions import Delta
from vael.posteriors.base import Posterior

__all__ = ["Point"]


class Point(Posterior):
    """Put all mass of q(z | x) at one z: no density, so no rate and no bound, only distortion."""

    has_density = False

    def __init__(self, in_features: int, latent_dim: int) -> None:
        super().__init__(in_features, latent_dim)
        self.head = nn.Linear(in_features, latent_dim)

    def forward(self, features: Tensor) -> Distribution:
        return Delta(self.head(features).float())
