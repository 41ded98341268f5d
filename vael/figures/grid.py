"""Many images in one: grids of exact pixels."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vael.errors import VaelError

__all__ = ["as_pixels", "image_grid", "in_rows", "pair_grid", "save_image", "tile"]

Pixels = NDArray[np.uint8]
GAP = 2
PAIR_GAP = 6  # between one pair of rows and the next
BACKGROUND = 96  # a grey that neither black nor white images melt into
TILE = 56  # pixels; smaller images are enlarged by a whole number towards it, so that each pixel stays a square


def as_pixels(x: NDArray, *, scale: float = 1.0) -> Pixels:
    """Turn images `(N, C, H, W)` of values 0 … `scale` into `(N, H, W, 3)` uint8; values outside are cut.

    Two-channel images keep their first two channels and a blue of zero; more than three keep the first three.

    >>> as_pixels(np.ones((1, 1, 2, 2))).shape
    (1, 2, 2, 3)
    """
    pixels = np.clip(x / scale, 0, 1) * 255
    images = np.moveaxis(np.rint(pixels).astype(np.uint8), 1, -1)
    if images.shape[-1] == 1:
        return np.repeat(images, 3, axis=-1)
    if images.shape[-1] == 2:
        return np.concatenate([images, np.zeros_like(images[..., :1])], axis=-1)
    return images[..., :3]


def image_grid(images: Pixels, *, columns: int | None = None) -> Pixels:
    """Lay images `(N, H, W, 3)` out in rows, small ones enlarged by a whole number; return `(height, width, 3)` uint8.

    Arguments:
        images: What to lay out, row by row.
        columns: Images a row; about square if None.
    """
    factor = max(1, TILE // max(images.shape[1:3]))
    images = images.repeat(factor, axis=1).repeat(factor, axis=2)
    across = min(len(images), columns or int(np.ceil(np.sqrt(len(images)))))
    rows = in_rows(images, columns=across, background=(BACKGROUND,) * 3)
    grid = tile(rows, gap=(GAP, GAP), background=(BACKGROUND,) * 3)
    return np.pad(grid, ((GAP, GAP), (GAP, GAP), (0, 0)), constant_values=BACKGROUND)


def in_rows(images: Pixels, *, columns: int, background: tuple[int, ...]) -> Pixels:
    """Break images `(N, H, W, 3)` into rows `(R, C, H, W, 3)`, the last one filled up with the background."""
    rows = -(-len(images) // columns)
    filled = np.full((rows * columns, *images.shape[1:]), background, np.uint8)
    filled[: len(images)] = images
    return filled.reshape(rows, columns, *images.shape[1:])


def tile(images: Pixels, *, gap: tuple[int, int], background: tuple[int, ...]) -> Pixels:
    """Lay images `(R, C, H, W, 3)` out as they are, `gap` pixels between rows and between columns."""
    rows, columns, height, width, _ = images.shape
    below, beside = gap
    grid = np.full((rows, height + below, columns, width + beside, 3), background, np.uint8)
    grid[:, :height, :, :width] = images.transpose(0, 2, 1, 3, 4)
    grid = grid.reshape(rows * (height + below), columns * (width + beside), 3)
    return grid[: len(grid) - below, : grid.shape[1] - beside]


def pair_grid(above: Pixels, below: Pixels, *, columns: int = 10) -> Pixels:
    """Lay two equally long rows of images out in pairs: each image of `above` over its partner of `below`."""
    pairs = []
    for start in range(0, len(above), columns):
        rows = [images[start : start + columns] for images in (above, below)]
        pairs.append(image_grid(np.concatenate(rows), columns=len(rows[0])))
    width = max(pair.shape[1] for pair in pairs)
    space = [(0, PAIR_GAP)] * (len(pairs) - 1) + [(0, 0)]
    padded = [
        np.pad(pair, (below_it, (0, width - pair.shape[1]), (0, 0)), constant_values=BACKGROUND)
        for pair, below_it in zip(pairs, space, strict=True)
    ]
    return np.concatenate(padded)


def save_image(path: Path, grid: Pixels) -> None:
    """Save a picture `(H, W, 3)` uint8 in the format of the path's ending.

    Raises:
        VaelError: The ending is no picture's, or the file cannot be written.
    """
    from PIL import Image

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(grid).save(path)
    except ValueError:
        raise VaelError(f"a picture expects an ending such as .png, got '{path.name}'") from None
    except OSError as error:
        raise VaelError(f"cannot write {path}: {error.strerror or error}") from None
