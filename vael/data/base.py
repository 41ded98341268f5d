"""A data source yields raw arrays in named splits; a treatment says which random variable the model sees.

Images stay uint8 `(N, C, H, W)`, as they lie in the file, until a batch is gathered on the device; rows of tables are
float32 `(N, F)`. Every split shares one shape and one number of levels.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from vael.data.cells import Cells

__all__ = ["Dataset", "ReadOptions", "Source", "Split", "SplitPlan", "choose_split"]


@dataclass(frozen=True)
class Split:
    """Hold one part of a data set.

    Arguments:
        x: `(N, C, H, W)` uint8 with values 0 … num_levels − 1, or `(N, F)` float32 (uint8 if binary).
        labels: `(N,)` int64 into `Dataset.classes`, or None.
    """

    x: NDArray
    labels: NDArray | None = None

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class Dataset:
    """Hold a data set's splits with what is needed to understand and to reproduce them.

    Arguments:
        name: As the user wrote it (`"mnist"`, `"images:faces/"`).
        splits: By name: `train`, and where they exist `valid` and `test`.
        num_levels: 256 for 8-bit pixels, 17 for `digits`, 2 for binary images and columns, 0 for real-valued tables.
        classes: The label names, in the order of the label numbers; empty without labels.
        columns: A table's column names; empty for images.
        facts: What run.json records besides the fingerprint (how it was split, the columns' means and scales, …):
            values that JSON can hold.
    """

    name: str
    splits: Mapping[str, Split]
    num_levels: int
    classes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one observation: `(C, H, W)` or `(F,)`."""
        return self.splits["train"].x.shape[1:]

    @property
    def default_split(self) -> str:
        """The split to judge on and to show."""
        return choose_split(self.splits)

    def fingerprint(self) -> str:
        """Hash shapes and values of every split (BLAKE2b, 128 bits, hexadecimal)."""
        digest = hashlib.blake2b(digest_size=16)
        for name, split in sorted(self.splits.items()):
            digest.update(f"{name} {split.x.shape} {split.x.dtype}".encode())
            digest.update(np.ascontiguousarray(split.x).view(np.uint8).data)
        return digest.hexdigest()


def choose_split(names: Collection[str]) -> str:
    """Choose the split to judge on and to show: `test` where there is one, else `valid`, else `train`."""
    return next(name for name in ("test", "valid", "train") if name in names)


class Source(ABC):
    """Find, check and read one kind of data.

    A member gives `summary` (one line for `vael datasets`), `locate` and `read`, and takes no arguments: what the user
    asked for comes as `ReadOptions`. It raises `VaelError` with the file at fault when a file is missing, truncated or
    foreign; it never guesses. Reading is deterministic.
    """

    summary: ClassVar[str]
    takes_path: ClassVar[bool] = False
    """Whether the user writes `name:PATH`; without it the source is a data set of its own, called by its name."""

    @abstractmethod
    def locate(self, options: "ReadOptions") -> str:
        """Say where the data lie on this machine, without reading them; empty where they are not here."""

    @abstractmethod
    def read(self, options: "ReadOptions") -> Dataset:
        """Read the whole data set; where it has no splits of its own, return one split called `all`.

        A source that divides its data while it reads them (because they do not fit in memory) records
        `facts["split"]`; nobody divides them again.
        """


@dataclass(frozen=True)
class SplitPlan:
    """Say how data are divided into train, valid and test.

    Arguments:
        valid_fraction: Share for validation; None takes the source's own way: its own split where it has one, none
            where it has only train and test, 0.1 where it has no splits at all.
        test_fraction: The same for the test split.
        seed: Seed of the permutation (NumPy's PCG64).
    """

    valid_fraction: float | None = None
    test_fraction: float | None = None
    seed: int = 0


@dataclass(frozen=True)
class ReadOptions:
    """Carry what the user asked for to a source.

    Arguments:
        folders: The folders to look in, first wins.
        cache: Where downloads and decoded images are kept.
        path: What stands after the colon in `images:PATH`; empty for named sources.
        size: Resize images to this `(H, W)`; None keeps them as they are.
        color: `"grey"`, `"rgb"` or None for as they are.
        plan: How to divide what has no splits of its own.
        download: Whether missing files of a named source may be fetched from their public home.
        cells: What the cells of a table are: `real` ones are standardised, the others checked and kept as they are.
    """

    folders: tuple[Path, ...]
    cache: Path
    path: str = ""
    size: tuple[int, int] | None = None
    color: str | None = None
    plan: SplitPlan = SplitPlan()
    download: bool = True
    cells: "Cells" = "real"
