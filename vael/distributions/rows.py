"""The levels of many numbers in a row, each number on its own, as a coder asks for them.

A coder asks for a few cumulative probabilities of each number, and then goes on with some of the numbers. What the
answers have in common (shares, precisions, sums) is worked out once, by the distribution that hands the row out.
"""

from typing import Protocol, Self

import torch
from torch import Tensor

__all__ = ["CumulativeRow", "LogisticRow", "Row"]


class Row(Protocol):
    """Distributions of n numbers over the levels 0 … L − 1."""

    num_levels: int

    def cdf(self, level: Tensor) -> Tensor:
        """Return P(level ≤ k) of each number, `(n,)`; exactly 1 at the last level."""
        ...

    def pick(self, index: Tensor) -> Self:
        """Return those at some places of the row, `(m,)`."""
        ...


class CumulativeRow:
    """Levels by their cumulative probabilities `(n, L)`."""

    def __init__(self, cumulative: Tensor) -> None:
        self.cumulative = cumulative
        self.num_levels = cumulative.shape[-1]

    def cdf(self, level: Tensor) -> Tensor:
        """Return P(level ≤ k) of each number, `(n,)`."""
        found = self.cumulative.gather(-1, level.long().unsqueeze(-1)).squeeze(-1)
        return torch.where(level > self.num_levels - 1.5, 1.0, found.clamp(max=1))

    def pick(self, index: Tensor) -> "CumulativeRow":
        """Return those at some places of the row, `(m,)`."""
        return CumulativeRow(self.cumulative[index])


class LogisticRow:
    """Mixtures of logistic distributions cut into levels; the component is the first axis, where torch adds fastest.

    Arguments:
        weights: The components' shares `(M, n)`; None where M is 1.
        mu: `(M, n)` locations on [−1, 1].
        precision: `(M, n)` 1 / s > 0.
        num_levels: L ≥ 2.
    """

    def __init__(self, weights: Tensor | None, mu: Tensor, precision: Tensor, num_levels: int) -> None:
        self.weights, self.mu, self.precision = weights, mu, precision
        self.num_levels = num_levels

    def cdf(self, level: Tensor) -> Tensor:
        """Return P(level ≤ k) of each number, `(n,)`."""
        half = 1 / (self.num_levels - 1)
        upper = 2 * half * level + (half - 1)
        shares = torch.sigmoid((upper - self.mu) * self.precision)
        found = shares[0] if self.weights is None else (self.weights * shares).sum(0).clamp(max=1)
        return torch.where(level > self.num_levels - 1.5, 1.0, found)

    def pick(self, index: Tensor) -> "LogisticRow":
        """Return those at some places of the row, `(m,)`."""
        weights = None if self.weights is None else self.weights[:, index]
        return LogisticRow(weights, self.mu[:, index], self.precision[:, index], self.num_levels)
