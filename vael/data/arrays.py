"""NumPy arrays: images of whole numbers, or rows of a table.

The rules: axes (N, F) are rows; (N, H, W), (N, C, H, W) and (N, H, W, C) are images of 8-bit pixels, C being 1 or 3.
Values that are all 0 or 1 are binary (rows only if their type is whole). Floating-point images are taken only where
they are 8-bit pixels in disguise: whole numbers 0 … 255, or such divided by 255.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vael.data.archives import read_npy, read_npz
from vael.data.base import Dataset, ReadOptions, Source, Split
from vael.errors import VaelError, unknown_name

__all__ = ["Arrays"]

SPLIT_KEY = re.compile(r"(?:x_|images_)?(train|valid|val|test)(?:_x|_images)?")
LABEL_KEYS = ("y", "label", "labels", "target", "targets", "subject")
CHANNELS = ((1,), (3,))
DISGUISE_TOLERANCE = 0.07
"""How far 255·x may be from a whole number: float16 rounds k/255 by up to 2⁻¹², which is 0.062 of a level."""

BLOCK_ROWS = 1024
"""Images converted at a time, so that no second copy in floating point is made."""


class Arrays(Source):
    """Any `.npy` file, or an array of a `.npz` file."""

    summary = "FILE.npy or FILE.npz[:key]: images (N, H, W), (N, C, H, W), (N, H, W, C), or rows (N, F)"
    takes_path = True

    def locate(self, options: ReadOptions) -> str:
        return options.path if _path_and_key(options.path)[0].is_file() else ""

    def read(self, options: ReadOptions) -> Dataset:
        path, key = _path_and_key(options.path)
        if path.suffix == ".npz":
            raw, labels = _choose(path, key, read_npz(path))
        elif key:
            raise VaelError(f"{path} holds one array without a name: leave ':{key}' out")
        else:
            raw, labels = {"all": read_npy(path)}, {}
        arrays, num_levels = _domain(path, raw)
        numbers, classes = _number_labels(path, labels, arrays)
        splits = {name: Split(x, numbers.get(name)) for name, x in arrays.items()}
        width = next(iter(arrays.values())).shape[1]
        is_table = next(iter(arrays.values())).ndim == 2
        columns = tuple(f"column_{number}" for number in range(1, width + 1)) if is_table else ()
        return Dataset("array", splits, num_levels, classes, columns, {"files": [str(path)]})


def _path_and_key(text: str) -> tuple[Path, str]:
    """Take `FILE.npz:key` apart.

    >>> _path_and_key("a/b.npz:images")[1]
    'images'
    """
    path, colon, key = text.rpartition(":")
    if colon and path.lower().endswith((".npz", ".npy")):
        return Path(path).expanduser(), key
    return Path(text).expanduser(), ""


def _choose(path: Path, key: str, arrays: Mapping[str, NDArray]) -> tuple[dict[str, NDArray], dict[str, NDArray]]:
    """Return data and labels by split: the key's array, the only one with two or more axes, or train/valid/test."""
    if key and key not in arrays:
        raise unknown_name(f"array in {path}", key, arrays)
    wide = {name: array for name, array in arrays.items() if array.ndim >= 2}
    if key:
        wide = {key: arrays[key]}
    if len(wide) == 1:
        array = next(iter(wide.values()))
        labels = [
            arrays[name] for name in arrays if name.lower() in LABEL_KEYS and arrays[name].shape == array.shape[:1]
        ]
        return {"all": array}, {"all": labels[0]} if len(labels) == 1 else {}
    data, labels = {}, {}
    for name in wide:
        match = SPLIT_KEY.fullmatch(name.lower())
        if match:
            split = match[1].replace("val", "valid").replace("validid", "valid")
            data[split] = wide[name]
            found = [
                arrays[other]
                for other in (f"y_{match[1]}", f"{match[1]}_labels", f"{match[1]}_label")
                if other in arrays
            ]
            labels.update({split: found[0]} if found else {})
    if len(data) == len(wide) and data:
        return data, labels
    raise VaelError(f"{path} holds the arrays {', '.join(arrays) or '(none)'}: say which one, array:{path}:KEY")


def _domain(path: Path, raw: Mapping[str, NDArray]) -> tuple[dict[str, NDArray], int]:
    """Return uint8 images with their number of levels, or rows with 2 or 0 levels; every split by the same rule."""
    shapes = {array.shape[1:] for array in raw.values()}
    kinds = {array.dtype.kind for array in raw.values()}
    if len(shapes) != 1 or not kinds <= set("buif"):
        types = ", ".join(f"{array.dtype} {array.shape}" for array in raw.values())
        raise VaelError(f"{path} expects numbers with one shape an example, got {types}")
    if any(array.size == 0 for array in raw.values()):
        raise VaelError(f"{path} holds an array without values: expected at least one example")
    for array in raw.values():
        _check_finite(path, array)
    if len(next(iter(shapes))) == 1:
        binary = "f" not in kinds and all(_is_binary(array) for array in raw.values())
        return {name: array.astype(np.uint8 if binary else np.float64) for name, array in raw.items()}, 2 * binary
    images = _channels_first(path, {name: _pixels(path, array) for name, array in raw.items()})
    return images, 2 if all(_is_binary(array) for array in images.values()) else 256


def _is_binary(array: NDArray) -> bool:
    return bool(array.min() >= 0 and array.max() <= 1)


def _check_finite(path: Path, array: NDArray) -> None:
    """Refuse NaN and infinite cells; a maximum and a minimum need no mask as large as the array."""
    if array.dtype.kind == "f" and not (np.isfinite(array.max()) and np.isfinite(array.min())):
        count = int(np.count_nonzero(~np.isfinite(array)))
        raise VaelError(f"{path} holds {count} NaN or infinite values of {array.size}: fill or drop them first")


def _pixels(path: Path, array: NDArray) -> NDArray[np.uint8]:
    """Return 8-bit pixels; floating-point ones only where they are whole numbers, as they are or times 255."""
    if array.dtype.kind == "b":
        return array.astype(np.uint8)
    low, high = array.min(), array.max()
    if low < 0 or high > 255:
        raise VaelError(f"{path} expects pixels from 0 to 255, got [{low:g}, {high:g}]: rescale and save them as uint8")
    if array.dtype.kind != "f":
        return np.ascontiguousarray(array, np.uint8)
    factor = 255 if high <= 1 and any(np.any((part > 0) & (part < 1)) for part in _blocks(array)) else 1
    pixels = np.empty(array.shape, np.uint8)
    for part, target in zip(_blocks(array), _blocks(pixels), strict=True):
        scaled = part.astype(np.float64) * factor
        target[...] = np.rint(scaled)
        if np.abs(scaled - target).max() > DISGUISE_TOLERANCE:
            raise VaelError(
                f"{path} expects 8-bit pixels, got {array.dtype} values in [{low:g}, {high:g}] between the levels: "
                "save np.rint(255 * x).astype(np.uint8)"
            )
    return pixels


def _blocks(array: NDArray) -> Iterator[NDArray]:
    return (array[start : start + BLOCK_ROWS] for start in range(0, len(array), BLOCK_ROWS))


def _channels_first(path: Path, images: Mapping[str, NDArray]) -> dict[str, NDArray]:
    shape = next(iter(images.values())).shape[1:]
    if len(shape) == 2:
        return {name: array[:, None] for name, array in images.items()}
    first, last = shape[:1] in CHANNELS, shape[2:] in CHANNELS
    if len(shape) != 3 or first == last:
        axes = f"({', '.join(['N', *map(str, shape)])})"
        raise VaelError(f"{path} expects (N, H, W), (N, C, H, W) or (N, H, W, C) with 1 or 3 channels, got {axes}")
    if first:
        return dict(images)
    return {name: np.ascontiguousarray(array.transpose(0, 3, 1, 2)) for name, array in images.items()}


def _number_labels(
    path: Path, labels: Mapping[str, NDArray], arrays: Mapping[str, NDArray]
) -> tuple[dict[str, NDArray[np.int64]], tuple[str, ...]]:
    """Number the labels over all splits in sorted order; their values become the class names."""
    if not labels:
        return {}, ()
    for name, values in labels.items():
        if values.shape != arrays[name].shape[:1] or values.dtype.kind not in "buiU":
            raise VaelError(f"{path} expects one whole or text label an example, got {values.dtype} {values.shape}")
    known, numbers = np.unique(np.concatenate(list(labels.values())), return_inverse=True)
    bounds = np.cumsum([len(values) for values in labels.values()])[:-1]
    parts = np.split(numbers.astype(np.int64), bounds)
    return dict(zip(labels, parts, strict=True)), tuple(str(value) for value in known)
