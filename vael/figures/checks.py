"""What the draw functions ask of their arrays, at the boundary."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vael.errors import VaelError

__all__ = ["expect_length", "expect_pixels", "expect_shape"]


def expect_shape(what: str, array: NDArray, *axes: str | int) -> dict[str, int]:
    """Check an array's shape; return the size that each axis letter stands for.

    Arguments:
        what: The argument's name, for the error.
        array: What came.
        axes: A letter for a size that is free (the same letter, the same size; at least 1), else the size itself.

    Raises:
        VaelError: Another number of axes, another size, or nothing in it.

    >>> expect_shape("data", np.zeros((4, 2)), "N", "F")
    {'N': 4, 'F': 2}
    """
    sizes: dict[str, int] = {}
    shape = np.shape(array)
    fits = len(shape) == len(axes) and 0 not in shape
    for axis, size in zip(axes, shape, strict=False):
        fits = fits and size == (axis if isinstance(axis, int) else sizes.setdefault(axis, size))
    if not fits:
        hint = ": there is nothing to draw" if 0 in shape else ""
        raise VaelError(f"{what} expects an array ({', '.join(map(str, axes))}), got {shape}{hint}")
    return sizes


def expect_pixels(images: NDArray, *axes: str | int) -> dict[str, int]:
    """Check the shape of images, the three colours apart, and that they are bytes.

    Raises:
        VaelError: Another shape or another type.
    """
    sizes = expect_shape("images", images, *axes, 3)
    if images.dtype != np.uint8:
        raise VaelError(f"images expects uint8 pixels, got {images.dtype}: vael.figures.as_pixels makes them")
    return sizes


def expect_length(what: str, names: Sequence[object], length: int, each: str) -> None:
    """Check that there is one name for each thing.

    Raises:
        VaelError: There are more or fewer.
    """
    if len(names) != length:
        raise VaelError(f"{what} expects one for each {each}, {length}, got {len(names)}")
