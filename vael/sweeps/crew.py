"""Several processes on one sweep: each takes trials from the storage, with its share of the machine's cores."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import IO

from vael.errors import VaelError
from vael.sweeps.plan import Sweep
from vael.sweeps.work import Budget

__all__ = ["run_crew", "threads_for"]

POLL = 0.2  # seconds
PATIENCE = 60.0  # seconds for a process to end its step and give its trial back
ASKED = (0, 130)  # exit codes of processes that ended of themselves, or were asked to


@dataclass(frozen=True)
class _Member:
    process: "subprocess.Popen[bytes]"
    said: IO[bytes]


def threads_for(jobs: int) -> int:
    """Return the threads of each of several processes: the cores divided, so that none waits for another's.

    Threads of more processes than cores spin while they wait for each other (docs/log.md, "Waiting threads").
    """
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # only Linux says which cores are ours
        cores = os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(cores // jobs, int(asked) if asked.isdigit() else cores))


def run_crew(sweep: Sweep, budget: Budget, *, jobs: int) -> Generator[None, None, None]:
    """Let `jobs` processes train; yield a few times a second until all have ended.

    They end too where this process goes, however it goes.

    Raises:
        VaelError: A process ended with an error, in its own words; the others have done the rest.
    """
    crew = [_launch(sweep, budget, threads_for(jobs)) for _ in range(jobs)]
    is_asked = False
    try:
        while any(member.process.poll() is None for member in crew):
            if budget.should_stop() and not is_asked:
                _ask_to_end(crew)
                is_asked = True
            time.sleep(POLL)
            yield
    finally:
        _end(crew)
    failed = [_last_words(member) for member in crew if member.process.returncode not in ASKED]
    for member in crew:
        member.said.close()
    if failed:
        raise VaelError(failed[0])


def _launch(sweep: Sweep, budget: Budget, threads: int) -> _Member:
    words = [str(sweep.path), str(budget.trials), str(budget.deadline or 0), str(os.getpid())]
    words += [] if sweep.data_root is None else [str(sweep.data_root)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    said = tempfile.TemporaryFile()  # noqa: SIM115 (it is read when the process has ended)
    process = subprocess.Popen(
        [sys.executable, "-m", "vael.sweeps", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=said,
        env=environment,
        start_new_session=True,  # Ctrl-C reaches this process alone, which asks them in its turn
    )
    return _Member(process, said)


def _ask_to_end(crew: list[_Member]) -> None:
    for member in crew:
        if member.process.poll() is None:
            member.process.send_signal(signal.SIGINT)


def _end(crew: list[_Member]) -> None:
    """Ask those that go on to end, and wait for them."""
    _ask_to_end(crew)
    deadline = time.monotonic() + PATIENCE
    for member in crew:
        try:
            member.process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            member.process.kill()
            member.process.wait()


def _last_words(member: _Member) -> str:
    """Return the last line that a process wrote."""
    member.said.seek(0)
    lines = member.said.read().decode("utf-8", errors="replace").strip().splitlines()
    if lines:
        return lines[-1].removeprefix("vael: ")
    code = member.process.returncode
    how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
    return f"a process of the sweep {how}: run the same command again to go on, with fewer --jobs if memory was short"
