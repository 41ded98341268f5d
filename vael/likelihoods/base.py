"""A likelihood turns the decoder's output into the distribution p(x | z)."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn
from torch.distributions import Distribution

from vael.types import Domain, Observation

__all__ = ["Likelihood"]


class Likelihood(nn.Module, ABC):
    """Return p(x | z) for decoder features.

    A member states the domains it accepts and how many numbers a dimension it reads (`parameters_per_dim`, P); it
    returns a distribution with batch shape `(…)`, event shape `shape`, whose `log_prob` is in nats and whose `mean` is
    what to show.

    Arguments:
        observation: What x is.
    """

    domains: ClassVar[tuple[Domain, ...]]
    """The domains of x that the member accepts."""

    densities: ClassVar[tuple[Domain, ...]]
    """The domains on which `log_prob` is a true (normalised) log probability or density."""

    is_of_images: ClassVar[bool] = False
    """Whether the member accepts images alone, no rows of a table."""

    parameters_per_dim: int = 1
    """How many numbers of the decoder's output belong to one of x; it may depend on the observation and the options."""

    def __init__(self, observation: Observation) -> None:
        super().__init__()
        self.observation = observation

    @abstractmethod
    def forward(self, features: Tensor) -> Distribution:
        """Return p(x | z) for features `(…, P, *shape)`, any real numbers."""
