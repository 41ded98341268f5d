"""What the cells of a table are: numbers on one scale, or counts and positive numbers in the units of their file."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vael.data.base import Dataset, Split
from vael.errors import VaelError

__all__ = ["KEPT", "Cells", "check_cells", "keep_cells"]

Cells = Literal["real", "counts", "positive"]
"""Any finite number, standardised by its column; 0, 1, 2, … as they are; numbers > 0 as they are."""

KEPT: Mapping[str, Cells] = {"counts": "counts", "positive": "positive"}
"""What the cells are under the treatments that keep a table in its file's units: checked, and not standardised."""

LARGEST_COUNT = 2**24  # float32 holds every whole number up to here

EXPECTED: Mapping[str, str] = {
    "counts": f"whole numbers from 0 to {LARGEST_COUNT:,}",
    "positive": "numbers > 0 that float32 holds",
}


def keep_cells(dataset: Dataset, cells: Cells) -> Dataset:
    """Return a table as float32 in the units of its file, and record in `facts["cells"]` what its cells are.

    Raises:
        VaelError: A cell that is none of them, with its column and its row, counted from 1.
    """
    for name, split in dataset.splits.items():
        where = dataset.name if len(dataset.splits) == 1 else f"{dataset.name}, {name}"
        check_cells(split.x, cells, dataset.columns, where)
    splits = {name: Split(split.x.astype(np.float32), split.labels) for name, split in dataset.splits.items()}
    return replace(dataset, splits=splits, facts={**dataset.facts, "cells": cells})


def check_cells(x: NDArray, cells: Cells, columns: Sequence[str], where: str) -> None:
    """Refuse rows `(N, F)` whose cells are not what they should be.

    Raises:
        VaelError: The first cell at fault, with its column and its row, counted from 1.

    >>> check_cells(np.array([[3.0, 0.0]]), "counts", ("a", "b"), "t.csv")
    """
    wrong = np.argwhere(~_fits(x, cells))
    if len(wrong):
        row, place = wrong[0]
        raise VaelError(
            f"{where}: treatment '{cells}' expects {EXPECTED[cells]}, got {x[row, place]:.9g} in column "
            f"'{columns[place]}', row {row + 1} ({len(wrong):,} of {x.size:,} cells are none): "
            "mend or leave out the column, or use data.treatment=real"
        )


def _fits(x: NDArray, cells: Cells) -> NDArray[np.bool_]:
    if cells == "counts":
        return (x >= 0) & (x <= LARGEST_COUNT) & (x == np.rint(x))
    with np.errstate(over="ignore"):
        kept: NDArray[Any] = x.astype(np.float32)
    return (kept > 0) & np.isfinite(kept)
