"""The lock of a run folder: held while a process trains into it, gone with that process however it ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from vael.errors import VaelError

__all__ = ["held", "is_held"]

LOCK = "run.lock"


def is_held(folder: Path) -> bool:
    """Whether a process trains into a run folder."""
    if not (folder / LOCK).exists():
        return False
    try:
        with FileLock(folder / LOCK, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:  # a read-only copy: nobody trains here
        return False


@contextmanager
def held(folder: Path, *, refusal: str, needed: bool = True) -> Iterator[None]:
    """Hold a run folder's lock.

    Arguments:
        folder: The run folder; it may be renamed meanwhile.
        refusal: What to say where another process, or another place of this one, holds it.
        needed: Whether to refuse a folder that cannot be locked at all: a read-only copy, where nobody trains.

    Raises:
        VaelError: The lock is held already, or it is needed and cannot be made.
    """
    lock = FileLock(folder / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise VaelError(refusal) from None
    except OSError as error:
        if needed:
            raise VaelError(f"cannot lock {folder}: {error.strerror or error}; is the folder read-only?") from None
    try:
        yield
    finally:
        lock.release()
