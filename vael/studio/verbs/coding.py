"""Turn images into one file and back."""

import base64
import io
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from vael.data.lossless import NamedPixels
from vael.experiments import Run, write_pixels
from vael.studio.desk import Desk
from vael.studio.packing import pack
from vael.studio.uploads import Upload

__all__ = ["compress", "decompress"]

SHOWN = 48  # pictures of what was read


def compress(desk: Desk, upload: Upload | None, *, count: int) -> dict[str, Any]:
    """Code the first images of the default split or of an upload; what came out is decoded again and compared.

    Raises:
        VaelError: As `Run.exact_images` and `Run.compress`.
    """
    with desk.lock:
        images = _images(desk.run, upload)
        first = NamedPixels(images.x[:count], images.names[:count])
        found = desk.run.compress(first)
        return {**found.as_dict(), "available": len(images.x), "content": _text(found.content)}


def _images(run: Run, upload: Upload | None) -> NamedPixels:
    if upload is None:
        return run.exact_images()
    if upload.is_picture:
        upload = Upload(_zipped(upload), f"{upload.shown}.zip")
    with upload.as_file(".zip", ".npy") as path:
        return run.exact_images(path)


def _zipped(upload: Upload) -> bytes:
    """Return a zip that holds one image, for it is sets that are coded."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr(upload.shown.replace("\\", "/").rpartition("/")[2], upload.content)
    return written.getvalue()


def decompress(desk: Desk, upload: Upload) -> dict[str, Any]:
    """Read images back: the first ones as pictures, and all of them as PNG files in a zip.

    Raises:
        VaelError: As `Run.decompress`, or names that lead out of a folder.
    """
    with desk.lock:
        run = desk.run
        images = run.decompress(upload.content, name=upload.shown)
        with tempfile.TemporaryDirectory(prefix="vael-studio-") as folder:
            path = Path(folder) / "images.zip"
            write_pixels(path, images.x, images.names, is_binary=run.observation.domain == "binary")
            content = path.read_bytes()
        return {
            "count": len(images.x),
            "names": images.names[:SHOWN],
            "pictures": pack(run.pixels(images.x[:SHOWN].astype(np.float32))),
            "content": _text(content),
        }


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
