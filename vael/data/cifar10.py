"""CIFAR-10: 50,000 training and 10,000 test photographs, 32×32 RGB, ten classes.

Learning multiple layers of features from tiny images, Krizhevsky, 2009, https://www.cs.toronto.edu/~kriz/cifar.html.
Three forms are read: the binary version (what is downloaded), the Python batches (never unpickled, see `pickled.py`),
and folders or a zip of images {train,test}/<class>/. Archives are read where they lie; nothing is unpacked to disk.
"""

import tarfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from vael.data.base import Dataset, ReadOptions, Source, Split
from vael.data.download import RemoteFile
from vael.data.image_files import list_items, open_container
from vael.data.images import read_items
from vael.data.named import paths_of
from vael.data.pickled import read_batch
from vael.data.places import find_file, find_folder
from vael.errors import VaelError

__all__ = ["CIFAR10"]

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32
SUBFOLDERS = ("cifar10", "cifar-10", "CIFAR10")
TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))
TEST = ("test_batch",)
ARCHIVE = RemoteFile(
    "cifar-10-binary.tar.gz", "https://www.cs.toronto.edu/~kriz", archive_md5="c32a1d4ab5d03f1284b67883e8d87530"
)


class CIFAR10(Source):
    """Small photographs."""

    summary = "small photographs, 32×32 RGB, 50,000 + 10,000 (Krizhevsky 2009)"

    def locate(self, options: ReadOptions) -> str:
        found = _find_batches(options) or _find_images(options)
        return str(found or "")

    def read(self, options: ReadOptions) -> Dataset:
        batches, images = _find_batches(options), None
        if batches is None:
            images = _find_images(options)
        if images:
            container = open_container(images)
            dataset = read_items(container, list_items(container), options, classes=CLASSES)
            return replace(dataset, facts={**dataset.facts, "form": "images"})
        if batches is None:
            batches = paths_of("cifar10", (ARCHIVE,), options, SUBFOLDERS)[ARCHIVE]
        return _read_batches(batches)


def _find_batches(options: ReadOptions) -> Path | None:
    """Find the folder or archive of the binary or the Python version."""
    within = [
        f"{folder}/{name}" for folder in (*SUBFOLDERS, ".") for name in ("cifar-10-batches-bin", "cifar-10-batches-py")
    ]
    batch = find_file(options.folders, (*SUBFOLDERS, *within), ["test_batch.bin", "test_batch"])
    if batch:
        return batch.parent
    return find_file(options.folders, SUBFOLDERS, ["cifar-10-binary.tar.gz", "cifar-10-python.tar.gz"])


def _find_images(options: ReadOptions) -> Path | None:
    classes = find_folder(options.folders, SUBFOLDERS, ["train/airplane"])
    if classes:
        return classes.parent.parent
    places = [folder / subfolder for folder in options.folders for subfolder in (*SUBFOLDERS, ".")]
    return next((path for place in places for path in sorted(place.glob("cifar10*.zip"))), None)


def _read_batches(path: Path) -> Dataset:
    contents = _tar_contents(path) if path.is_file() else _folder_contents(path)
    binary = "test_batch.bin" in contents
    wanted = [name + ".bin" * binary for name in (*TRAIN, *TEST)]
    absent = [name for name in wanted if name not in contents]
    if absent:
        raise VaelError(f"{path} expects {', '.join(wanted)}, and lacks {', '.join(absent)}: fetch it again")
    reader = _read_records if binary else read_batch
    splits = {
        "train": _join(path, contents, wanted[: len(TRAIN)], reader),
        "test": _join(path, contents, wanted[len(TRAIN) :], reader),
    }
    form = "binary version" if binary else "python batches"
    return Dataset("cifar10", splits, 256, CLASSES, facts={"files": [str(path)], "form": form})


def _join(
    path: Path,
    contents: Mapping[str, bytes],
    names: Sequence[str],
    reader: Callable[[bytes], tuple[bytes, Sequence[int]]],
) -> Split:
    """Put the batches of one split together after checking that pixels and labels fit."""
    pixels, labels = [], []
    for name in names:
        try:
            data, numbers = reader(contents[name])
        except VaelError as error:
            raise VaelError(f"{path}: {name} {error}: fetch it again") from None
        if len(data) != PIXELS * len(numbers) or not numbers:
            raise VaelError(
                f"{path}: {name} expects {PIXELS} bytes a label, got {len(data)} for {len(numbers)}: fetch it again"
            )
        if not 0 <= min(numbers) <= max(numbers) < len(CLASSES):
            raise VaelError(
                f"{path}: {name} expects labels 0 to 9, got {min(numbers)} to {max(numbers)}: fetch it again"
            )
        pixels.append(np.frombuffer(data, np.uint8).reshape(-1, *SHAPE))
        labels.append(np.asarray(numbers, np.int64))
    return Split(np.concatenate(pixels), np.concatenate(labels))


def _read_records(content: bytes) -> tuple[bytes, Sequence[int]]:
    """Take records of one label and 3,072 pixels apart."""
    if len(content) % (1 + PIXELS):
        raise VaelError(f"is truncated: expected records of {1 + PIXELS} bytes, got {len(content)} bytes")
    records = np.frombuffer(content, np.uint8).reshape(-1, 1 + PIXELS)
    return records[:, 1:].tobytes(), records[:, 0].tolist()


def _folder_contents(path: Path) -> dict[str, bytes]:
    names = [f"{name}{ending}" for ending in (".bin", "") for name in (*TRAIN, *TEST)]
    return {name: (path / name).read_bytes() for name in names if (path / name).is_file()}


def _tar_contents(path: Path) -> dict[str, bytes]:
    wanted = {f"{name}{ending}" for ending in (".bin", "") for name in (*TRAIN, *TEST)}
    contents = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                name, file = PurePosixPath(member.name).name, archive.extractfile(member)
                if name in wanted and file is not None:
                    contents[name] = file.read()
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise VaelError(f"{path} is not a whole archive ({error}): fetch it again") from None
    return contents
