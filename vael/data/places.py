"""Where data lie: the folders that are searched, and the names that people's copies have in them."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from vael.errors import VaelError

__all__ = ["cache_folder", "find_file", "find_folder", "search_folders"]


def cache_folder() -> Path:
    """Return the user's cache folder, where downloads are kept (`XDG_CACHE_HOME` is respected)."""
    try:
        import pooch
    except ImportError:  # a plain checkout beside torch alone: nothing can be downloaded, local data are still read
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vael"
    return Path(pooch.os_cache("vael"))


def search_folders(root: Path | None = None) -> tuple[Path, ...]:
    """List the folders to look in: the given root, `$VAEL_DATA`, the cache folder; first wins.

    Raises:
        VaelError: The given root is not a folder.
    """
    if root is not None and not Path(root).is_dir():
        raise VaelError(f"data root expects a folder, got {root}: create it or leave --data-root out")
    named = [root] if root is not None else []
    environment = os.environ.get("VAEL_DATA")
    if environment:
        named.append(Path(environment))
    return (*(Path(folder).expanduser() for folder in named), cache_folder())


def find_file(folders: Iterable[Path], subfolders: Sequence[str], names: Sequence[str]) -> Path | None:
    """Return the first file with one of the names, in a folder itself or in one of its known subfolders."""
    return next((path for path in _candidates(folders, subfolders, names) if path.is_file()), None)


def find_folder(folders: Iterable[Path], subfolders: Sequence[str], names: Sequence[str]) -> Path | None:
    """Return the first folder with one of the names, in a folder itself or in one of its known subfolders."""
    return next((path for path in _candidates(folders, subfolders, names) if path.is_dir()), None)


def _candidates(folders: Iterable[Path], subfolders: Sequence[str], names: Sequence[str]) -> Iterable[Path]:
    for folder in folders:
        for subfolder in (*subfolders, "."):
            for name in names:
                yield folder / subfolder / name
