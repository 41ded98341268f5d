"""The run folder, where trainer, command line and studio meet: create it, append to it, list it, follow it.

    runs/<name>/
      recipe.toml        everything needed to rebuild the run
      run.json           format, versions, device, seed, data fingerprint, git commit, status, results
      metrics.jsonl      one JSON object a record, units in the names; the same seed gives the same file
      timings.jsonl      one JSON object a training record: seconds, examples_per_second
      model.safetensors  the weights to use
      checkpoints/       step_000123.safetensors + .json: enough to go on exactly
      snapshots/         step_000000469.npz: small pictures of the model through its training
      figures/           pictures
      report.html        what `vael report` wrote

Whole files are written to a temporary neighbour, synced and renamed: a reader sees the old or the new one, never half.
No torch here: listing runs must be instant.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from vael.errors import VaelError, unknown_name
from vael.files import written_whole

__all__ = ["FORMAT", "Record", "RunFolder", "atomic_path", "list_runs", "write_atomically"]

FORMAT = 1
"""Version of the folder's layout; a newer one is refused."""


@dataclass(frozen=True)
class Record:
    """Hold what was measured between two points of a training.

    Arguments:
        split: Which examples: `train`, `valid` or `test`.
        epoch: Counted from 1.
        step: Steps done when the record was made.
        values: Numbers by name, units in the names; they depend on recipe, seed and machine alone.
        seconds: Wall time that the record took; kept apart from the values, since it never repeats.
        num_examples: How many examples it covers.
    """

    split: str
    epoch: int
    step: int
    values: Mapping[str, float]
    seconds: float = 0.0
    num_examples: int = 0

    def metrics(self) -> dict[str, Any]:
        """The line of metrics.jsonl."""
        return {"split": self.split, "epoch": self.epoch, "step": self.step, **self.values}

    def timings(self) -> dict[str, Any]:
        """The line of timings.jsonl."""
        speed = self.num_examples / self.seconds if self.seconds else 0.0
        head = {"split": self.split, "epoch": self.epoch, "step": self.step}
        return head | {"seconds": round(self.seconds, 6), "examples_per_second": round(speed, 1)}


@dataclass(frozen=True)
class RunFolder:
    """Read and write one run folder.

    Arguments:
        path: The folder.
    """

    path: Path
    _lock: FileLock = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Prepare the lock, without taking it."""
        object.__setattr__(self, "_lock", FileLock(self.path / "run.lock", timeout=0))

    @classmethod
    def create(cls, root: Path, name: str, *, recipe: str, info: Mapping[str, Any]) -> "RunFolder":
        """Make the folder of a new run.

        Raises:
            VaelError: The name is no plain folder name, is taken, or the folder cannot be written.
        """
        if not name or Path(name).name != name or name.startswith("."):
            raise VaelError(f"a run name expects a plain folder name, got '{name}': use letters, digits, '-' and '_'")
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
    def open(cls, run: str | Path, *, root: Path | None = None) -> "RunFolder":
        """Open the folder of a run, given by path or by its name under `root`.

        Raises:
            VaelError: No such run (the closest name is shown), no run folder, or one of a newer version.
        """
        path = Path(run)
        if not path.is_dir() and root is not None and (root / run).is_dir():
            path = root / run
        if not path.is_dir():
            names = [folder.path.name for folder in list_runs(root)] if root else []
            if names:
                raise unknown_name("run", str(run), names)
            raise VaelError(f"no run at {path}: 'vael runs' lists what there is, 'vael train' makes one")
        folder = cls(path)
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
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
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
        status = str(self.info().get("status", "unknown"))
        if status != "running":
            return status
        return "running" if self._is_locked() else "killed"

    def _is_locked(self) -> bool:
        if not (self.path / "run.lock").exists():
            return False
        try:
            with FileLock(self.path / "run.lock", timeout=0):
                return False
        except Timeout:
            return True
        except OSError:  # a read-only copy: nobody trains here
            return False

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one training process; the lock goes with the process.

        Raises:
            VaelError: Another process trains into this folder.
        """
        try:
            self._lock.acquire()
        except Timeout:
            raise VaelError(
                f"another process is training into {self.path}: wait for it, or choose another --name"
            ) from None
        try:
            yield
        finally:
            self._lock.release()

    def append(self, record: Record) -> None:
        """Append one record to metrics.jsonl and, for training records, timings.jsonl."""
        _append_line(self.path / "metrics.jsonl", record.metrics())
        if record.seconds:
            _append_line(self.path / "timings.jsonl", record.timings())

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
        """Read metrics.jsonl; a half-written last line is left out."""
        return _read_lines(self.path / "metrics.jsonl")

    def timings(self) -> list[dict[str, Any]]:
        """Read timings.jsonl; a half-written last line is left out."""
        return _read_lines(self.path / "timings.jsonl")


def list_runs(root: Path) -> list[RunFolder]:
    """List the run folders under `root`, oldest first."""
    found = [path.parent for path in root.glob("*/run.json")]
    return [RunFolder(path) for path in sorted(found, key=lambda path: ((path / "recipe.toml").stat().st_mtime, path))]


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


def _append_line(path: Path, record: Mapping[str, Any]) -> None:
    try:
        with path.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(record) + "\n")
    except OSError as error:
        raise VaelError(f"cannot append to {path}: {error.strerror or error}; the last checkpoint is kept") from error


def _read_lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    records = []
    for line in lines:
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(record, dict):
            records.append(record)
    return records
