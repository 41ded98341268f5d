"""What a sweep found: the best trial, the recipe that retrains it, what mattered; and the files that say so."""

import csv
import io
import json
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vael.errors import VaelError
from vael.evaluation import Evaluation
from vael.experiments import load
from vael.figures import THEMES, save_figure
from vael.figures.search import draw_search
from vael.recipe import Recipe
from vael.runs import atomic_path, write_atomically
from vael.sweeps.plan import Sweep
from vael.sweeps.store import Store, Trial
from vael.sweeps.study import quiet

__all__ = ["SweepResult", "best_of", "conclude"]

FEWEST = 20  # trials to judge importance by: the best tenth must be two at least
WORST = -1e30  # nats: the bound that a trial which diverged is ranked with


@dataclass(frozen=True)
class SweepResult:
    """Hold what a sweep found.

    Arguments:
        path: The sweep's folder.
        trials: All trials, by number.
        best: The finished trial with the best validation bound.
        recipe: The recipe that retrains it, on all the examples that the searched recipe trains on.
        test: The best trial's weights on the test split, measured once; None where the data have none.
        stated: What the searched recipe itself says, by path, where the space holds it.
        importance: By path, its share in whether a trial is among the best tenth; sums to 1, empty for few trials.
    """

    path: Path
    trials: tuple[Trial, ...]
    best: Trial
    recipe: Recipe
    test: Evaluation | None
    stated: dict[str, Any]
    importance: dict[str, float]

    @property
    def run_path(self) -> Path:
        """The run folder of the best trial."""
        return self.path / "trials" / f"{self.best.number:03d}"

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it, the trials counted by state."""
        states = [trial.state for trial in self.trials]
        return {
            "sweep": str(self.path),
            "trials": {state: states.count(state) for state in dict.fromkeys(states)},
            "best": {**asdict(self.best), "run": str(self.run_path)},
            "test": None if self.test is None else self.test.as_dict(),
            "importance": self.importance,
        }


def conclude(store: Store) -> SweepResult:
    """Choose the best trial by its validation bound, measure it on the test split and write everything down.

    Raises:
        VaelError: No trial came to its end, or a file cannot be written.
    """
    sweep, trials = store.sweep, tuple(store.trials())
    best = best_of(trials)
    _write_table(sweep, trials)
    if best is None:
        reason = next((trial.reason for trial in reversed(trials) if trial.reason), "there was no time for one")
        raise VaelError(f"no trial of {sweep.path} came to its end (the last: {reason}): run the same command again")
    recipe = _best_recipe(sweep, best, len(trials))
    stated = sweep.space.stated(sweep.recipe)
    result = SweepResult(sweep.path, trials, best, recipe, _measure(sweep, best), stated, importance(store))
    write_atomically(sweep.path / "best.toml", result.recipe.to_toml().encode())
    content = json.dumps(result.as_dict(), indent=2, ensure_ascii=False) + "\n"
    write_atomically(sweep.path / "result.json", content.encode())
    _draw(result)
    return result


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """Return the finished trial with the best validation bound, the first of equals; None where none is finished."""
    finished = [trial for trial in trials if trial.state == "finished"]
    return max(finished, key=lambda trial: trial.elbo_nats or float("-inf"), default=None)


def importance(store: Store) -> dict[str, float]:
    """Return each path's share in whether a trial is among the best tenth (PED-ANOVA), the largest first.

    It goes by ranks alone, so a pruned trial counts with the bound it had, and one that diverged as the worst.
    Reference: Watanabe, Bansal & Hutter 2023, https://arxiv.org/abs/2304.10255.
    """
    import optuna

    with quiet():
        ranked = optuna.create_study(direction="maximize", storage=optuna.storages.InMemoryStorage())
    known = {trial.number: trial for trial in store.study.get_trials(deepcopy=False)}
    for row in store.trials():
        if row.is_settled and row.params:
            value = WORST if row.elbo_nats is None else row.elbo_nats
            trial = known[row.number]
            distributions = trial.distributions
            ranked.add_trial(optuna.create_trial(params=trial.params, distributions=distributions, value=value))
    if len(ranked.trials) < FEWEST:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        shares = optuna.importance.get_param_importances(ranked, evaluator=evaluator)
    return {path: float(share) for path, share in sorted(shares.items(), key=lambda item: -item[1])}


def _best_recipe(sweep: Sweep, best: Trial, count: int) -> Recipe:
    title = f"{sweep.recipe.title}, the best of {count} trials" if sweep.recipe.title else f"The best of {count} trials"
    bound = f"ELBO {best.elbo_nats:.2f} nats on the validation split, which chose it"
    reference = f"Found by a sweep: trial {best.number}, {bound}."
    return sweep.found_recipe(best.params, title=title, reference=reference)


def _measure(sweep: Sweep, best: Trial) -> Evaluation | None:
    """Evaluate the best trial's weights on the test split, one draw an example as at the end of a training."""
    if not sweep.has_test:
        return None
    run = load(sweep.trial_path(best.number), data_root=sweep.data_root)
    return run.evaluate("test", num_samples=1)


def _write_table(sweep: Sweep, trials: tuple[Trial, ...]) -> None:
    paths = list(sweep.space.varied)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["trial", "state", "elbo_nats", "epochs", "seconds", *paths, "reason"])
    for trial in trials:
        head = [trial.number, trial.state, trial.elbo_nats, trial.epochs, trial.seconds]
        writer.writerow([*head, *(trial.params.get(path) for path in paths), trial.reason])
    write_atomically(sweep.path / "trials.csv", text.getvalue().encode())


def _draw(result: SweepResult) -> None:
    """Draw the course of the bound and what mattered, in both themes."""
    judged = [trial for trial in result.trials if trial.elbo_nats is not None and trial.is_settled]
    numbers = np.array([trial.number for trial in judged])
    bounds = np.array([trial.elbo_nats for trial in judged], dtype=np.float64)
    finished = np.array([trial.state == "finished" for trial in judged])
    for theme in THEMES:
        figure = draw_search(numbers, bounds, finished, importance=result.importance, theme=theme)
        ending = "" if theme == "light" else f"-{theme}"
        with atomic_path(result.path / "figures" / f"search{ending}.png") as temporary:
            save_figure(figure, temporary)
