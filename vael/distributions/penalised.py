"""Distributions whose training needs a term besides the bound."""

from abc import ABC, abstractmethod

from torch import Tensor
from torch.distributions import Distribution

__all__ = ["Penalised"]


class Penalised(Distribution, ABC):
    """A posterior that asks for something to be minimised besides the bound, such as a codebook's commitment."""

    @property
    @abstractmethod
    def penalty(self) -> Tensor:
        """A number ≥ 0 for each example, `(B,)`, that every objective adds to its loss with weight 1."""
