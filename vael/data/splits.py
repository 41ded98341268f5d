"""Splits: a data set's own where it has them, otherwise a seeded permutation cut in three."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vael.data.base import Dataset, Split, SplitPlan
from vael.errors import VaelError

__all__ = ["assign", "divide", "split_facts"]

DEFAULT_FRACTION = 0.1


def divide(dataset: Dataset, plan: SplitPlan) -> Dataset:
    """Return the data set with splits named train, valid, test, and record in `facts` how they came about.

    Raises:
        VaelError: A fraction outside [0, 1), a split that would be empty, or a fraction for a split that exists.
    """
    if "split" in dataset.facts:
        return dataset
    counts = {name: len(split) for name, split in dataset.splits.items()}
    index = assign(counts, plan)
    splits = {name: _take(dataset.splits[origin], rows) for name, (origin, rows) in index.items()}
    facts = {**dataset.facts, "split": split_facts(counts, index, plan)}
    return replace(dataset, splits=splits, facts=facts)


def assign(counts: Mapping[str, int], plan: SplitPlan) -> dict[str, tuple[str, NDArray[np.int64] | None]]:
    """Say which rows of which own split make each split.

    Arguments:
        counts: How many examples each own split has; only `all` or only `train` means that there are no own splits.
        plan: The fractions and the seed.

    Returns:
        By the name of the new split: the own split it comes from, and its rows `(N,)` in order, None for all of them.

    Raises:
        VaelError: As `divide`.

    >>> rows = assign({"all": 10}, SplitPlan(valid_fraction=0.2, test_fraction=0.0))
    >>> {name: len(index) for name, (_, index) in rows.items()}
    {'train': 8, 'valid': 2}
    """
    only = next(iter(counts))
    if len(counts) == 1 and only in ("all", "train"):
        fractions = {"valid": plan.valid_fraction, "test": plan.test_fraction}
        fractions = {name: DEFAULT_FRACTION if value is None else value for name, value in fractions.items()}
        if counts[only] and not any(fractions.values()):
            return {"train": (only, None)}  # nothing is cut off, so the rows keep their order
        return _cut(only, counts[only], fractions, plan.seed)
    if "train" not in counts or not set(counts) <= {"train", "valid", "test"}:
        raise VaelError(f"expected splits called train, valid and test, got {', '.join(sorted(counts))}: rename them")
    empty = [name for name, count in counts.items() if not count]
    if empty:
        raise VaelError(f"the split {empty[0]} is empty: leave it out or fill it")
    asked = {"valid": plan.valid_fraction, "test": plan.test_fraction}
    for name, value in asked.items():
        if value and name in counts:
            raise VaelError(f"the data have a {name} split of their own: leave {name}_fraction out, got {value}")
    fractions = {name: value for name, value in asked.items() if value and name not in counts}
    own: dict[str, tuple[str, NDArray[np.int64] | None]] = {
        name: (name, None) for name in ("train", "valid", "test") if name in counts
    }
    return {**own, **_cut("train", counts["train"], fractions, plan.seed)} if fractions else own


def split_facts(counts: Mapping[str, int], index: Mapping[str, Any], plan: SplitPlan) -> dict[str, object]:
    """Record how a split came about: method, seed, fractions of the split that was cut, counts."""
    sizes = {name: counts[origin] if rows is None else len(rows) for name, (origin, rows) in index.items()}
    drawn = {name: sizes[name] / counts[origin] for name, (origin, rows) in index.items() if rows is not None}
    if not drawn:
        return {"method": "own", "counts": sizes}
    method = "seeded permutation" if len(counts) == 1 else "own, the rest by seeded permutation of train"
    return {"method": method, "generator": "numpy PCG64", "seed": plan.seed, "fractions": drawn, "counts": sizes}


def _cut(
    origin: str, count: int, fractions: Mapping[str, float], seed: int
) -> dict[str, tuple[str, NDArray[np.int64] | None]]:
    """Permute the rows and cut them: test first, then valid, the rest is train."""
    for name, fraction in fractions.items():
        if not 0 <= fraction < 1:
            raise VaelError(f"{name}_fraction expects a number from 0 up to 1 (exclusive), got {fraction}")
    if sum(fractions.values()) >= 1:
        raise VaelError(
            f"the fractions expect a sum below 1, got {sum(fractions.values()):g}: nothing is left for train"
        )
    sizes = {name: round(fractions[name] * count) for name in ("test", "valid") if fractions.get(name)}
    sizes["train"] = count - sum(sizes.values())
    for name, size in sizes.items():
        if size < 1:
            raise VaelError(
                f"the {name} split of {count} examples would be empty: give more data or other fractions "
                "(valid_fraction = 0.0 and test_fraction = 0.0 keep all for train)"
            )
    rows = np.random.Generator(np.random.PCG64(seed)).permutation(count)
    bounds = np.cumsum([sizes[name] for name in sizes])[:-1]
    cut = dict(zip(sizes, np.split(rows, bounds), strict=True))
    return {name: (origin, cut[name]) for name in ("train", "valid", "test") if name in cut}


def _take(split: Split, rows: NDArray[np.int64] | None) -> Split:
    if rows is None:
        return split
    return Split(split.x[rows], None if split.labels is None else split.labels[rows])
