"""Trainings that the studio starts: processes of their own, the same command that a user would type.

They outlive the studio: closing it stops no training, and a training that dies takes nothing with it.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from vael.errors import VaelError
from vael.recipe import Recipe
from vael.runs import RunFolder
from vael.runs.moving import check_name

__all__ = ["Trainings"]

POLL = 0.1  # seconds
PATIENCE = 600.0  # seconds until a training must have made its folder; reading a large data set comes before that


@dataclass
class Trainings:
    """Start trainings into one runs folder and remember their last words.

    Arguments:
        root: The folder that holds the runs.
        data_root: Where trainings look for data first.
    """

    root: Path
    data_root: Path | None = None
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def start(self, recipe: Recipe, name: str) -> None:
        """Train a recipe into the run `name`; return when its folder is there.

        Raises:
            VaelError: A name that is none or taken, and what `vael train` refuses, in its own words.
        """
        check_name(name)
        if os.path.lexists(self.root / name):  # seen here: the folder that is waited for would be the other run's
            raise VaelError(f"run name '{name}' is taken in {self.root}: choose another")
        with tempfile.TemporaryDirectory(prefix="vael-studio-") as folder:
            path = Path(folder) / "recipe.toml"
            path.write_text(recipe.to_toml(), encoding="utf-8")
            words = ["train", "--recipe", str(path), f"--name={name}"]  # one word, so that a name may begin with a dash
            self._launch(words, (self.root / name / "run.json").exists)

    def resume(self, folder: RunFolder, epochs: int | None) -> None:
        """Go on with a run; return when it is running.

        Raises:
            VaelError: What `vael resume` refuses, in its own words.
        """
        if folder.status() == "running":
            raise VaelError(f"run {folder.name} is being trained already: stop it first, or wait for it")
        more = [] if epochs is None else ["--epochs", str(epochs)]
        self._launch(["resume", str(folder.path), *more], lambda: folder.status() == "running")

    def _launch(self, words: Sequence[str], has_begun: Callable[[], bool]) -> None:
        places = ["--runs", str(self.root), "--quiet"]
        places += [] if self.data_root is None else ["--data-root", str(self.data_root)]
        command = [sys.executable, "-m", "vael", *words, *places]
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, start_new_session=True
            )
            self._remember(process)
            self._wait(process, said, has_begun)

    def _wait(self, process: "subprocess.Popen[bytes]", said: IO[bytes], has_begun: Callable[[], bool]) -> None:
        """Wait until a training has begun, or has ended before it could."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            code = process.poll()
            if code == 0 or has_begun():
                return
            if code is not None:
                raise VaelError(_last_words(said) or f"the training ended with code {code} before it began")
            time.sleep(POLL)
        raise VaelError(f"the training has not begun after {PATIENCE:.0f} s; it goes on reading its data")

    def _remember(self, process: "subprocess.Popen[bytes]") -> None:
        """Keep the process, and let go of those that have ended."""
        with self._lock:
            self._processes = [other for other in self._processes if other.poll() is None] + [process]

    def tidy(self) -> int:
        """Let go of the processes that have ended, so that none stays behind as a zombie; return how many go on."""
        with self._lock:
            self._processes = [other for other in self._processes if other.poll() is None]
            return len(self._processes)


def _last_words(said: IO[bytes]) -> str:
    """Return the last line that a process wrote, without the name of the command in front."""
    said.seek(0)
    lines = said.read().decode("utf-8", errors="replace").strip().splitlines()
    return lines[-1].removeprefix("vael: ").removeprefix("error: ") if lines else ""
