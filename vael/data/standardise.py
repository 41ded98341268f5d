"""Tables on one scale: every column minus its training mean, over its training standard deviation."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vael.data.base import Dataset, Split

__all__ = ["destandardise", "standardise"]


def standardise(dataset: Dataset) -> Dataset:
    """Return a table with columns of mean 0 and standard deviation 1 over the training split, as float32.

    The means and scales are recorded in `facts["standardised"]`; a column that is constant over the training split
    keeps scale 1 and is named there.
    """
    train = dataset.splits["train"].x.astype(np.float64)
    mean, scale = train.mean(axis=0), train.std(axis=0)
    constant = train.min(axis=0) == train.max(axis=0)
    mean, scale = np.where(constant, train[0], mean), np.where(constant, 1.0, scale)
    splits = {
        name: Split(((split.x - mean) / scale).astype(np.float32), split.labels)
        for name, split in dataset.splits.items()
    }
    columns = dataset.columns
    record = {
        "columns": list(columns),
        "mean": mean.tolist(),
        "scale": scale.tolist(),
        "constant_columns": [name for name, same in zip(columns, constant, strict=True) if same],
    }
    return replace(dataset, splits=splits, facts={**dataset.facts, "standardised": record})


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
