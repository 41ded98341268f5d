"""Results as files: pictures as grids, numbers by the output's ending."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vael.errors import VaelError
from vael.figures import image_grid, pair_grid, save_image
from vael.runs import atomic_path

if TYPE_CHECKING:
    from vael.experiments import Run

__all__ = ["check_new", "write_images", "write_numbers", "write_pairs"]


def write_images(path: Path, run: "Run", x: NDArray, *, columns: int | None = None) -> Path:
    """Save images as a grid and return the path."""
    save_image(path, image_grid(run.pixels(x), columns=columns))
    return path


def write_pairs(path: Path, run: "Run", above: NDArray, below: NDArray) -> Path:
    """Save two rows of images, one over the other, and return the path."""
    save_image(path, pair_grid(run.pixels(above), run.pixels(below)))
    return path


def check_new(path: Path) -> None:
    """Refuse an output that would mix with what is there.

    Raises:
        VaelError: A folder that holds something already.
    """
    if path.is_dir() and any(path.iterdir()):
        raise VaelError(f"{path} holds files already: name a new folder")


def write_numbers(path: Path, arrays: Mapping[str, Any], columns: Sequence[str]) -> Path:
    """Write named arrays of equal length and return the path.

    `.npz` keeps the arrays; `.csv` and `.parquet` have one row an example and one column a number: those of `x` take
    the table's column names, the others their array's name and number.

    Raises:
        VaelError: The ending is unknown, pyarrow is missing for `.parquet`, or the file cannot be written.
    """
    writers = {".npz": _write_npz, ".csv": _write_csv, ".parquet": _write_parquet}
    if path.suffix not in writers:
        raise VaelError(f"numbers expect an output ending in .npz, .csv or .parquet, got '{path.name}'")
    path.parent.mkdir(parents=True, exist_ok=True)
    content = dict(arrays) if path.suffix == ".npz" else _flatten(arrays, columns)
    with atomic_path(path) as temporary:
        writers[path.suffix](temporary, content)
    return path


def _flatten(arrays: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """Give each number of an example its own named column."""
    flat: dict[str, Any] = {}
    for name, values in arrays.items():
        array = np.asarray(values)
        if array.ndim == 1:
            flat[name] = array
            continue
        rows = array.reshape(len(array), -1)
        names = columns if name == "x" and columns else [f"{name}_{i}" for i in range(rows.shape[1])]
        flat |= {column: rows[:, i] for i, column in enumerate(names)}
    return flat


def _write_npz(path: Path, arrays: dict[str, Any]) -> None:
    with path.open("wb") as handle:
        np.savez_compressed(handle, allow_pickle=False, **arrays)


def _write_csv(path: Path, columns: dict[str, Any]) -> None:
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(columns)
        writer.writerows(zip(*(column.tolist() for column in columns.values()), strict=True))


def _write_parquet(path: Path, columns: dict[str, Any]) -> None:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise VaelError("writing .parquet needs pyarrow: pip install 'vael[tables]', or use .csv") from None
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
