"""Which verbs make sense for a run, by trying each on one example, and the options that fit it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from vael import tasks
from vael.coding import compress
from vael.data.corruptions import CORRUPTIONS
from vael.errors import VaelError
from vael.experiments import Run
from vael.studio.desk import Desk
from vael.studio.packing import pack
from vael.studio.verbs.mending import find_number
from vael.tasks.cluster import choose_method
from vael.tasks.hide import REGIONS

__all__ = ["describe", "refusals"]


def _try_compress(run: Run) -> object:
    """Code one black image: the run's own need not be of the model's levels, those of a file may be."""
    run.exact_images()
    return compress(run.model, np.zeros((1, *run.observation.shape), np.uint8), verify=False)


TRIALS: dict[str, Callable[[Run], object]] = {
    "detect": lambda run: run.find_calibration(),
    "denoise": lambda run: run.denoise([0], num_samples=1),
    "inpaint": lambda run: run.inpaint([0], num_fills=1, num_steps=1),
    "colorize": lambda run: run.colorize([0], num_colourings=1),
    "cluster": lambda run: choose_method(run.model),
    "compress": _try_compress,
}
"""What finds out at little cost whether a run can be asked a verb."""


def refusals(run: Run) -> dict[str, str | None]:
    """Return what the run says to each verb: the sentence with which it refuses, or None where it does not."""
    found: dict[str, str | None] = {}
    for verb, attempt in TRIALS.items():
        try:
            attempt(run)
        except VaelError as error:
            found[verb] = str(error)
        else:
            found[verb] = None
    return found


def describe(desk: Desk) -> dict[str, Any]:
    """Describe the verbs of a run and their options: scores, noises, regions to hide, ways to cluster."""
    with desk.lock:
        return desk.recall("verbs", lambda: _describe(desk.run))


def _describe(run: Run) -> dict[str, Any]:
    found = refusals(run)
    return {
        "verbs": found,
        "split": run.default_split,
        "count": len(run.data()),
        "normal_examples": len(run.data(run.find_calibration())) if found["detect"] is None else 0,
        "scores": [
            {"name": name, "summary": kind.summary, "misfit": kind.find_misfit(run.model)}
            for name, kind in tasks.SCORES.items()
        ],
        "default_score": tasks.fitting_scores(run.model)[0],
        "noises": _noises(run),
        "regions": _regions(run),
        "methods": _methods(run),
        "labels": run.observation.classes if run.model.context_dim else (),
    }


def _noises(run: Run) -> list[dict[str, Any]]:
    """Return the corruptions that suit the data, that of the training first, each with its number and default."""
    stated = run.recipe.training.corruption
    found = []
    for name, kind in CORRUPTIONS.items():
        if kind.suits(run.observation):
            option = find_number(kind)
            default = None if option is None else option.default
            if stated.name == name and option is not None:
                default = stated.options.get(option.name, default)
            found.append({"name": name, "option": option and option.name, "default": default})
    return sorted(found, key=lambda noise: noise["name"] != stated.name)


def _regions(run: Run) -> dict[str, Any]:
    """Return where each named part of an image lies, `(H, W)` packed, 1 where it is hidden; none for tables."""
    if not run.is_image:
        return {}
    batch = run.batch([0])
    hidden = {name: tasks.hide(batch, name).observed for name in REGIONS}
    return {
        name: pack((~seen[0, 0]).cpu().numpy().astype(np.uint8)) for name, seen in hidden.items() if seen is not None
    }


def _methods(run: Run) -> list[dict[str, Any]]:
    """Return the ways to cluster, the default one first, and what the model lacks for each."""
    found = []
    for name in tasks.CLUSTER_METHODS:
        try:
            choose_method(run.model, name)
        except VaelError as error:
            found.append({"name": name, "misfit": str(error)})
        else:
            found.append({"name": name, "misfit": None})
    return found
