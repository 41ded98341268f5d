"""Search: open a sweep, let trials be trained, and say what was found."""

import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

from vael.errors import VaelError
from vael.recipe import Recipe
from vael.sweeps.crew import run_crew
from vael.sweeps.plan import open_sweep
from vael.sweeps.result import SweepResult, best_of, conclude
from vael.sweeps.store import Store, Trial
from vael.sweeps.study import in_one_line
from vael.sweeps.work import Budget, News, work

__all__ = ["sweep"]

OnTrial = Callable[[Trial, Trial | None], None]
"""Takes a trial as it is settled, and the best of all so far."""


def sweep(
    recipe: str | Recipe,
    *,
    trials: int = 50,
    jobs: int = 1,
    minutes: float | None = None,
    on_trial: OnTrial | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    **options: Any,
) -> SweepResult:
    """Search a recipe's settings for the best validation bound; the same call goes on where one has ended.

    The test split is measured once, at the end, on the best trial alone.

    Arguments:
        recipe: A name of `vael recipes`, a file, or a `Recipe`.
        trials: Trials in all, those of earlier calls among them.
        jobs: Processes that train at once; 1 trains in this one.
        minutes: Stop training after so much time; None has no limit.
        on_trial: Called with each trial as it is settled, and the best of all so far.
        should_stop: Asked before every step; True stops and concludes, and a later call goes on.
        options: Those of `open_sweep`: `space`, `settings`, `name`, `storage`, `runs`, `data_root`.

    Raises:
        VaelError: What was asked for cannot be done, or no trial came to its end.
    """
    _check_effort(trials, jobs, minutes)
    deadline = None if minutes is None else time.time() + 60 * minutes
    opened = open_sweep(recipe, **options)
    with in_one_line():
        return _search(Store(opened), Budget(trials, deadline, should_stop), jobs, on_trial)


def _search(store: Store, budget: Budget, jobs: int, on_trial: OnTrial | None) -> SweepResult:
    news = News(store)
    trained = work(store, budget) if jobs == 1 else run_crew(store.sweep, budget, jobs=jobs)
    with closing(trained):
        for _ in trained:
            for trial in news.read():
                if on_trial is not None:
                    on_trial(trial, best_of(store.trials()))
    return conclude(store)


def _check_effort(trials: int, jobs: int, minutes: float | None) -> None:
    for name, value, least in (("trials", trials, 1), ("jobs", jobs, 1)):
        if value < least:
            raise VaelError(f"--{name} expects an integer ≥ {least}, got {value}")
    if minutes is not None and not minutes > 0:
        raise VaelError(f"--minutes expects a number > 0, got {minutes:g}")
