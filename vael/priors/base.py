"""A prior is the distribution of the latents before anything is seen."""

from abc import ABC, abstractmethod

from torch import nn
from torch.distributions import Distribution

__all__ = ["Prior"]


class Prior(nn.Module, ABC):
    """Return p(z): event shape `(D,)`, batch shape `()`, `log_prob` in nats.

    Arguments:
        latent_dim: D ≥ 1.
    """

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim

    @abstractmethod
    def forward(self) -> Distribution:
        """Return p(z)."""
