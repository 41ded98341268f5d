"""Pixels as they stand in their files: nothing is resized, turned or converted, and what would need it is refused."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vael.data.image_files import list_items, open_container
from vael.data.picture import open_image, turned_size
from vael.errors import VaelError

__all__ = ["NamedPixels", "read_exact"]

MODES = {"1": 1, "L": 1, "RGB": 3}
"""Pillow's modes whose pixels come back as they were."""


@dataclass(frozen=True)
class NamedPixels:
    """Hold images and their names.

    Arguments:
        x: `(N, C, H, W)` uint8.
        names: N paths inside the folder or zip, in order.
    """

    x: NDArray[np.uint8]
    names: tuple[str, ...]


def read_exact(path: Path, shape: tuple[int, ...], num_levels: int) -> NamedPixels:
    """Read every image of a folder or zip.

    Arguments:
        path: The folder or zip.
        shape: `(C, H, W)` of the images.
        num_levels: 256, or 2 for images that are black and white alone.

    Raises:
        VaelError: No images, a broken one, or one that is not of this form.
    """
    container = open_container(path)
    items = list_items(container)
    pixels = [_read(container.content(item.name), item.name, shape, num_levels) for item in items]
    return NamedPixels(np.stack(pixels), tuple(item.name for item in items))


def _read(content: bytes, name: str, shape: tuple[int, ...], num_levels: int) -> NDArray[np.uint8]:
    channels, height, width = shape
    with open_image(content, name) as image:
        form = f"{image.width} × {image.height} {image.mode}"
        is_turned = turned_size(image) != image.size
        fits = MODES.get(image.mode) == channels and image.size == (width, height) and not is_turned
        if not fits or getattr(image, "n_frames", 1) > 1 or image.has_transparency_data:
            wanted = f"{width} × {height} {'RGB' if channels == 3 else 'L'}"
            raise VaelError(f"{name} is {form}, the model codes {wanted} without transparency: convert it first")
        array = np.asarray(image.convert("L") if image.mode == "1" else image)
    if num_levels == 2:
        if not np.isin(array, (0, 255)).all():
            raise VaelError(f"{name} has shades of grey, the model codes black and white: train with levels instead")
        array = array // 255
    return np.ascontiguousarray(array.reshape(height, width, channels).transpose(2, 0, 1))
