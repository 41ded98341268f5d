"""The conversation between the benchmark and a worker: one line of JSON for each line of text.

The worker loads its data, builds its model and prints a line with `"ready": true`, its versions and its precision.
Then it answers:

    epoch   train one epoch      {"seconds", "train_loss", "images", …}
    test    score the test set   {"test_loss"}     null where the side has none
    quit    end

`seconds` is taken here, by the same stopwatch for every side. An epoch's answer also holds `cpu_seconds` (processor
time of this process), `idle_seconds` and `idle_cpu_seconds` (time since the last answer, and the processor time burnt
in it: it shows a side that disturbs the others by spinning), `peak_mib` and `children_peak_mib`.
"""

import argparse
import json
import os
import platform
import resource
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

__all__ = ["Options", "Side", "serve"]


@dataclass(frozen=True)
class Options:
    """What the orchestrator asks of a worker."""

    network: str
    threads: int
    precision: str
    data_root: Path
    seed: int


class Side(ABC):
    """One way of training a network, epoch by epoch. Building it does all that need not be repeated per epoch."""

    images: int

    @abstractmethod
    def train_epoch(self) -> float:
        """Train on every image once and return the mean loss per image, or NaN where there is none."""

    @abstractmethod
    def test_loss(self) -> float | None:
        """Return cross-entropy or half squared error + rate per test image (one posterior sample), or None."""

    @abstractmethod
    def describe(self) -> dict[str, str]:
        """Return versions and precision in words, for the report."""


def serve(build: Callable[[Options], Side]) -> None:
    """Build a side and answer the orchestrator's lines until `quit` or the end of the input."""
    start = time.perf_counter()
    answers = _claim_stdout()
    side = build(_parse_options())
    about = {"python": platform.python_version(), "cpus": str(len(os.sched_getaffinity(0))), **side.describe()}
    ready = {"ready": True, "startup_seconds": time.perf_counter() - start, "about": about}
    print(json.dumps(ready), file=answers, flush=True)
    asleep_since = _Moment.now()
    for line in sys.stdin:
        command = line.strip()
        if command == "quit":
            break
        answer = _timed_epoch(side, asleep_since) if command == "epoch" else {"test_loss": side.test_loss()}
        asleep_since = _Moment.now()
        print(json.dumps(answer), file=answers, flush=True)


@dataclass(frozen=True)
class _Moment:
    """Seconds on the clock and seconds of processor time."""

    clock: float
    cpu: float

    @classmethod
    def now(cls) -> "_Moment":
        return cls(time.perf_counter(), time.process_time())


def _timed_epoch(side: Side, asleep_since: _Moment) -> dict[str, float]:
    start = _Moment.now()
    train_loss = side.train_epoch()
    end = _Moment.now()
    return {
        "seconds": end.clock - start.clock,
        "train_loss": train_loss,
        "images": side.images,
        "cpu_seconds": end.cpu - start.cpu,
        "idle_seconds": start.clock - asleep_since.clock,
        "idle_cpu_seconds": start.cpu - asleep_since.cpu,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "children_peak_mib": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
    }


def _claim_stdout() -> TextIO:
    """Keep standard output for answers alone: what libraries print goes to standard error from now on."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


def _parse_options() -> Options:
    parser = argparse.ArgumentParser()
    parser.add_argument("--network", default="basic")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--data-root", type=Path, default=Path(os.environ.get("VAEL_DATA", ".")))
    parser.add_argument("--seed", type=int, default=0)
    return Options(**vars(parser.parse_args()))
