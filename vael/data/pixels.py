"""Pixels in memory: another size, another colour, the same number of levels."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vael.data.base import Dataset, Split
from vael.errors import VaelError, unknown_name

__all__ = ["COLORS", "check_color", "check_size", "fit_pixels"]

COLORS = {"grey": 1, "rgb": 3}
"""The number of channels by the colour's name."""

LUMA = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue in grey (ITU-R BT.601, as Pillow and JPEG have them)."""


def check_size(size: int | Sequence[int] | None) -> tuple[int, int] | None:
    """Return a size as `(H, W)`; one number means a square.

    Raises:
        VaelError: Anything but one or two whole numbers from 1 on.

    >>> check_size(64)
    (64, 64)
    """
    if size is None:
        return None
    pair = (size, size) if isinstance(size, int) else tuple(size)
    if len(pair) != 2 or not all(isinstance(side, int) and not isinstance(side, bool) and side > 0 for side in pair):
        raise VaelError(f"size expects a whole number from 1 on, or two (height, width), got {size}")
    return pair[0], pair[1]


def check_color(color: str | None) -> None:
    """Raise `VaelError` for an unknown colour."""
    if color is not None and color not in COLORS:
        raise unknown_name("color", color, COLORS)


def fit_pixels(dataset: Dataset, size: tuple[int, int] | None, color: str | None) -> Dataset:
    """Return the images at a size and in a colour; what fits already is passed on as it is.

    Arguments:
        dataset: Splits of `(N, C, H, W)` uint8.
        size: `(H, W)`, or None to keep it. The aspect is not kept.
        color: `"grey"` (1 channel, luma), `"rgb"` (3 channels), or None to keep it.

    Raises:
        VaelError: The data are a table, or the channels are neither grey nor rgb.
    """
    if size is None and color is None:
        return dataset
    if len(dataset.shape) != 3:
        raise VaelError(f"size and color expect images, got a table with {dataset.shape[0]} columns: leave them out")
    splits = {
        name: Split(_resized(_colored(split.x, color), size, dataset.num_levels), split.labels)
        for name, split in dataset.splits.items()
    }
    return replace(dataset, splits=splits)


def _colored(x: NDArray, color: str | None) -> NDArray:
    channels = x.shape[1]
    if color is None or channels == COLORS[color]:
        return x
    if color == "rgb" and channels == 1:
        return np.repeat(x, 3, axis=1)
    if color == "grey" and channels == 3:
        grey = np.empty((len(x), 1, *x.shape[2:]), np.uint8)
        for row in range(len(x)):
            grey[row, 0] = np.rint(np.tensordot(LUMA, x[row], axes=1))
        return grey
    raise VaelError(f"color = '{color}' expects images with 1 or 3 channels, got {channels}")


def _resized(x: NDArray, size: tuple[int, int] | None, num_levels: int) -> NDArray:
    """Resize with Lanczos in floating point and round to the levels."""
    from PIL import Image

    if size is None or size == x.shape[2:]:
        return x
    resized = np.empty((*x.shape[:2], *size), np.uint8)
    for row in range(len(x)):
        for channel in range(x.shape[1]):
            plane = Image.fromarray(x[row, channel].astype(np.float32))
            values = np.asarray(plane.resize((size[1], size[0]), Image.Resampling.LANCZOS))
            resized[row, channel] = np.clip(np.rint(values), 0, num_levels - 1)
    return resized
