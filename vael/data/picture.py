"""One image file → pixels of one form: opened, turned upright, in grey or RGB, resized with Lanczos.

JPEGs are decoded at a reduced scale where that is enough (`draft`), and turned as their EXIF tag says.
"""

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vael.data.pixels import COLORS
from vael.errors import VaelError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Form", "fit_image", "open_image", "turned_size", "upright"]

ORIENTATION_TAG = 0x0112
SIDEWAYS = 5
"""EXIF orientations from here on exchange width and height."""

BROKEN = (OSError, SyntaxError, ValueError, EOFError, RuntimeError, struct.error)
"""What Pillow's formats raise of broken files (found by damaging files of 20 formats at random)."""

DEEP_MODES = ("I", "F", "I;16", "I;16B", "I;16L")


@dataclass(frozen=True)
class Form:
    """State what every decoded image is: `(H, W)` and the colour."""

    size: tuple[int, int]
    color: str

    @property
    def shape(self) -> tuple[int, int, int]:
        """`(C, H, W)`."""
        return (COLORS[self.color], *self.size)

    @property
    def mode(self) -> str:
        """Pillow's name of the colour."""
        return "RGB" if self.color == "rgb" else "L"


@contextmanager
def open_image(content: bytes, name: str) -> Iterator["Image"]:
    """Open an image; whatever Pillow says of a broken one becomes one line with its name.

    Raises:
        VaelError: The content is no image, or a broken one; also where that shows only while it is used.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as image:
            yield image
    except (*BROKEN, Image.DecompressionBombError) as error:
        reason = "not an image" if isinstance(error, Image.UnidentifiedImageError) else error
        raise VaelError(f"{name} is broken ({reason}): mend or remove it") from None


def _orientation_of(image: "Image") -> int:
    """Return the EXIF orientation, 1 (upright) to 8."""
    return int(image.getexif().get(ORIENTATION_TAG, 1))


def turned_size(image: "Image") -> tuple[int, int]:
    """Return `(W, H)` of the image once it is upright; nothing is decoded."""
    width, height = image.size
    return (height, width) if _orientation_of(image) >= SIDEWAYS else (width, height)


def upright(image: "Image", name: str) -> "Image":
    """Turn an image as its EXIF tag says.

    Raises:
        VaelError: It has more than 8 bits a channel.
    """
    from PIL import ImageOps

    if image.mode in DEEP_MODES:
        raise VaelError(f"{name} has {image.mode} pixels: expected 8 bits a channel, convert it first")
    return ImageOps.exif_transpose(image) if _orientation_of(image) > 1 else image


def fit_image(image: "Image", form: Form, name: str) -> NDArray[np.uint8]:
    """Return the pixels `(C, H, W)` of an opened image in a form; the aspect is not kept.

    Raises:
        VaelError: It has more than 8 bits a channel.
    """
    from PIL import Image

    height, width = form.size
    turned = (height, width) if _orientation_of(image) >= SIDEWAYS else (width, height)
    if image.mode not in DEEP_MODES and image.size != turned:
        image.draft(form.mode, (2 * turned[0], 2 * turned[1]))
    fitted = upright(image, name).convert(form.mode)
    if fitted.size != (width, height):
        fitted = fitted.resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(fitted).reshape(height, width, -1).transpose(2, 0, 1)
