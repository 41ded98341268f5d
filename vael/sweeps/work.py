"""Take one trial after the other, until there are enough, the time is over, or somebody says stop."""

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from vael.sweeps.attempt import attempt
from vael.sweeps.store import Store, Trial
from vael.sweeps.worker import Worker

__all__ = ["Budget", "News", "work"]


@dataclass(frozen=True)
class Budget:
    """Say how long a sweep goes on.

    Arguments:
        trials: Trials in all, those of earlier commands among them.
        deadline: The time (seconds since the epoch, as `time.time` counts) at which training stops; None is never.
        should_stop: Asked before every step; True stops the training.
    """

    trials: int
    deadline: float | None = None
    should_stop: Callable[[], bool] = lambda: False

    def is_over(self) -> bool:
        """Whether time is over or somebody said stop."""
        return self.should_stop() or (self.deadline is not None and time.time() >= self.deadline)


class News:
    """Yield each settled trial once, whoever trained it; those that were settled before are no news."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.seen = {trial.number for trial in store.trials() if trial.is_settled}

    def read(self) -> Iterator[Trial]:
        """Yield what was settled since the last time."""
        for trial in self.store.trials():
            if trial.is_settled and trial.number not in self.seen:
                self.seen.add(trial.number)
                yield trial


def work(store: Store, budget: Budget) -> Generator[None, None, None]:
    """Train trials in this process; yield after each.

    Raises:
        VaelError: The data are gone, the disk is full, or the storage cannot be reached.
    """
    worker = Worker(store.sweep)
    with worker.alive():
        while not budget.is_over() and (trial := store.take(worker, limit=budget.trials)) is not None:
            attempt(store, trial, budget.is_over)
            yield
