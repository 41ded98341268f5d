"""Image files in a folder or a zip: their names in a fixed order, and what the subfolders say of labels and splits."""

import os
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vael.errors import VaelError

__all__ = ["Container", "Folder", "Item", "Zip", "list_items", "open_container"]

IMAGE_ENDINGS = frozenset(
    (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".pgm", ".ppm", ".pbm", ".avif", ".jp2")
)
SPLIT_FOLDERS = {"train": "train", "valid": "valid", "val": "valid", "validation": "valid", "test": "test"}
"""The split by the name of a top-level folder."""


@dataclass(frozen=True)
class Item:
    """Name one image: its path inside the container, its own split (`all` without one), its label (or None)."""

    name: str
    split: str = "all"
    label: str | None = None


class Container(ABC):
    """Hold files by name; names use `/` and come in sorted order."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def names(self) -> list[str]:
        """List every file, sorted."""

    @abstractmethod
    def content(self, name: str) -> bytes:
        """Return a file's bytes; safe to call from several threads."""

    @abstractmethod
    def stamp(self, names: Iterable[str]) -> Iterable[str]:
        """Yield what changes when the files change: names, sizes, times."""


class Folder(Container):
    """Files below a folder; hidden ones are left out."""

    def names(self) -> list[str]:
        found = []
        for folder, subfolders, files in os.walk(self.path):
            subfolders[:] = [name for name in subfolders if not name.startswith((".", "__MACOSX"))]
            inside = Path(folder).relative_to(self.path)
            found += [(inside / name).as_posix() for name in files if not name.startswith(".")]
        return sorted(found)

    def content(self, name: str) -> bytes:
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            raise VaelError(f"{self.path / name} cannot be read ({error.strerror or error})") from None

    def stamp(self, names: Iterable[str]) -> Iterable[str]:
        for name in names:
            status = os.stat(self.path / name)
            yield f"{name} {status.st_size} {status.st_mtime_ns}"


class Zip(Container):
    """Files inside a zip; nothing is unpacked to disk."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            self.archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise VaelError(f"{path} is not a whole zip file ({error}): fetch it again") from None

    def names(self) -> list[str]:
        def hidden(name: str) -> bool:
            return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)

        return sorted(name for name in self.archive.namelist() if not name.endswith("/") and not hidden(name))

    def content(self, name: str) -> bytes:
        try:
            return self.archive.read(name)
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError) as error:
            raise VaelError(f"{self.path}: {name} cannot be unpacked ({error}): fetch or write the zip again") from None

    def stamp(self, names: Iterable[str]) -> Iterable[str]:
        status = os.stat(self.path)
        yield f"{status.st_size} {status.st_mtime_ns}"
        yield from names


def open_container(path: Path) -> Container:
    """Open a folder or a zip.

    Raises:
        VaelError: The path is missing or neither of the two.
    """
    if path.is_dir():
        return Folder(path)
    if path.is_file():
        return Zip(path)
    raise VaelError(f"there is no folder or zip of images at {path}: give a path that exists")


def list_items(container: Container) -> list[Item]:
    """List the images of a container, sorted, with the splits and labels that the subfolders give.

    A folder that holds everything is passed through. Top-level folders train, valid (val, validation), test are splits
    if there are no others beside them; the folder below (or at the top) is the label, if every image has one.

    Raises:
        VaelError: There are no images.
    """
    names = container.names()
    images = [name for name in names if PurePosixPath(name).suffix.lower() in IMAGE_ENDINGS]
    if not images:
        raise VaelError(f"{container.path} expects images (PNG, JPEG, WebP, …), got {len(names)} files of other kinds")
    parts = _without_common_folders([PurePosixPath(name).parts for name in images])
    splits = ["all"] * len(images)
    if all(len(path) > 1 and path[0].lower() in SPLIT_FOLDERS for path in parts):
        splits = [SPLIT_FOLDERS[path[0].lower()] for path in parts]
        parts = [path[1:] for path in parts]
    labelled = all(len(path) > 1 for path in parts)
    labels = [path[0] if labelled else None for path in parts]
    return [Item(*triple) for triple in zip(images, splits, labels, strict=True)]


def _without_common_folders(parts: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Drop the leading folders that all paths share, but never a split's."""
    while len({path[0] for path in parts}) == 1 and all(len(path) > 1 for path in parts):
        if parts[0][0].lower() in SPLIT_FOLDERS:
            break
        parts = [path[1:] for path in parts]
    return parts
