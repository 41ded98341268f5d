"""NumPy's files: one array (`.npy`) or several by name (`.npz`), never pickled objects."""

import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vael.errors import VaelError

__all__ = ["read_npy", "read_npz"]

BROKEN = (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error, MemoryError, RuntimeError, SyntaxError)
"""What foreign and damaged bytes raise; a damaged header may ask for more memory than there is."""


def read_npy(path: Path) -> NDArray:
    """Read a `.npy` file into memory.

    Raises:
        VaelError: The file is missing, truncated, foreign, or holds Python objects.
    """
    try:
        with open(path, "rb") as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
            if file.read(1):
                raise ValueError("bytes after the end of the array")
            return array
    except BROKEN as error:
        raise _broken(path, error) from None


def read_npz(path: Path) -> dict[str, NDArray]:
    """Read every array of a `.npz` file.

    Raises:
        VaelError: As `read_npy`.
    """
    try:
        with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
            names = [name for name in archive.namelist() if name.endswith(".npy")]
            return {name.removesuffix(".npy"): _read_member(archive, name) for name in names}
    except BROKEN as error:
        raise _broken(path, error) from None


def _read_member(archive: zipfile.ZipFile, name: str) -> NDArray:
    with archive.open(name) as member:
        return np.lib.format.read_array(member, allow_pickle=False)


def _broken(path: Path, error: Exception) -> VaelError:
    if isinstance(error, FileNotFoundError):
        return VaelError(f"there is no file {path}: give a path that exists")
    if "allow_pickle" in str(error):
        return VaelError(f"{path} holds Python objects (a pickle), which are never loaded: save plain numbers")
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return VaelError(f"{path} is not a whole NumPy file ({reason}): write or fetch it again")
