"""Densities of many values, a piece at a time, so that memory does not grow with their number."""

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["CELLS_AT_ONCE", "in_pieces"]

CELLS_AT_ONCE = 4_000_000
"""Numbers of the widest intermediate tensor: 32 MB in float64."""


def in_pieces(function: Callable[[Tensor], Tensor], value: Tensor, cells: int) -> Tensor:
    """Apply a function `(n, …)` → `(n, …)` of single rows to pieces of the first axis and put its results together.

    Arguments:
        function: It treats each row by itself.
        value: `(N, …)`.
        cells: How many numbers its widest intermediate tensor holds for one row.
    """
    at_once = max(1, CELLS_AT_ONCE // max(cells, 1))
    if len(value) <= at_once:
        return function(value)
    return torch.cat([function(piece) for piece in value.split(at_once)])
