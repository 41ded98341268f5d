"""The files of a named data set: found in a folder of the user's, or fetched."""

from collections.abc import Sequence
from pathlib import Path

from vael.data.base import ReadOptions
from vael.data.download import RemoteFile, fetch
from vael.data.places import find_file
from vael.errors import VaelError

__all__ = ["files_of", "missing", "paths_of"]


def files_of(
    files: Sequence[RemoteFile], folders: Sequence[Path], subfolders: Sequence[str]
) -> dict[RemoteFile, Path | None]:
    """Look for each file, compressed or not; None where it is not there."""
    return {file: find_file(folders, subfolders, _names(file)) for file in files}


def paths_of(
    source: str, files: Sequence[RemoteFile], options: ReadOptions, subfolders: Sequence[str]
) -> dict[RemoteFile, Path]:
    """Look for each file and download those that are missing.

    Raises:
        VaelError: A file is missing and may not or cannot be downloaded.
    """
    found = files_of(files, options.folders, subfolders)
    absent = [file for file, path in found.items() if path is None]
    if absent and not options.download:
        raise missing(source, [file.name for file in absent], options, absent[0].url(source))
    for file in absent:
        try:
            found[file] = fetch(source, file, options.cache / source)
        except VaelError as error:
            places = ", ".join(map(str, options.folders))
            raise VaelError(f"{error} (looked for {', '.join(f.name for f in absent)} in {places})") from None
    return {file: path for file, path in found.items() if path is not None}


def missing(source: str, names: Sequence[str], options: ReadOptions, url: str) -> VaelError:
    """Build the error for files that are not here: their names, where they were looked for, where to get them."""
    places = ", ".join(map(str, options.folders))
    return VaelError(
        f"{source} expects {', '.join(names)}, found in none of {places}: "
        f"get it from {url} and name its folder with --data-root or VAEL_DATA"
    )


def _names(file: RemoteFile) -> list[str]:
    """List the names under which people keep a file (`train-images.idx3-ubyte` is a common one)."""
    plain = file.plain_name
    names = [file.name, plain, plain.replace("-idx", ".idx", 1)]
    return list(dict.fromkeys(names))
