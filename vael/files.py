"""Files that are whole or not there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vael.errors import VaelError

__all__ = ["read_file", "written_whole"]


def read_file(path: Path) -> bytes:
    """Return a file's content.

    Raises:
        VaelError: It cannot be read.
    """
    try:
        return path.expanduser().read_bytes()
    except OSError as error:
        raise VaelError(f"{path} cannot be read ({error.strerror or error}): name another file") from None


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a temporary neighbour to write; at the end sync it and rename it to `path`, on failure remove it.

    A reader sees the old file or the new one, never half; what was there before stays until the new one is whole.

    Raises:
        OSError: The file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}.part.{path.name}")  # keeps the ending, which says what it holds
    try:
        temporary.touch()  # what cannot be written is refused here, under the name that was asked for
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
