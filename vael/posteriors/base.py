"""An approximate posterior turns the encoder's features into the distribution q(z | x)."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn
from torch.distributions import Distribution

from vael.types import Support

__all__ = ["Posterior"]


class Posterior(nn.Module, ABC):
    """Return q(z | x): batch shape `(B,)`, event shape `(D,)`, with `rsample`, and `log_prob` in nats.

    Arguments:
        in_features: H, how many features the encoder gives.
        latent_dim: D ≥ 1.
    """

    has_density: ClassVar[bool] = True
    """Whether q has a density, so that a rate and a bound exist."""

    is_reparametrised: ClassVar[bool] = True
    """Whether a draw carries the gradient of q's parameters exactly, as a function of noise."""

    support: ClassVar[Support] = "real"
    """Where z lives; the prior must live there too."""

    def __init__(self, in_features: int, latent_dim: int) -> None:
        super().__init__()
        self.in_features = in_features
        self.latent_dim = latent_dim
        self.code_dim = latent_dim
        """The width of what the prior speaks of: D, or that of the codes where z is looked up in a codebook."""

    @abstractmethod
    def forward(self, features: Tensor) -> Distribution:
        """Return q(z | x) for features `(B, H)`."""

    def place(self, code: Tensor) -> Tensor:
        """Return the z `(…, D)` of the prior's draws `(…, code_dim)`: the same, unless z is looked up in a codebook."""
        return code
