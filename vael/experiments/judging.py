"""Every measure of `evaluation` on a run, by name, and runs against one another.

A measure that makes no sense for a run says so itself; whoever asks for all of them gets those that do.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from vael.data.batches import DeviceData
from vael.data.shapes import FACTORS, draw_shapes, list_factors
from vael.errors import VaelError, unknown_name
from vael.evaluation.annealed import estimate_annealed
from vael.evaluation.bounds import bound_examples
from vael.evaluation.comparison import Comparison, League, check_league, compare_bounds
from vael.evaluation.disentanglement import Factors, measure_disentanglement
from vael.evaluation.examples import Labelled
from vael.evaluation.features import learn_network
from vael.evaluation.inception import read_inception
from vael.evaluation.information import measure_information
from vael.evaluation.layers import measure_layers
from vael.evaluation.overfit import measure_overfit
from vael.evaluation.posterior_gap import measure_gap
from vael.evaluation.representations import measure_representations
from vael.evaluation.samples import judge_samples
from vael.experiments.run import Run

__all__ = ["MEASURES", "Judgement", "Measured", "compare", "judge"]

NUM_FOR_FID = 10_000  # samples and examples at most: FID is biased upwards, the more the fewer they are


class Measured(Protocol):
    """What every measure returns: a frozen dataclass that JSON can hold."""

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers by name."""
        ...


@dataclass(frozen=True)
class _Setting:
    """Say on what a measure is taken."""

    split: str
    seed: int
    cache: Path
    inception: Path | None


@dataclass(frozen=True)
class Judgement:
    """Hold what was measured, and why what was not was not.

    Arguments:
        results: Each measure's result, by its name.
        refusals: The sentence of each measure that makes no sense for the run.
    """

    results: dict[str, Measured]
    refusals: dict[str, str]


def judge(
    run: Run,
    measures: Sequence[str] | None = None,
    *,
    split: str | None = None,
    seed: int = 0,
    cache: Path | None = None,
    inception: Path | None = None,
) -> Judgement:
    """Take measures of a run.

    Arguments:
        run: The run.
        measures: Names of `MEASURES`; None takes all that make sense for the run.
        split: Which examples; the test split where there is one.
        seed: Seed of every draw.
        cache: The folder that keeps the network which compares samples; `cache` in the run's folder by default.
        inception: A safetensors file of torchvision's `inception_v3`, on whose features samples are then compared.

    Raises:
        VaelError: An unknown measure, or one that was asked for by name and makes no sense for the run.
    """
    setting = _Setting(split or run.default_split, seed, cache or run.path / "cache", inception)
    results, refusals = {}, {}
    for name in measures or MEASURES:
        if name not in MEASURES:
            raise unknown_name("measure", name, MEASURES)
        try:
            results[name] = MEASURES[name](run, setting)
        except VaelError as error:
            if measures:
                raise
            refusals[name] = str(error)
    return Judgement(results, refusals)


def compare(
    runs: Mapping[str, Run] | Sequence[Run], *, split: str | None = None, num_samples: int = 64, seed: int = 0
) -> Comparison:
    """Compare runs on the same examples, see `vael.evaluation.comparison`.

    Arguments:
        runs: Two runs or more, by the names to call them; their own where they come without.
        split: Which examples; the test split where there is one.
        num_samples: K draws of z for each example.
        seed: Seed of the draws, the same for every run.

    Raises:
        VaelError: Fewer than two runs, two of one name, or runs whose nats do not compare.
    """
    named = dict(runs) if isinstance(runs, Mapping) else {run.name: run for run in runs}
    if len(named) < 2 or len(named) != len(runs):
        raise VaelError(f"compare expects two runs or more with different names, got {', '.join(named) or 'none'}")
    check_league({name: _league_of(run) for name, run in named.items()})
    split = split or next(iter(named.values())).default_split
    return compare_bounds(
        {
            name: bound_examples(run.model, run.data(split), num_samples=num_samples, seed=seed)
            for name, run in named.items()
        }
    )


def _league_of(run: Run) -> League:
    observation = run.observation
    return League(
        run.info["data"]["fingerprint"],
        run.data().treatment.name,
        observation.domain,
        observation.domain in run.model.likelihood.densities,
        run.model.has_density,
    )


def _labelled(run: Run, split: str, measure: str) -> Labelled:
    data = run.data(split)
    assert run.dataset is not None
    labels = run.dataset.splits[split].labels
    if labels is None:
        raise VaelError(f"{measure} expects labelled data, those of {run.name} have no labels: use another measure")
    return Labelled(data, labels)


def _other_than_train(run: Run, split: str, measure: str) -> str:
    if split == "train":
        raise VaelError(f"{measure} sets another split against the training split: use --split test or valid")
    return split


def _samples(run: Run, setting: _Setting) -> Measured:
    if setting.inception is not None:
        network = read_inception(setting.inception, run.observation, run.model.device)
        data, train = run.data(setting.split), run.data("train")
        return judge_samples(run.model, data, network, train=train, num_examples=NUM_FOR_FID, seed=setting.seed)
    train = _labelled(run, "train", "comparing samples")
    network = learn_network(run.observation, train, cache=setting.cache, seed=setting.seed)
    return judge_samples(run.model, run.data(setting.split), network, train=train.data, seed=setting.seed)


def _representations(run: Run, setting: _Setting) -> Measured:
    split = _other_than_train(run, setting.split, "representations")
    parts = [_labelled(run, name, "representations") for name in ("train", split)]
    return measure_representations(run.model, parts[0], parts[1], seed=setting.seed)


def _overfit(run: Run, setting: _Setting) -> Measured:
    split = _other_than_train(run, setting.split, "train against test")
    return measure_overfit(run.model, run.data("train"), run.data(split), seed=setting.seed)


def _disentanglement(run: Run, setting: _Setting) -> Measured:
    if run.recipe.data.source != "shapes":
        raise VaelError(
            f"disentanglement expects data whose factors are known, '{run.recipe.data.source}' states none: "
            "train on the data set 'shapes'"
        )
    data, values = run.data(setting.split), list_factors()
    images, labels = draw_shapes(), values[:, 0]
    if images.shape[1:] != data.raw.shape[1:]:
        raise VaelError(f"disentanglement expects shapes as they are drawn, got the size {tuple(data.raw.shape[1:])}")
    return measure_disentanglement(
        run.model, _like(data, images, labels), Factors(values, tuple(FACTORS), ("shape",)), seed=setting.seed
    )


def _like(data: DeviceData, raw: NDArray, labels: NDArray[np.int64]) -> DeviceData:
    """Return other examples in the form of a split's."""
    context = None if data.labels is None else torch.from_numpy(labels).to(data.device)
    return DeviceData(torch.from_numpy(raw).to(data.device), data.treatment, context, data.num_classes)


MEASURES: dict[str, Callable[[Run, _Setting], Measured]] = {
    "layers": lambda run, setting: measure_layers(run.model, run.data(setting.split), seed=setting.seed),
    "overfit": _overfit,
    "information": lambda run, setting: measure_information(run.model, run.data(setting.split), seed=setting.seed),
    "gap": lambda run, setting: measure_gap(run.model, run.data(setting.split), seed=setting.seed),
    "annealed": lambda run, setting: estimate_annealed(run.model, run.data(setting.split), seed=setting.seed),
    "samples": _samples,
    "representations": _representations,
    "disentanglement": _disentanglement,
}
"""Every measure by the name that the command line takes."""
