"""Files of a run folder: written whole or not at all, or appended to, and a clear line where neither can be done."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vael.errors import VaelError
from vael.files import written_whole

__all__ = ["append_line", "atomic_path", "write_atomically"]


def write_atomically(path: Path, content: bytes) -> None:
    """Write a whole file or nothing: temporary neighbour, sync, rename.

    Raises:
        VaelError: The file cannot be written (disk full, no permission); what was there before stays.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary neighbour to write that takes the name `path` when it is whole (see `files.written_whole`).

    Raises:
        VaelError: The file cannot be written; what was there before stays.
    """
    try:
        with written_whole(path) as temporary:
            yield temporary
    except OSError as error:
        raise VaelError(f"cannot write {path}: {error.strerror or error}; what was there before is kept") from error


def append_line(path: Path, record: Mapping[str, Any]) -> None:
    """Append a JSON object as one line.

    Raises:
        VaelError: The file cannot be written.
    """
    try:
        with path.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(record) + "\n")
    except OSError as error:
        raise VaelError(f"cannot append to {path}: {error.strerror or error}; the last checkpoint is kept") from error
