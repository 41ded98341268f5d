"""A prior is the distribution of the latents before anything is seen."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

from torch import Tensor, nn
from torch.distributions import Distribution

from vael.types import Observation, Support

__all__ = ["Encode", "Prior"]

Encode = Callable[[Tensor], Distribution]
"""The model's own x `(B, *shape)` → q(z | x), for a prior that is made of posteriors."""


class Prior(nn.Module, ABC):
    """Return p(z): event shape `(D,)`, batch shape `()`, or `(B,)` given conditions; `log_prob` in nats.

    Arguments:
        latent_dim: D ≥ 1.
        observation: What x is, for a prior that is made of posteriors.
        context_dim: Y ≥ 0, the width of the condition, for a prior that depends on it.
    """

    support: ClassVar[Support] = "real"
    """Where z lives; the posterior must live there too."""

    def __init__(self, latent_dim: int, observation: Observation, context_dim: int = 0) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.observation = observation
        self.context_dim = context_dim

    @abstractmethod
    def forward(self, encode: Encode, context: Tensor | None) -> Distribution:
        """Return p(z), or p(z | y) for conditions `(B, Y)`."""
