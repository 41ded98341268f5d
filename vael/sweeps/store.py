"""The storage of a sweep's trials: Optuna's study, asked for the next trial under a lock, told what came of each.

A journal in the sweep's folder, or an SQL address, holds it. Every process that trains holds a lock of its own, which
goes with it however it ends: a trial whose process is gone is marked failed and its settings are tried again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from vael.errors import VaelError
from vael.sweeps.plan import Sweep
from vael.sweeps.study import distributions_of, open_study, sampler_of
from vael.sweeps.worker import Worker, is_alive

if TYPE_CHECKING:
    import optuna

__all__ = ["Store", "Trial"]

MOST_ATTEMPTS = 3  # of settings whose process dies: they may be why
STOPPED, LOST = "stopped on its way", "its process is gone"
SETTLED = ("finished", "pruned", "diverged", "refused", "failed")


@dataclass(frozen=True)
class Trial:
    """Hold what came of one trial.

    Arguments:
        number: From 0; the name of its run folder.
        state: finished; pruned (worse than others at the same epoch); diverged (a number was not finite); refused (its
            settings do not fit together); failed (its process died each time); retried (as another trial); running;
            waiting.
        elbo_nats: The best validation bound it reached; None where it was never judged.
        epochs: How many epochs were judged.
        seconds: From its beginning to its end; None while it runs.
        params: What was varied, by path: numbers and words, lists as JSON.
        reason: Why it has no result.
    """

    number: int
    state: str
    elbo_nats: float | None
    epochs: int
    seconds: float | None
    params: Mapping[str, Any]
    reason: str = ""

    @property
    def is_settled(self) -> bool:
        """Whether it counts among the trials that were asked for and will not change."""
        return self.state in SETTLED


class Store:
    """Ask for trials and keep what came of them.

    Arguments:
        sweep: Whose trials.

    Raises:
        VaelError: Optuna is not installed, or the storage cannot be opened.
    """

    def __init__(self, sweep: Sweep) -> None:
        self.sweep = sweep
        self._lock = FileLock(sweep.path / ".ask.lock")
        with self._lock:
            self.study = open_study(sweep)
            if not self.study.get_trials(deepcopy=False):
                _refuse_leftovers(sweep)
                self._enqueue(sweep.space.stated(sweep.recipe), attempt=1)

    def take(self, worker: "Worker", *, limit: int) -> "optuna.Trial | None":
        """Take the next trial; None where `limit` trials are settled or in the hands of others.

        Raises:
            optuna.exceptions.StorageInternalError: The storage cannot be reached (see `in_one_line`).
        """
        with self._lock:
            self._retry_lost(worker)
            states = [trial.state for trial in self.trials()]
            if sum(state in SETTLED or state == "running" for state in states) >= limit:
                return None
            self.study.sampler = sampler_of(self.sweep, len(states))
            trial = self.study.ask(distributions_of(self.sweep))
            trial.set_user_attr("worker", worker.name)
            return trial

    def tell(self, trial: "optuna.Trial", state: str, *, elbo: float | None = None, reason: str = "") -> None:
        """Write down how a trial ended: finished (with its bound), pruned, diverged or refused."""
        from optuna.trial import TrialState

        trial.set_user_attr("state", state)
        trial.set_user_attr("reason", reason)
        is_finished = state == "finished"
        self.study.tell(
            trial.number, elbo if is_finished else None, TrialState.COMPLETE if is_finished else TrialState.PRUNED
        )

    def give_back(self, trial: "optuna.Trial") -> None:
        """Let the settings of a trial that was stopped on its way be tried again; one that was told stays as it is."""
        with self._lock:
            if any(row.number == trial.number and row.state == "running" for row in self.trials()):
                trial.set_user_attr("reason", STOPPED)
                self._fail(trial.number, trial.params, attempt=1)

    def trials(self) -> list[Trial]:
        """Return all trials by number."""
        return [_row(trial) for trial in self.study.get_trials(deepcopy=False)]

    def _retry_lost(self, worker: "Worker") -> None:
        """Fail the running trials whose process is gone, and try their settings again."""
        from optuna.trial import TrialState

        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            name = trial.user_attrs.get("worker")
            if name is None or (name != worker.name and not is_alive(self.sweep, name)):
                self._fail(trial.number, trial.params, attempt=_attempt_of(trial) + 1)

    def _fail(self, number: int, params: Mapping[str, Any], *, attempt: int) -> None:
        """End a trial without a result; its settings wait for another attempt, if there is one left."""
        from optuna.trial import TrialState

        if attempt <= MOST_ATTEMPTS:
            self._enqueue(params, attempt=attempt)
        self.study.tell(number, state=TrialState.FAIL)

    def _enqueue(self, params: Mapping[str, Any], *, attempt: int) -> None:
        if params:
            self.study.enqueue_trial(dict(params), user_attrs={"attempt": attempt})


def _attempt_of(trial: "optuna.trial.FrozenTrial") -> int:
    return int(trial.user_attrs.get("attempt", 1))


def _row(trial: "optuna.trial.FrozenTrial") -> Trial:
    state, reason = _state_of(trial)
    bounds = trial.intermediate_values.values()
    seconds = None if trial.duration is None else trial.duration.total_seconds()
    return Trial(trial.number, state, max(bounds, default=None), len(bounds), seconds, dict(trial.params), reason)


def _state_of(trial: "optuna.trial.FrozenTrial") -> tuple[str, str]:
    """Return the state of a trial in the words of `Trial`, and the reason where it has no result."""
    state, told = trial.state.name.lower(), trial.user_attrs
    if state == "fail":
        is_last = "reason" not in told and _attempt_of(trial) >= MOST_ATTEMPTS
        return "failed" if is_last else "retried", told.get("reason", LOST)
    return (told.get("state", state), told.get("reason", "")) if trial.state.is_finished() else (state, "")


def _refuse_leftovers(sweep: Sweep) -> None:
    if any((sweep.path / "trials").glob("*")):
        raise VaelError(
            f"{sweep.path}/trials holds runs that the storage does not know: choose another --name, or remove them"
        )
