"""Static binarised MNIST: one fixed draw of every pixel, 50,000 + 10,000 + 10,000 images, own splits.

The common ground of the likelihood tables: On the quantitative analysis of deep belief networks, Salakhutdinov, Murray,
2008; The neural autoregressive distribution estimator, Larochelle, Murray, 2011. Two forms are read: the text files of
the public home (`.amat`, 784 digits 0 or 1 a line) and `binarized_mnist.npz` (rows of `np.packbits`).
"""

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vael.data.archives import read_npz
from vael.data.base import Dataset, ReadOptions, Source, Split
from vael.data.download import RemoteFile
from vael.data.named import files_of, paths_of
from vael.data.places import find_file
from vael.errors import VaelError

__all__ = ["BinarizedMNIST"]

HOME = "http://www.cs.toronto.edu/~larocheh/public/datasets/binarized_mnist"
FILES = {
    "train": RemoteFile("binarized_mnist_train.amat", HOME, "db28b1a6ae0fe70cbd3da91acf46e477"),
    "valid": RemoteFile("binarized_mnist_valid.amat", HOME, "bf37822a04e94123630de6a7dfd9c9ef"),
    "test": RemoteFile("binarized_mnist_test.amat", HOME, "14e41ae11040adba6ab8cb291eda0dd8"),
}
BITS_MD5 = {
    "train": "309a57a5f57edf7dfa1a0d2118daedf9",
    "valid": "98627b12c08410820c516e41a0e07017",
    "test": "50aa7f0ccbdaba86f6a8aeabd1fecfed",
}
"""MD5 of each split's packed bits, the same in both forms."""

SUBFOLDERS = ("binarized_mnist", "binarized-mnist", "BinarizedMNIST")
PACKED = "binarized_mnist.npz"
SIDE = 28
PIXELS = SIDE * SIDE


class BinarizedMNIST(Source):
    """MNIST with every pixel drawn once."""

    summary = "static binarised MNIST, 28×28 of 0 and 1, 50,000 + 10,000 + 10,000 (Salakhutdinov & Murray 2008)"

    def locate(self, options: ReadOptions) -> str:
        packed = find_file(options.folders, SUBFOLDERS, [PACKED])
        texts = files_of(tuple(FILES.values()), options.folders, SUBFOLDERS)
        first = packed or (None if None in texts.values() else next(iter(texts.values())))
        return str(first.parent) if first else ""

    def read(self, options: ReadOptions) -> Dataset:
        packed = find_file(options.folders, SUBFOLDERS, [PACKED])
        splits, files = _read_packed(packed) if packed else _read_texts(options)
        labelled = splits["train"].labels is not None
        classes = tuple("0123456789") if labelled else ()
        return Dataset("binarized-mnist", splits, 2, classes, facts={"files": [str(file) for file in files]})


def _read_packed(path: Path) -> tuple[dict[str, Split], list[Path]]:
    arrays = read_npz(path)
    absent = [name for name in FILES if name not in arrays]
    if absent:
        raise VaelError(f"{path} expects the arrays train, valid and test, got {', '.join(arrays)}: fetch it again")
    labels = {name: arrays.get(f"{name}_label") for name in FILES}
    return {name: _split(path, name, arrays[name], labels[name]) for name in FILES}, [path]


def _read_texts(options: ReadOptions) -> tuple[dict[str, Split], list[Path]]:
    paths = paths_of("binarized-mnist", tuple(FILES.values()), options, SUBFOLDERS)
    splits = {name: _split(paths[file], name, _read_text(paths[file]), None) for name, file in FILES.items()}
    return splits, list(paths.values())


def _read_text(path: Path) -> NDArray[np.uint8]:
    """Return the packed bits of a text file."""
    content = np.frombuffer(path.read_bytes(), np.uint8)
    digits = content[(content != ord(" ")) & (content != ord("\n")) & (content != ord("\r"))] - ord("0")
    if digits.max(initial=0) > 1 or len(digits) % PIXELS:
        raise VaelError(
            f"{path} expects lines of {PIXELS} digits 0 or 1, got {len(digits)} digits up to {digits.max(initial=0)}"
        )
    return np.packbits(digits.reshape(-1, PIXELS), axis=1)


def _split(path: Path, name: str, bits: NDArray, labels: NDArray | None) -> Split:
    """Unpack one split after checking that its bits are the published ones."""
    if bits.dtype != np.uint8 or bits.ndim != 2 or bits.shape[1] * 8 != PIXELS:
        raise VaelError(f"{path}: {name} expects uint8 rows of {PIXELS // 8} bytes, got {bits.dtype} {bits.shape}")
    found = hashlib.md5(np.ascontiguousarray(bits).data, usedforsecurity=False).hexdigest()
    if found != BITS_MD5[name]:
        raise VaelError(
            f"{path}: {name} differs from the published bits (MD5 {BITS_MD5[name]}, got {found}): fetch it again"
        )
    if labels is not None and len(labels) != len(bits):
        raise VaelError(f"{path}: {name} expects one label an image, {len(bits)} images, got {len(labels)} labels")
    x = np.unpackbits(bits, axis=1).reshape(-1, 1, SIDE, SIDE)
    return Split(x, None if labels is None else labels.astype(np.int64))
