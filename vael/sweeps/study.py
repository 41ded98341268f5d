"""Optuna's side of a sweep: where its study is kept, how it samples and how it prunes.

Optuna is imported when one is opened. Lists of a recipe stand in the study as JSON.
"""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vael.errors import VaelError
from vael.sweeps.plan import Sweep
from vael.sweeps.space import Choices, Range

if TYPE_CHECKING:
    import optuna

__all__ = ["distributions_of", "in_one_line", "open_study", "pruner_of", "quiet", "sampler_of"]

SEEDS_APART = 100_003  # more than a sweep has trials: each draws from a seed of its own
STARTUP = 10  # trials at random, before the sampler has something to go by


def open_study(sweep: Sweep) -> "optuna.Study":
    """Open a sweep's study, or make it.

    Raises:
        VaelError: Optuna is not installed, the storage cannot be used, or it holds another sweep of the name.
    """
    try:
        import optuna
    except ImportError:
        raise VaelError("a sweep needs optuna: pip install 'vael[sweep]'") from None
    try:
        with in_one_line(), quiet():
            study = optuna.create_study(
                storage=_open_storage(sweep),
                study_name=sweep.name,
                direction="maximize",
                pruner=pruner_of(sweep),
                load_if_exists=True,
            )
    except (ImportError, KeyError, ValueError) as error:  # a driver that is missing; a journal that is none
        said = str(error).splitlines()[0]
        raise VaelError(f"the storage of {sweep.path} cannot be read ({said}): choose another --name") from error
    if study.user_attrs.setdefault("sweep", sweep.identity) != sweep.identity:
        raise VaelError(f"the storage holds another sweep called '{sweep.name}': choose another --name")
    study.set_user_attr("sweep", sweep.identity)
    return study


def _open_storage(sweep: Sweep) -> Any:
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import JournalFileBackend

    if sweep.storage is None:
        path = sweep.path / "journal.log"
        _cut_half_line(path)
        return JournalStorage(JournalFileBackend(str(path)))
    patience = {"connect_args": {"timeout": 60}} if sweep.storage.startswith("sqlite") else {}
    return RDBStorage(sweep.storage, engine_kwargs=patience)


def _cut_half_line(path: Path) -> None:
    """Cut what a process that was killed while it wrote has left behind the last whole line."""
    if not path.exists() or path.read_bytes()[-1:] in (b"", b"\n"):
        return
    from optuna.storages.journal import JournalFileSymlinkLock

    lock = JournalFileSymlinkLock(str(path))
    lock.acquire()
    try:
        os.truncate(path, path.read_bytes().rfind(b"\n") + 1)
    finally:
        lock.release()


@contextmanager
def in_one_line() -> Iterator[None]:
    """Turn what a database says into one line.

    Raises:
        VaelError: The storage cannot be opened, read or written.
    """
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith(("sqlalchemy.", "optuna.exceptions")):
            raise
        said = str(error).splitlines()[0]
        raise VaelError(f"the sweep's storage cannot be used ({said}): try --storage sqlite:///sweep.db") from error


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Optuna's news to itself, and let its level be what it was."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def sampler_of(sweep: Sweep, number: int) -> "optuna.samplers.BaseSampler":
    """Return the sampler of one trial: its draws follow from the recipe's seed and the trial's number alone."""
    from optuna.samplers import TPESampler

    seed = (sweep.recipe.training.seed * SEEDS_APART + number) % 2**32
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is experimental in one of Optuna's versions is not in the next
        return TPESampler(multivariate=True, constant_liar=True, n_startup_trials=STARTUP, seed=seed)


def pruner_of(sweep: Sweep) -> "optuna.pruners.BasePruner":
    """Keep the best third after a ninth of the epochs, and the best third of those after a third of them."""
    from optuna.pruners import SuccessiveHalvingPruner

    return SuccessiveHalvingPruner(min_resource=max(1, -(-sweep.recipe.training.epochs // 9)), reduction_factor=3)


def distributions_of(sweep: Sweep) -> dict[str, Any]:
    """Return what varies, by path, in Optuna's words."""
    return {path: _distribution(choice) for path, choice in sweep.space.varied.items()}


def _distribution(choice: Range | Choices) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(choice, Choices):
        return CategoricalDistribution(choice.labels)
    if choice.is_integer:
        return IntDistribution(int(choice.low), int(choice.high), log=choice.log, step=int(choice.step or 1))
    return FloatDistribution(float(choice.low), float(choice.high), log=choice.log, step=choice.step)
