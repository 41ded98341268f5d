"""One run's folder: made, opened, written while its training goes on, read, renamed, deleted."""

import json
import os
import platform
import signal
import time
from collections import deque
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vael.errors import VaelError, unknown_name
from vael.runs.following import Follower
from vael.runs.locking import held, is_held
from vael.runs.moving import check_name, move_folder, remove_folder
from vael.runs.record import Record
from vael.runs.writing import append_line, write_atomically

__all__ = ["FORMAT", "RunFolder", "run_paths"]

FORMAT = 1
"""Version of the folder's layout; a newer one is refused."""


@dataclass(frozen=True)
class RunFolder:
    """Read and write one run folder.

    Arguments:
        path: The folder.
    """

    path: Path

    @classmethod
    def create(cls, root: Path, name: str, *, recipe: str, info: Mapping[str, Any]) -> "RunFolder":
        """Make the folder of a new run.

        Raises:
            VaelError: The name is no plain folder name, is taken, or the folder cannot be written.
        """
        check_name(name)
        folder = cls(root / name)
        try:
            folder.path.mkdir(parents=True)
        except FileExistsError:
            raise VaelError(f"run '{name}' exists in {root}: choose another --name, or 'vael resume {name}'") from None
        except OSError as error:
            raise VaelError(f"cannot create {folder.path}: {error.strerror}; choose another --runs folder") from None
        write_atomically(folder.path / "recipe.toml", recipe.encode())
        folder._write_info({"format": FORMAT, **info})
        return folder

    @classmethod
    def find(cls, run: str | Path, *, root: Path | None = None) -> "RunFolder":
        """Find a run's folder by path, or by its name under `root`; what is in it is not looked at.

        Raises:
            VaelError: No such folder; the closest name is shown.
        """
        path = Path(run)
        if not path.is_dir() and root is not None and (root / run).is_dir():
            path = root / run
        if not path.is_dir():
            names = [found.name for found in run_paths(root)] if root else []
            if names:
                raise unknown_name("run", str(run), names)
            raise VaelError(f"no run at {path}: 'vael runs' lists what there is, 'vael train' makes one")
        return cls(path)

    @classmethod
    def open(cls, run: str | Path, *, root: Path | None = None) -> "RunFolder":
        """Open the folder of a run, given by path or by its name under `root`.

        Raises:
            VaelError: No such run (the closest name is shown), no run folder, or one of a newer version.
        """
        folder = cls.find(run, root=root)
        folder.info()
        return folder

    @property
    def name(self) -> str:
        """The run's name: that of its folder."""
        return self.path.name

    def info(self) -> dict[str, Any]:
        """Read run.json.

        Raises:
            VaelError: The folder holds no run, a damaged one, or one of a newer version.
        """
        try:
            info = json.loads((self.path / "run.json").read_text(encoding="utf-8"))
            (self.path / "recipe.toml").stat()
        except FileNotFoundError as error:
            missing = Path(str(error.filename)).name
            raise VaelError(
                f"{self.path} is not a run folder: it has no {missing}; give a folder under runs/"
            ) from None
        except OSError as error:
            raise VaelError(f"{self.path}/run.json cannot be read ({error.strerror or error})") from None
        except (ValueError, RecursionError) as error:
            raise VaelError(
                f"{self.path}/run.json is damaged ({error}): the run cannot be read; train it again"
            ) from None
        if not isinstance(info, dict) or not isinstance(info.get("format"), int):
            raise VaelError(f"{self.path}/run.json states no format: this is not a vael run")
        if info["format"] > FORMAT:
            raise VaelError(
                f"{self.path} has format {info['format']}, this vael reads up to {FORMAT}: install a newer vael"
            )
        return info

    def update_info(self, **changes: Any) -> None:
        """Change entries of run.json."""
        self._write_info(self.info() | changes)

    def _write_info(self, info: Mapping[str, Any]) -> None:
        write_atomically(self.path / "run.json", (json.dumps(info, indent=2, ensure_ascii=False) + "\n").encode())

    def status(self) -> str:
        """Return `running`, `finished`, `interrupted`, `failed`, or `killed`: the process is gone without a word."""
        return self.status_of(self.info())

    def status_of(self, info: Mapping[str, Any]) -> str:
        """Return the status, as `status` does, from what `info` has returned."""
        status = str(info.get("status", "unknown"))
        if status != "running":
            return status
        return "running" if is_held(self.path) else "killed"

    def locked(self) -> AbstractContextManager[None]:
        """Hold the folder for one training process; the lock goes with the process.

        Raises:
            VaelError: Another process trains into this folder.
        """
        refusal = f"another process is training into {self.path}: wait for it, or choose another --name"
        return held(self.path, refusal=refusal)

    def append(self, record: Record) -> None:
        """Append one record to metrics.jsonl and, for training records, timings.jsonl."""
        append_line(self.path / "metrics.jsonl", record.metrics())
        if record.seconds:
            append_line(self.path / "timings.jsonl", record.timings())

    def metrics_size(self) -> int:
        """Return the length of metrics.jsonl in bytes."""
        path = self.path / "metrics.jsonl"
        return path.stat().st_size if path.exists() else 0

    def truncate_metrics(self, size: int) -> None:
        """Cut metrics.jsonl to `size` bytes: what a killed process wrote after its last checkpoint is done again."""
        path = self.path / "metrics.jsonl"
        if path.exists() and path.stat().st_size > size:
            os.truncate(path, size)

    def metrics(self) -> list[dict[str, Any]]:
        """Read metrics.jsonl; foreign lines and a half-written last one are left out (`Follower` names them)."""
        return Follower(self).read().records

    def timings(self) -> list[dict[str, Any]]:
        """Read timings.jsonl; foreign lines and a half-written last one are left out."""
        return Follower(self, file="timings.jsonl").read().records

    def note(self, text: str) -> None:
        """Append an event to log.txt, as one line under the local time.

        A log that cannot be written is left out: what happened matters more than that it was noted.
        """
        line = f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {' '.join(text.split())}\n"
        with suppress(OSError), (self.path / "log.txt").open("a", encoding="utf-8") as handle:
            handle.write(line)

    def log(self, last: int = 200) -> list[str]:
        """Return the last lines of log.txt, oldest first; none where there is no log.

        Raises:
            VaelError: The log is there and cannot be read.
        """
        try:
            with (self.path / "log.txt").open(encoding="utf-8", errors="replace") as handle:
                return [line.rstrip("\n") for line in deque(handle, maxlen=max(last, 0))]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise VaelError(f"{self.path}/log.txt cannot be read ({error.strerror or error})") from None

    def rename(self, name: str) -> "RunFolder":
        """Give the run another name and return its folder there; of a link to a folder, only the link is renamed.

        Raises:
            VaelError: It is being trained, is no run folder, or the name is no plain folder name or taken.
        """
        self._check_is_run()
        with self._at_rest():
            folder = RunFolder(move_folder(self._place, name))
        folder.note(f"renamed from {self._place.name}")
        return folder

    def delete(self) -> None:
        """Remove the folder with all that is in it, a damaged run's too; of a link to a folder, only the link goes.

        Raises:
            VaelError: It is being trained, is no run folder, or cannot be removed.
        """
        self._check_is_run()
        with self._at_rest():
            remove_folder(self._place)

    def stop(self) -> None:
        """Ask the process that trains into the folder to end (SIGINT, as Ctrl-C does); return without waiting for it.

        Raises:
            VaelError: Nobody trains here, or the process is out of reach.
        """
        info = self.info()
        status, process = self.status_of(info), info.get("process")
        if status != "running" or not isinstance(process, int) or process <= 0:
            raise VaelError(f"{self.name} is not being trained (it is {status}): there is nothing to stop")
        host = info.get("host", platform.node())
        if host != platform.node():  # a shared disk: here the number may be anybody's
            raise VaelError(f"{self.name} is being trained on {host}: stop it there")
        try:
            os.kill(process, signal.SIGINT)
        except OSError as error:
            raise VaelError(f"cannot stop process {process}, which trains {self.name}: {error.strerror}") from None

    @property
    def _place(self) -> Path:
        """The folder under a name of its own, even where it was given as `.`; links are not followed."""
        return self.path if self.path.name.strip(".") else self.path.resolve()

    def _check_is_run(self) -> None:
        missing = [name for name in ("run.json", "recipe.toml") if not (self.path / name).is_file()]
        if missing:
            raise VaelError(f"{self.path} is not a run folder: it has no {missing[0]}; nothing was changed")

    def _at_rest(self) -> AbstractContextManager[None]:
        """Hold the folder so that no training begins in it meanwhile."""
        refusal = f"{self.name} is being trained: stop it first (vael stop {self.name})"
        return held(self.path, refusal=refusal, needed=False)


def run_paths(root: Path) -> list[Path]:
    """List the folders under `root` that hold a run.json, damaged ones too; hidden ones are on their way out."""
    try:
        names = sorted(os.listdir(root))
    except OSError:
        return []
    return [root / name for name in names if not name.startswith(".") and os.path.isfile(root / name / "run.json")]
