"""Whole data sets from elsewhere in the form of a run's: its size and colours, its columns on its scale.

`foreign.py` reads a single image or a few rows out of bytes; this reads whatever a source does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from vael.data import read_unscaled
from vael.data.base import Dataset, ReadOptions, Split, SplitPlan
from vael.data.foreign import put_on_scale
from vael.data.pixels import COLORS
from vael.data.places import cache_folder, search_folders
from vael.errors import VaelError
from vael.types import Observation

__all__ = ["load_like"]


def load_like(spec: str, observation: Observation, facts: Mapping[str, Any], *, root: Path | None = None) -> Dataset:
    """Read a data set in the form of another one.

    Images are brought to its size and colours; of a table's columns those of the same names are taken (all of them, in
    their order, where there are no names), on the other's scale. Nothing is cut off for validation or testing.

    Arguments:
        spec: As for `vael.data.load`.
        observation: What an example of the other data set is.
        facts: The other's `Dataset.facts`, also as read back from run.json.
        root: Where to look for data first.

    Raises:
        VaelError: As `vael.data.load`; a table where images are expected or the other way round; missing columns.
    """
    options = ReadOptions(search_folders(root), cache_folder(), plan=SplitPlan(0.0, 0.0))
    if not observation.is_image:
        return _rows(read_unscaled(spec, options), observation.columns, facts)
    channels, *size = observation.shape
    color = next((name for name, count in COLORS.items() if count == channels), None)
    return read_unscaled(spec, replace(options, size=(size[0], size[1]), color=color))


def _rows(dataset: Dataset, columns: Sequence[str], facts: Mapping[str, Any]) -> Dataset:
    if len(dataset.shape) != 1:
        raise VaelError(f"{dataset.name} holds images, expected rows of the columns {', '.join(columns)}")
    places = _places(dataset, columns)
    splits = {
        name: Split(put_on_scale(split.x[:, places].astype(np.float64), columns, facts, dataset.name), split.labels)
        for name, split in dataset.splits.items()
    }
    return replace(dataset, splits=splits, columns=tuple(columns))


def _places(dataset: Dataset, columns: Sequence[str]) -> list[int]:
    """Return where each column stands: by its name, or, of as many others that have no names, in order."""
    missing = [column for column in columns if column not in dataset.columns]
    if not missing:
        return [dataset.columns.index(column) for column in columns]
    is_nameless = all(name.startswith("column_") for name in dataset.columns)
    if is_nameless and len(dataset.columns) == len(columns):
        return list(range(len(columns)))
    shown = ", ".join(missing[:5]) + (", …" if len(missing) > 5 else "")
    raise VaelError(f"{dataset.name} lacks the columns {shown}: it has {', '.join(dataset.columns)}")
