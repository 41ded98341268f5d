"""Folders of runs take a name, another name, or go: never half, and never over something that is there."""

import secrets
import shutil
from pathlib import Path

from vael.errors import VaelError

__all__ = ["check_name", "move_folder", "remove_folder"]


LONGEST_NAME = 200  # bytes: folders take 255, and one that is being removed gets a longer name


def check_name(name: str) -> None:
    """Refuse a run name that is no plain folder name; hidden ones are kept for what is being removed.

    Raises:
        VaelError: The name is empty, has a path in it, begins with a dot or holds a character that no folder takes.
    """
    size = len(name.encode(errors="surrogatepass"))
    if size > LONGEST_NAME:
        raise VaelError(f"a run name expects at most {LONGEST_NAME} bytes, got {size}: shorten it")
    if not name or Path(name).name != name or name.startswith(".") or "\\" in name or not name.isprintable():
        raise VaelError(f"a run name expects a plain folder name, got {name!r}: use letters, digits, '-' and '_'")


def move_folder(path: Path, name: str) -> Path:
    """Rename a folder (or the link to one) and return where it lies now.

    Raises:
        VaelError: The name is no plain folder name or taken, or the folder cannot be renamed.
    """
    check_name(name)
    target = path.with_name(name)
    if target.exists() or target.is_symlink():
        raise VaelError(f"'{name}' exists in {path.parent}: choose another name")
    try:
        path.rename(target)
    except OSError as error:
        raise VaelError(f"cannot rename {path} to {name}: {error.strerror or error}") from None
    return target


def remove_folder(path: Path) -> None:
    """Remove a folder, out of sight in one step before the first file goes; of a link, only the link goes.

    Raises:
        VaelError: The folder cannot be removed; what is left of it is named.
    """
    hidden = path.with_name(f".deleted-{path.name}-{secrets.token_hex(4)}")
    try:
        if path.is_symlink():
            path.unlink()
            return
        path.rename(hidden)
    except OSError as error:
        raise VaelError(f"cannot remove {path}: {error.strerror or error}; nothing was removed") from None
    try:
        shutil.rmtree(hidden)
    except OSError as error:
        raise VaelError(f"cannot remove all of {path}: {error.strerror or error}; the rest is in {hidden}") from None
