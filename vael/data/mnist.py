"""MNIST and Fashion-MNIST: 60,000 training and 10,000 test images, 28×28 grey, ten classes, as IDX files.

Gradient-based learning applied to document recognition, LeCun, Bottou, Bengio, Haffner, 1998.
Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms, Xiao, Rasul, Vollgraf, 2017,
https://arxiv.org/abs/1708.07747.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from vael.data.base import Dataset, ReadOptions, Source, Split
from vael.data.download import RemoteFile, content_md5
from vael.data.idx import read_idx
from vael.data.named import files_of, paths_of
from vael.errors import VaelError

__all__ = ["MNIST", "FashionMNIST", "IDXSource"]

MNIST_HOME = "https://ossci-datasets.s3.amazonaws.com/mnist"
MNIST_LABELS_MD5 = ("a25bea736e30d166cdddb491f175f624", "27ae3e4e09519cfbb04c329615203637")
"""Other sets have files of the same names; where no checksum of their content is published, at least MNIST is told."""

FASHION_HOME = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"


@dataclass(frozen=True)
class IDXFiles:
    """Name the four files of a data set in MNIST's format."""

    train_images: RemoteFile
    train_labels: RemoteFile
    test_images: RemoteFile
    test_labels: RemoteFile

    @property
    def every(self) -> tuple[RemoteFile, ...]:
        """All four."""
        return (self.train_images, self.train_labels, self.test_images, self.test_labels)


class IDXSource(Source):
    """Read images and labels from the four IDX files, gzipped or not; a member names them and their classes."""

    name: ClassVar[str]
    files: ClassVar[IDXFiles]
    classes: ClassVar[tuple[str, ...]]
    subfolders: ClassVar[tuple[str, ...]]

    def locate(self, options: ReadOptions) -> str:
        found = files_of(self.files.every, options.folders, self.subfolders)
        return "" if None in found.values() else str(next(path for path in found.values() if path).parent)

    def read(self, options: ReadOptions) -> Dataset:
        paths = paths_of(self.name, self.files.every, options, self.subfolders)
        splits = {
            "train": self._split(self.files.train_images, self.files.train_labels, paths),
            "test": self._split(self.files.test_images, self.files.test_labels, paths),
        }
        facts = {"files": [str(path) for path in paths.values()]}
        return Dataset(self.name, splits, 256, self.classes, facts=facts)

    def _split(self, images: RemoteFile, labels: RemoteFile, paths: dict[RemoteFile, Path]) -> Split:
        if not labels.md5 and content_md5(paths[labels]) in MNIST_LABELS_MD5:
            raise VaelError(f"{paths[labels]} belongs to mnist, expected {self.name}: name another folder or data set")
        x = read_idx(paths[images], num_axes=3, md5=images.md5)
        y = read_idx(paths[labels], num_axes=1, md5=labels.md5)
        if len(x) != len(y):
            raise VaelError(f"{paths[labels]} expects one label an image: {len(x)} images, got {len(y)} labels")
        if y.max(initial=0) >= len(self.classes):
            raise VaelError(
                f"{paths[labels]} expects labels 0 to {len(self.classes) - 1}, got {y.max()}: fetch it again"
            )
        return Split(x[:, None], y.astype(np.int64))


class MNIST(IDXSource):
    """Handwritten digits."""

    summary = "handwritten digits, 28×28 grey, 60,000 + 10,000 (LeCun et al. 1998)"
    name = "mnist"
    classes = tuple("0123456789")
    subfolders = ("mnist", "MNIST/raw", "MNIST")
    files = IDXFiles(
        RemoteFile("train-images-idx3-ubyte.gz", MNIST_HOME, "6bbc9ace898e44ae57da46a324031adb"),
        RemoteFile("train-labels-idx1-ubyte.gz", MNIST_HOME, MNIST_LABELS_MD5[0]),
        RemoteFile("t10k-images-idx3-ubyte.gz", MNIST_HOME, "2646ac647ad5339dbf082846283269ea"),
        RemoteFile("t10k-labels-idx1-ubyte.gz", MNIST_HOME, MNIST_LABELS_MD5[1]),
    )


class FashionMNIST(IDXSource):
    """Articles of clothing, in MNIST's format."""

    summary = "clothing, 28×28 grey, 60,000 + 10,000 (Xiao et al. 2017)"
    name = "fashion-mnist"
    classes = (
        "t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
    )  # fmt: skip
    subfolders = ("fashion-mnist", "fashion_mnist", "FashionMNIST/raw", "FashionMNIST", "fashion")
    files = IDXFiles(
        RemoteFile("train-images-idx3-ubyte.gz", FASHION_HOME, archive_md5="8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        RemoteFile("train-labels-idx1-ubyte.gz", FASHION_HOME, archive_md5="25c81989df183df01b3e8a0aad5dffbe"),
        RemoteFile("t10k-images-idx3-ubyte.gz", FASHION_HOME, archive_md5="bef4ecab320f06d8554ea6380940ec79"),
        RemoteFile("t10k-labels-idx1-ubyte.gz", FASHION_HOME, archive_md5="bb300cfdad3c16e7a12a480ee83cd310"),
    )
