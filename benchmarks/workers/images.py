"""Read the benchmarks' images from the data folder, with numpy, gzip, zipfile and Pillow only."""

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["read_faces", "read_mnist"]

Bytes = NDArray[np.uint8]
IDX_HEADER_BYTES = 16
MNIST_FILES = {"train": "train-images-idx3-ubyte.gz", "test": "t10k-images-idx3-ubyte.gz"}


def read_mnist(data_root: Path, split: str) -> Bytes:
    """Return the images of `split` (`train` or `test`), uint8 of shape (n, 28, 28), in the files' order."""
    content = gzip.decompress((data_root / "mnist" / MNIST_FILES[split]).read_bytes())
    size = tuple(int(number) for number in np.frombuffer(content, ">u4", count=4)[1:])
    return np.frombuffer(content, np.uint8, offset=IDX_HEADER_BYTES).reshape(size).copy()


def read_faces(data_root: Path, count: int) -> Bytes:
    """Return the first `count` colour faces by name, uint8 of shape (count, 3, 64, 64)."""
    from PIL import Image  # the jax environment has no Pillow and needs no faces

    with zipfile.ZipFile(data_root / "faces" / "celeba64_7k.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))[:count]
        faces = [np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("RGB")) for name in names]
    return np.ascontiguousarray(np.stack(faces).transpose(0, 3, 1, 2))
