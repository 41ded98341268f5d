"""Push and pop real numbers, rounded to a grid, under normal distributions.

A number is its place on a grid. Under N(μ, σ²) the grid is cut into cells of 2ᵏ places, 16 to 32 of them to a σ (a
place is a cell where σ is finer than that); the cell is a symbol under one of a few tables (σ in cells to 3 %, μ to a
quarter of a cell), the place in the cell k even bits. Both ends make the tables by the same IEEE operations. Against
the exact normal this costs at most 10⁻³ nats a number.
"""

import functools
import math

import numpy as np
from numpy.typing import NDArray

from vael.coding.message import Bank, Message

__all__ = ["NormalCodec"]

OCTAVES = 6  # of σ in cells: from ½ to 32; only a grid that is too coarse needs the lower ones
SIGMAS = 32  # different σ in an octave
PLACES = 4  # different μ within a cell
SIGMA = np.outer(2.0 ** np.arange(-1, OCTAVES - 1), 1 + (np.arange(SIGMAS) + 0.5) / SIGMAS).ravel()
"""Every σ that a table has, in cells."""

REACH = np.ceil(6 * SIGMA).astype(np.int64) + 1
"""Cells of a table on either side of μ: all but 2·10⁻⁹."""

ESCAPE_BITS = 48
"""A place that no cell holds is written out with so many bits."""


class NormalCodec:
    """Code places on a grid under normal distributions of their own.

    Arguments:
        mean: `(n,)` μ, in places.
        scale: `(n,)` σ > 0, in places.
        is_cut: Whether places beyond 6 σ have no code: for a distribution from which they are popped first, so that no
            unlikely bits put them there. Otherwise every place has one.
    """

    def __init__(self, mean: NDArray[np.float64], scale: NDArray[np.float64], *, is_cut: bool) -> None:
        mantissa, exponent = np.frexp(np.clip(scale, 0.5, 2.0**40))  # σ = mantissa · 2^exponent, ½ ≤ mantissa < 1
        self.num_bits = np.maximum(exponent.astype(np.int64) - (OCTAVES - 1), 0)
        octave = exponent - self.num_bits
        sigma = octave * SIGMAS + np.minimum((mantissa * 2 - 1) * SIGMAS, SIGMAS - 1).astype(np.int64)
        cells = np.clip(mean, -(2.0**46), 2.0**46) / np.exp2(self.num_bits)
        center = np.floor(cells).astype(np.int64)
        place = np.minimum(np.floor((cells - center) * PLACES), PLACES - 1).astype(np.int64)
        self.reach = REACH[sigma]
        self.first = center - self.reach
        self.which = sigma * PLACES + place
        self.is_cut = is_cut
        self.tables = tables(is_cut)

    def push(self, message: Message, places: NDArray[np.int64]) -> None:
        """Push places on the grid, `(n,)`."""
        cell = places >> self.num_bits
        symbol = cell - self.first
        is_far = (symbol < 0) | (symbol >= 2 * self.reach)
        assert not (self.is_cut and is_far.any())
        far = places[is_far] + (1 << (ESCAPE_BITS - 1))
        message.push_bits(far, np.full(len(far), ESCAPE_BITS))
        low = np.where(is_far, 0, places - (cell << self.num_bits))
        message.push_bits(low, np.where(is_far, 0, self.num_bits))
        message.push_chosen(np.where(is_far, 2 * self.reach, symbol), self.tables, self.which)

    def pop(self, message: Message) -> NDArray[np.int64]:
        """Pop places on the grid, `(n,)`."""
        symbol = message.pop_chosen(self.tables, self.which)
        is_far = symbol == 2 * self.reach
        low = message.pop_bits(np.where(is_far, 0, self.num_bits))
        places = ((symbol + self.first) << self.num_bits) + low
        places[is_far] = message.pop_bits(np.full(int(is_far.sum()), ESCAPE_BITS)) - (1 << (ESCAPE_BITS - 1))
        return places


@functools.cache
def tables(is_cut: bool) -> Bank:
    """Return the masses of the cells around μ, for every σ in cells and place of μ; with a last symbol for all others.

    `is_cut` leaves that symbol out.
    """
    places = (np.arange(PLACES) + 0.5) / PLACES
    kinds = [(sigma, reach, place) for sigma, reach in zip(SIGMA, REACH, strict=True) for place in places]
    edges = [(np.arange(-reach, reach + 1) - place) / sigma for sigma, reach, place in kinds]
    ends = np.cumsum([len(edge) for edge in edges])[:-1]
    masses = [np.diff(cdf).clip(0) for cdf in np.split(_normal_cdf(np.concatenate(edges)), ends)]
    return Bank(masses if is_cut else [np.append(mass, 0.0) for mass in masses])


def _normal_cdf(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Φ(x) by IEEE operations alone: ½ + φ(x) (x + x³/3 + x⁵/15 + …), 0 and 1 beyond ±8.5."""
    inside = np.clip(x, -8.5, 8.5)
    square = inside * inside
    term, total = inside.copy(), inside.copy()
    for n in range(1, 150):
        term = term * square / (2 * n + 1)
        total = total + term
    density = np.ones_like(x)
    for n in range(30, 0, -1):  # e^(−x²/512) by its series; its 256th power is wanted
        density = 1 - density * (square / 512) / n
    for _ in range(8):
        density = density * density
    return np.where(x < -8.5, 0.0, np.where(x > 8.5, 1.0, 0.5 + total * density * (1 / math.sqrt(2 * math.pi))))
