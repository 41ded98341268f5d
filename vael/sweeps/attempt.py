"""One trial: train its recipe, report the validation bound at every epoch, stop where others were better."""

import shutil
from collections.abc import Callable
from math import isfinite
from typing import TYPE_CHECKING

from vael.errors import VaelError
from vael.experiments import Experiment
from vael.experiments.describe import describe_parts
from vael.experiments.parts import Parts
from vael.runs import RunFolder
from vael.sweeps.plan import Sweep
from vael.sweeps.store import Store
from vael.training import NonFinite

if TYPE_CHECKING:
    import optuna

__all__ = ["attempt"]


def attempt(store: Store, trial: "optuna.Trial", should_stop: Callable[[], bool]) -> None:
    """Train one trial into its run folder and tell the store how it ended.

    Arguments:
        store: Who is told.
        trial: Its settings.
        should_stop: Asked before every step; True gives the trial back, to be tried again.

    Raises:
        VaelError: The data are gone, or the disk is full: nothing that the settings are to blame for.
    """
    try:
        _attempt(store, trial, should_stop)
    except BaseException:
        store.give_back(trial)
        raise


def _attempt(store: Store, trial: "optuna.Trial", should_stop: Callable[[], bool]) -> None:
    sweep = store.sweep
    try:
        parts = Parts.build(sweep.trial_recipe(trial.params), sweep.data_root)
    except VaelError as error:
        store.tell(trial, "refused", reason=str(error))
        return
    experiment = Experiment(_make_folder(sweep, trial.number, parts), parts)
    race = _Race(trial, parts.plan.epochs)
    experiment.should_stop = lambda: race.is_lost or should_stop()
    try:
        for record in experiment.records():
            if record.split == "valid":
                race.report(record.epoch, record.values["elbo_nats"])
    except NonFinite as error:
        store.tell(trial, "diverged", reason=str(error))
        return
    if race.is_lost:
        _leave_light(experiment.folder, race)
        store.tell(trial, "pruned", reason=race.reason)
    elif experiment.stopped or race.best is None:
        store.give_back(trial)
    else:
        store.tell(trial, "finished", elbo=race.best)


def _make_folder(sweep: Sweep, number: int, parts: Parts) -> RunFolder:
    """Make a run folder that judges and shows itself on the validation split: the test split is none of its data."""
    info = describe_parts(parts)
    info["data"]["counts"].pop("test", None)
    path = sweep.trial_path(number)
    return RunFolder.create(path.parent, path.name, recipe=parts.recipe.to_toml(), info=info)


class _Race:
    """Follow a trial's validation bound and ask, at every epoch but the last, whether it is worth going on."""

    def __init__(self, trial: "optuna.Trial", epochs: int) -> None:
        self.trial, self.epochs = trial, epochs
        self.best: float | None = None
        self.is_lost, self.reason = False, ""

    def report(self, epoch: int, elbo: float) -> None:
        if not isfinite(elbo):
            self.is_lost, self.reason = True, f"the validation bound is {elbo} at epoch {epoch}"
            return
        self.best = elbo if self.best is None else max(self.best, elbo)
        self.trial.report(elbo, epoch)
        if epoch < self.epochs and self.trial.should_prune():
            self.is_lost, self.reason = True, f"pruned at epoch {epoch}: ELBO {elbo:.2f} nats, others were better"


def _leave_light(folder: RunFolder, race: _Race) -> None:
    """Say in a pruned run why it ended, and let go of its checkpoint, which is most of its bytes."""
    folder.update_info(reason=race.reason)
    folder.note(race.reason)
    shutil.rmtree(folder.path / "checkpoints", ignore_errors=True)
