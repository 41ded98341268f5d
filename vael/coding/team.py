"""Threads that work on parts of a batch side by side, and meet where there is one message.

Each computes in one thread of torch: threads that torch starts inside one operation wait for each other spinning, and
where anything else is at work on the machine each operation then waits for the slowest of them.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self, TypeVar

import torch

__all__ = ["Meet", "Team"]

T = TypeVar("T")
MOST = 4  # the interpreter's lock is one, and two threads are worth 1.2 to 1.6 already; more than two were not measured

Meet = Callable[[Any, Callable[[list[Any]], Sequence[Any]]], Any]
"""Hand a value in and wait for the others; one thread makes of all values, in order, all results; each gets its own."""


class Team:
    """A few threads, for as long as the `with` block lasts.

    Arguments:
        size: How many, ≥ 1; as many as torch has threads and at most four, unless given.
    """

    def __init__(self, size: int | None = None) -> None:
        self.size = size or min(torch.get_num_threads(), MOST)

    def __enter__(self) -> Self:
        self.before = torch.get_num_threads()
        self.pool = ThreadPoolExecutor(self.size, initializer=torch.set_num_threads, initargs=(1,))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        self.pool.shutdown()
        torch.set_num_threads(self.before)  # what a thread sets for itself is what threads yet to come begin with

    def work(self, job: Callable[[int, Meet], T], count: int) -> list[T]:
        """Call `job(i, meet)` for each i < `count` ≤ `size`, all at once; return what they return.

        All jobs must meet equally often. Where one fails, the others end at their next meeting.
        """
        table = _Table(count)
        futures = [self.pool.submit(table.seat, job, i) for i in range(count)]
        errors = [error for error in map(Future.exception, futures) if error is not None]
        for error in sorted(errors, key=lambda error: isinstance(error, threading.BrokenBarrierError)):
            raise error
        return [future.result() for future in futures]


class _Table:
    def __init__(self, count: int) -> None:
        self.values: list[Any] = [None] * count
        self.results: Sequence[Any] = ()
        self.act: Callable[[list[Any]], Sequence[Any]] = list
        self.barrier = threading.Barrier(count, action=self._act)

    def _act(self) -> None:
        self.results = self.act(self.values)

    def seat(self, job: Callable[[int, Meet], T], index: int) -> T:
        def meet(value: Any, act: Callable[[list[Any]], Sequence[Any]]) -> Any:
            self.values[index], self.act = value, act
            self.barrier.wait()
            return self.results[index]  # no other results come before all have met again

        try:
            return job(index, meet)
        except BaseException:
            self.barrier.abort()
            raise
