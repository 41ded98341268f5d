"""The sides of a comparison, each a worker process with an interpreter of its own."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from peers import PEERS_ROOT, peer_python

__all__ = ["GROUPS", "SIDES", "WAIT_POLICIES", "Side", "SideFailedError", "Worker", "expand_sides", "start_workers"]

WORKERS_ROOT = Path(__file__).resolve().parent / "workers"
ANSWER_TIMEOUT_SECONDS = 900.0

# How OpenMP's threads wait at a barrier. `system` leaves the default: they spin for some milliseconds, then sleep. That
# is the fastest while nobody else runs (pythae: 3.0 s an epoch, 4.9 s with `passive`), and an idle side uses no
# processor. On a busy machine they take the processor from the thread they wait for, and single epochs last minutes;
# `passive` withstands that, but it is no fair measure: it slows the sides most that have many small operations.
WAIT_POLICIES: dict[str, dict[str, str]] = {"system": {}, "passive": {"OMP_WAIT_POLICY": "PASSIVE"}}


@dataclass(frozen=True)
class Side:
    """One row of the table: what it is, which script runs it, in whose environment."""

    name: str
    script: str
    says: str
    peer: str | None = None
    precision: str = "float32"

    @property
    def python(self) -> Path:
        """The interpreter: the peer's own, or the one that runs this benchmark."""
        return peer_python(self.peer) if self.peer else Path(sys.executable)


SIDES = {
    side.name: side
    for side in (
        Side("vael", "vael_side.py", "this library"),
        Side("tutorial", "tutorial_side.py", "the tutorials' loop: per-image loader with one worker, plain Adam"),
        Side("pythae", "pythae_side.py", "pythae's VAE and BaseTrainer", peer="pythae"),
        Side("jax", "jax_side.py", "jitted lax.scan over the epoch, optax Adam", peer="jax"),
        Side("floor-highest", "floor_side.py", "five products alone, float32 'highest'", precision="float32-highest"),
        Side("floor-medium", "floor_side.py", "five products alone, float32 'medium'", precision="float32-medium"),
        Side("floor-bfloat16", "floor_side.py", "five products alone, bfloat16", precision="bfloat16"),
    )
}
GROUPS = {"floor": ("floor-highest", "floor-medium", "floor-bfloat16")}


class SideFailedError(Exception):
    """A side did not start or did not finish; the message says why."""


def expand_sides(names: list[str]) -> list[Side]:
    """Return the sides of `names`, groups opened and doubles dropped; raise KeyError with an unknown name."""
    opened = [name for group in names for name in GROUPS.get(group, (group,))]
    return [SIDES[name] for name in dict.fromkeys(opened)]


@dataclass
class Worker:
    """A running side. `ask` sends one line and waits for its answer."""

    side: Side
    process: subprocess.Popen[str]
    log: Any
    ready: dict[str, Any] = field(default_factory=dict)

    def wait_until_ready(self) -> None:
        """Wait for the side's first line; raise SideFailedError where it never comes."""
        self.ready = self._read()

    def ask(self, command: str) -> dict[str, Any]:
        """Send `command` and return the answer; raise SideFailedError where the side has died."""
        assert self.process.stdin
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
        return self._read()

    def stop(self) -> None:
        """End the process, kindly at first."""
        with contextlib.suppress(BrokenPipeError, subprocess.TimeoutExpired):
            self.process.communicate("quit\n", timeout=10)
        self.process.kill()
        self.process.wait()
        self.log.close()

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout
        watchdog = threading.Timer(ANSWER_TIMEOUT_SECONDS, self.process.kill)
        watchdog.start()
        line = self.process.stdout.readline()
        watchdog.cancel()
        if not line:
            raise SideFailedError(self._last_words())
        return json.loads(line)

    def _last_words(self) -> str:
        status = self.process.wait()
        self.log.seek(0)
        lines = [line.strip() for line in self.log.read().splitlines() if line.strip()]
        return lines[-1] if lines else f"the worker ended with status {status}"


def start_workers(
    sides: list[Side], *, network: str, threads: int, data_root: Path, seed: int, wait_policy: str
) -> tuple[list[Worker], dict[str, str]]:
    """Start every side at once; return those that got ready and the reasons of those that did not."""
    options = ["--network", network, "--threads", str(threads), "--data-root", str(data_root), "--seed", str(seed)]
    counts = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    environment = {**counts, **WAIT_POLICIES[wait_policy]}
    started: list[Worker] = []
    skipped: dict[str, str] = {}
    for side in sides:
        if side.python.exists():
            started.append(_start(side, options, environment))
        else:
            where = side.python.relative_to(PEERS_ROOT.parent)
            skipped[side.name] = f"no {where}: run `python benchmarks/peers.py {side.peer}`"
    workers = [worker for worker in started if _got_ready(worker, skipped)]
    return workers, skipped


def _start(side: Side, options: list[str], environment: dict[str, str]) -> Worker:
    command = [str(side.python), str(WORKERS_ROOT / side.script), *options, "--precision", side.precision]
    log = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115 (the worker writes to it until it stops)
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        env={**os.environ, **environment},
    )
    return Worker(side, process, log)


def _got_ready(worker: Worker, skipped: dict[str, str]) -> bool:
    try:
        worker.wait_until_ready()
    except SideFailedError as error:
        skipped[worker.side.name] = str(error)
        worker.stop()
        return False
    return True
