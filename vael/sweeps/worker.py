"""Who is training: a lock that a process holds while it takes trials, gone with that process however it ends."""

import os
import platform
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from vael.sweeps.plan import Sweep

__all__ = ["Worker", "is_alive"]


class Worker:
    """Hold a lock that says that a process is alive, under a name that no other has.

    Arguments:
        sweep: Whose trials it takes.
    """

    def __init__(self, sweep: Sweep) -> None:
        self.sweep = sweep
        self.name = f"{platform.node()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"

    @contextmanager
    def alive(self) -> Iterator[None]:
        """Hold the lock inside."""
        path = _worker_path(self.sweep, self.name)
        path.parent.mkdir(exist_ok=True)
        with FileLock(path):
            yield
        with suppress(OSError):
            path.unlink()


def _worker_path(sweep: Sweep, name: str) -> Path:
    return sweep.path / "workers" / f"{name}.lock"


def is_alive(sweep: Sweep, name: str) -> bool:
    """Whether the process that took the name holds its lock."""
    path = _worker_path(sweep, name)
    if not path.exists():
        return False
    try:
        with FileLock(path, timeout=0):
            pass
    except Timeout:
        return True
    with suppress(OSError):
        path.unlink()
    return False
