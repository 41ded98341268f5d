"""Tables on one scale: every column minus its training mean, over its training standard deviation."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vael.data.base import Dataset, Split

__all__ = ["destandardise", "standardise", "standardise_rows"]


def standardise(dataset: Dataset) -> Dataset:
    """Return a table with columns of mean 0 and standard deviation 1 over the training split, as float32.

    The means and scales are recorded in `facts["standardised"]`; a column that is constant over the training split
    keeps scale 1 and is named there.
    """
    train = dataset.splits["train"].x.astype(np.float64)
    mean, scale = train.mean(axis=0), train.std(axis=0)
    constant = train.min(axis=0) == train.max(axis=0)
    mean, scale = np.where(constant, train[0], mean), np.where(constant, 1.0, scale)
    columns = dataset.columns
    record = {
        "columns": list(columns),
        "mean": mean.tolist(),
        "scale": scale.tolist(),
        "constant_columns": [name for name, same in zip(columns, constant, strict=True) if same],
    }
    facts = {**dataset.facts, "standardised": record}
    splits = {name: Split(standardise_rows(split.x, facts), split.labels) for name, split in dataset.splits.items()}
    return replace(dataset, splits=splits, facts=facts)


def standardise_rows(x: NDArray, facts: Mapping[str, Any]) -> NDArray[np.float32]:
    """Return rows in the units of their file on the scale of a training split: (x − mean) / scale, as float32.

    Arguments:
        x: `(…, F)` in the units of the file.
        facts: `Dataset.facts`, also as read back from run.json; without a record of scales x keeps its values.

    >>> facts = {"standardised": {"mean": [10.0, 0.0], "scale": [2.0, 1.0]}}
    >>> standardise_rows(np.array([[12.0, -1.0]]), facts).tolist()
    [[1.0, -1.0]]
    """
    record = facts.get("standardised")
    if record is not None:
        x = (x - np.asarray(record["mean"])) / np.asarray(record["scale"])
    return x.astype(np.float32)


def destandardise(x: NDArray, facts: Mapping[str, Any]) -> NDArray:
    """Return rows of a table in the units of their file: x · scale + mean.

    Arguments:
        x: `(…, F)` standardised values, for instance samples of a model.
        facts: `Dataset.facts`, also as read back from run.json; without a record of scales x comes back as it is.

    >>> facts = {"standardised": {"mean": [10.0, 0.0], "scale": [2.0, 1.0]}}
    >>> destandardise(np.array([[1.0, -1.0]]), facts).tolist()
    [[12.0, -1.0]]
    """
    record = facts.get("standardised")
    if record is None:
        return x
    return np.asarray(x) * np.asarray(record["scale"]) + np.asarray(record["mean"])
