"""Data: sources → splits of arrays that say where they come from.

A source finds, checks and reads one kind of data (`base.py` says how to write one); `load` picks the source, divides
what has no splits of its own and puts tables on one scale; `read` does so too, and can leave counts and positive
numbers in the units of their file. Images are uint8 `(N, C, H, W)` as in their files, rows are float32 `(N, F)`.
Promised: nothing is downloaded or written on import, reading is deterministic, and what is wrong with a file is one
line that names it. No torch here, except in `treatments.py` (which random variable the pixels are) and `batches.py`
(raw values on the device), which are imported by name.

Next: `treatments`, then `likelihoods`, which state the domains they accept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vael.data.arrays import Arrays
from vael.data.base import Dataset, ReadOptions, Source, Split, SplitPlan
from vael.data.binarized_mnist import BinarizedMNIST
from vael.data.celeba import CelebA
from vael.data.cells import keep_cells
from vael.data.cifar10 import CIFAR10
from vael.data.digits import Digits
from vael.data.images import Images
from vael.data.mnist import MNIST, FashionMNIST
from vael.data.pixels import check_color, check_size, fit_pixels
from vael.data.places import cache_folder, search_folders
from vael.data.shapes import Shapes
from vael.data.splits import divide
from vael.data.standardise import destandardise, standardise
from vael.data.tables import Tables
from vael.errors import VaelError, unknown_name
from vael.recipe import shipped_recipes

__all__ = [
    "SOURCES",
    "Dataset",
    "Description",
    "Source",
    "Split",
    "describe",
    "destandardise",
    "find_path",
    "load",
    "read",
    "read_unscaled",
    "with_path",
]

SOURCES: dict[str, type[Source]] = {
    "digits": Digits,
    "mnist": MNIST,
    "fashion-mnist": FashionMNIST,
    "binarized-mnist": BinarizedMNIST,
    "cifar10": CIFAR10,
    "celeba": CelebA,
    "shapes": Shapes,
    "images": Images,
    "array": Arrays,
    "table": Tables,
}

ENDINGS = {
    ".zip": "images",
    ".npy": "array",
    ".npz": "array",
    ".csv": "table",
    ".csv.gz": "table",
    ".parquet": "table",
}
"""Which source a bare path picks by its ending; a folder is images."""


@dataclass(frozen=True)
class Description:
    """Say what one source is and whether it lies here.

    Arguments:
        name: As the user writes it.
        summary: One line.
        where: The folder or file on this machine, or None.
    """

    name: str
    summary: str
    where: str | None


def load(
    spec: str,
    *,
    root: Path | None = None,
    size: int | Sequence[int] | None = None,
    color: str | None = None,
    valid_fraction: float | None = None,
    test_fraction: float | None = None,
    split_seed: int = 0,
    download: bool = True,
) -> Dataset:
    """Read a data set into splits named train, valid and test; a table's columns are standardised.

    Arguments:
        spec: A name of `SOURCES`, `images:PATH`, `array:FILE[:key]`, `table:FILE`, or a bare path.
        root: A folder to look in before `$VAEL_DATA` and the cache folder.
        size: Resize images to this height and width; None keeps them.
        color: `"grey"` or `"rgb"`; None keeps what the files have.
        valid_fraction: Share for validation; None takes the source's own split, none beside an own test split, and
            0.1 where there are no splits at all.
        test_fraction: The same for the test split.
        split_seed: Seed of a split that is drawn.
        download: Whether a named source that is not here may be fetched.

    Raises:
        VaelError: An unknown name, missing or broken files, options that do not fit the data.

    >>> load("digits").shape
    (1, 8, 8)
    """
    plan = SplitPlan(valid_fraction, test_fraction, split_seed)
    options = ReadOptions(
        search_folders(root), cache_folder(), size=check_size(size), color=color, plan=plan, download=download
    )
    return read(spec, options)


def read(spec: str, options: ReadOptions) -> Dataset:
    """Read a data set into splits named train, valid and test, as options say.

    Arguments:
        spec: As for `load`.
        options: Where to look and how to read; their path comes from `spec`.

    Raises:
        VaelError: As `load`, or cells of a table that are not what `options.cells` says.
    """
    dataset = read_unscaled(spec, options)
    return dataset if dataset.num_levels or options.cells != "real" else standardise(dataset)


def read_unscaled(spec: str, options: ReadOptions) -> Dataset:
    """Read a data set as `read` does, the numbers of a table in the units of their file."""
    check_color(options.color)
    name, path = _parse(spec)
    options = replace(options, path=path)
    try:
        dataset = replace(SOURCES[name]().read(options), name=spec)
    except OSError as error:
        raise VaelError(f"{error.filename or spec} cannot be read ({error.strerror or error})") from None
    is_kept = options.cells != "real" and not dataset.num_levels
    if is_kept:
        dataset = keep_cells(dataset, options.cells)  # before the rows are shuffled: the error names the file's row
    return fit_pixels(divide(dataset, options.plan), options.size, options.color)


def describe(*, root: Path | None = None) -> tuple[Description, ...]:
    """List the named sources and where they lie on this machine; nothing is read or downloaded."""
    options = ReadOptions(search_folders(root), cache_folder())
    named = {name: kind for name, kind in SOURCES.items() if not kind.takes_path}
    pathed = {name: kind for name, kind in SOURCES.items() if kind.takes_path}
    listed = [Description(name, kind.summary, kind().locate(options) or None) for name, kind in named.items()]
    return (*listed, *(Description(f"{name}:PATH", kind.summary, None) for name, kind in pathed.items()))


def find_path(spec: str) -> str | None:
    """Return the absolute path of the data that a source names (with the key after it, where it names one).

    None for the sources that have a name of their own, and where nothing lies at the path; nothing is read.

    >>> find_path("digits") is None
    True
    """
    try:
        name, path = _parse(spec)
    except VaelError:
        return None
    if not path:
        return None
    place = str(Path(path).expanduser().absolute())
    return SOURCES[name]().locate(ReadOptions((), cache_folder(), place)) or None


def with_path(spec: str, path: str) -> str:
    """Return a source that reads the same kind of data from another path.

    >>> with_path("table:wine.txt", "/data/wine.txt")
    'table:/data/wine.txt'
    """
    prefix, colon, _ = spec.partition(":")
    return f"{prefix}:{path}" if colon and prefix in SOURCES else path


def _parse(spec: str) -> tuple[str, str]:
    """Return a source's name and the path it reads (empty for named sources)."""
    if spec in SOURCES and not SOURCES[spec].takes_path:
        return spec, ""
    prefix, colon, rest = spec.partition(":")
    if prefix in SOURCES:
        if not SOURCES[prefix].takes_path:
            raise VaelError(f"'{prefix}' takes no path, got '{spec}': use --data-root to say where its files lie")
        if not rest:
            raise VaelError(f"'{prefix}' expects a path: write {prefix}:PATH")
        return prefix, rest
    place = Path(spec).expanduser()
    if place.is_dir():
        return "images", spec
    for ending, name in ENDINGS.items():
        if f"{spec}:".lower().partition(f"{ending}:")[1]:
            return name, spec
    if place.exists():
        raise VaelError(f"{spec} is no data that is known: a folder of images or a file in {', '.join(ENDINGS)} is")
    if "/" in spec or "." in place.name:
        raise VaelError(f"there is no file or folder {spec}: give a path that exists or a name of 'vael datasets'")
    if spec in shipped_recipes():
        raise VaelError(f"'{spec}' is a recipe, no data set: write --recipe {spec}; the recipe names its data")
    raise unknown_name("data set", prefix if colon else spec, SOURCES)
