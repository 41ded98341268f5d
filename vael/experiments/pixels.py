"""Decoded images as files: the same pixels that were coded, in PNG files or one array."""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from vael.errors import VaelError
from vael.runs import atomic_path

__all__ = ["write_pixels"]


def write_pixels(path: Path, x: NDArray[np.uint8], names: Sequence[str], *, is_binary: bool) -> Path:
    """Write images `(N, C, H, W)` without loss: PNG files in a folder or `.zip`, or one array in `.npy` or `.npz`.

    Files have the names that came, with the ending .png; without names they are numbered. An array is `(N, H, W)` or
    `(N, H, W, 3)`.

    Raises:
        VaelError: A name that leads out of the folder, or nothing can be written there.
    """
    images = x.transpose(0, 2, 3, 1)
    images = images[..., 0] if images.shape[-1] == 1 else images
    if path.suffix in (".npy", ".npz"):
        with atomic_path(path) as temporary, temporary.open("wb") as handle:
            if path.suffix == ".npy":
                np.save(handle, images, allow_pickle=False)
            else:
                np.savez_compressed(handle, allow_pickle=False, x=images)
        return path
    files = zip(_png_names(names, len(images)), images * np.uint8(255 if is_binary else 1), strict=True)
    if path.suffix == ".zip":
        with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            for name, image in files:
                archive.writestr(name, _png(image))
        return path
    for name, image in files:
        with atomic_path(path / name) as temporary:
            temporary.write_bytes(_png(image))
    return path


def _png_names(names: Sequence[str], count: int) -> list[str]:
    """Return a name for each image, ending in .png, none twice."""
    if not names:
        return [f"{number:0{len(str(count))}d}.png" for number in range(1, count + 1)]
    for name in names:
        if PurePosixPath(name).is_absolute() or {"..", ""} & set(name.replace("\\", "/").split("/")):
            raise VaelError(f"the file names an image '{name}', which leads out of the folder: write to .npz instead")
    found = [name if name.lower().endswith(".png") else str(PurePosixPath(name).with_suffix(".png")) for name in names]
    if len(set(found)) < len(found):  # a.jpg beside a.png
        found = [name if name.lower().endswith(".png") else f"{name}.png" for name in names]
    if len(set(found)) < len(found):
        raise VaelError("two of the file's images would have the same name as PNG: write to .npz instead")
    return found


def _png(image: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()
