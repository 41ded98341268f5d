import gzip
import hashlib
import struct
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from vael.data.base import ReadOptions
from vael.data.download import RemoteFile
from vael.data.idx import read_idx
from vael.data.mnist import FashionMNIST, IDXFiles, IDXSource
from vael.errors import VaelError

PIXELS = np.arange(3 * 5 * 4, dtype=np.uint8).reshape(3, 5, 4)


def idx_bytes(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.mark.parametrize("name", ["images", "images.gz"])
def test_reads_plain_and_gzipped(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(idx_bytes(PIXELS)) if name.endswith(".gz") else idx_bytes(PIXELS))
    found = read_idx(path, num_axes=3, md5=hashlib.md5(idx_bytes(PIXELS)).hexdigest())
    assert np.array_equal(found, PIXELS)
    assert found.flags.writeable


GOOD = idx_bytes(PIXELS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (GOOD[:-1], "is truncated: its header promises 76 bytes, got 75"),
        (GOOD + b"x", "has trailing bytes"),
        (GOOD[:7], "header has 16 bytes, got 7"),
        (b"", "is truncated"),
        (b"\0\0\x0d\3" + GOOD[4:], "magic number 0x00000803 wanted, got 0x00000d03"),
        (idx_bytes(PIXELS[0]) + b"\0" * 8, "magic number"),
        (gzip.compress(GOOD, mtime=0)[:-9], "not a whole gzip file"),
        (gzip.compress(GOOD, mtime=0)[:-4] + b"\1\2\3\4", "not a whole gzip file"),
        (b"\x1f\x8b" + b"\xff" * 40, "not a whole gzip file"),
        (GOOD[:-1] + b"\xff", "has other content than published"),
    ],
)
def test_corrupt_files_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(VaelError, match=message) as caught:
        read_idx(path, num_axes=3, md5=hashlib.md5(GOOD).hexdigest())
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def options(root: Path) -> ReadOptions:
    return ReadOptions((root,), root / "cache", download=False)


class Tiny(IDXSource):
    """Four small files without published checksums."""

    name = "tiny"
    summary = "tiny"
    classes = ("a", "b")
    subfolders = ("tiny",)
    files: ClassVar[IDXFiles] = IDXFiles(
        *(RemoteFile(f"{part}-ubyte.gz", "http://localhost") for part in ("a-idx3", "b-idx1", "c-idx3", "d-idx1"))
    )


def write_tiny(folder: Path, labels: list[int]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "a-idx3-ubyte").write_bytes(GOOD)
    (folder / "b-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes(np.array(labels, np.uint8))))
    (folder / "c.idx3-ubyte").write_bytes(GOOD)
    (folder / "d-idx1-ubyte").write_bytes(idx_bytes(np.array([1, 0, 1], np.uint8)))


def test_files_of_any_spelling_make_a_data_set(tmp_path: Path) -> None:
    write_tiny(tmp_path / "tiny", [0, 1, 1])
    found = Tiny().read(options(tmp_path))
    assert found.shape == (1, 5, 4)
    assert found.splits["test"].labels is not None
    assert found.splits["test"].labels.tolist() == [1, 0, 1]
    assert Tiny().locate(options(tmp_path)) == str(tmp_path / "tiny")


@pytest.mark.parametrize(
    ("labels", "message"), [([0, 1], "3 images, got 2 labels"), ([0, 1, 2], "labels 0 to 1, got 2")]
)
def test_labels_must_fit(tmp_path: Path, labels: list[int], message: str) -> None:
    write_tiny(tmp_path, labels)
    with pytest.raises(VaelError, match=message):
        Tiny().read(options(tmp_path))


def test_fashion_mnist_reads_the_same_format(tmp_path: Path) -> None:
    folder = tmp_path / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    for part in ("train", "t10k"):
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(GOOD))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx_bytes(np.array([0, 9, 3], np.uint8)))
    found = FashionMNIST().read(options(tmp_path))
    assert found.classes[9] == "ankle boot"
    assert np.array_equal(found.splits["train"].x[:, 0], PIXELS)


def test_mnist_is_not_taken_for_fashion(vael_data: Path) -> None:
    with pytest.raises(VaelError, match="belongs to mnist, expected fashion-mnist"):
        FashionMNIST().read(options(vael_data / "mnist"))
