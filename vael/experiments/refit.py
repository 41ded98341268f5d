"""Ex-post priors: fit a density to the codes of a trained run, and make a new run of the old weights and that prior.

The aggregate posterior Σ_n q(z | x_n)/N is what the decoder was trained on; where the prior misses it, samples are
worse than reconstructions. A prior fitted to it afterwards mends that, also for a plain autoencoder, which has none.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from vael.build import build_model
from vael.data.batches import DeviceData
from vael.errors import VaelError, unknown_name
from vael.experiments.experiment import next_name
from vael.experiments.run import RUNS, Run, load
from vael.models import OneLayerVAE, at_mean
from vael.posteriors import POSTERIORS
from vael.priors import Prior
from vael.priors.fitting import Codes, fit_by_likelihood, fit_kernel, fit_mixture, held_out_density
from vael.priors.flow import Flow
from vael.priors.gaussian_mixture import GaussianMixture
from vael.priors.second_stage import SecondStage
from vael.random import seeded
from vael.recipe import Part, Recipe
from vael.runs import RunFolder
from vael.training import save_weights

__all__ = ["REFITTED", "RefittedPrior", "refit_prior"]

RefittedPrior = Literal["gaussian-mixture", "flow", "kernel", "second-stage"]
REFITTED: tuple[str, ...] = get_args(RefittedPrior)

HELD_OUT = 10
"""One example in so many is held out."""

ENCODED_AT_ONCE = 1000
DEFAULTS: dict[str, Part] = {"kernel": Part("gaussian-mixture", {"num_components": 2000})}
"""The member of the table of priors that holds a fit, where the two have different names or options."""

OF_THE_TRAINING = ("results", "process", "host", "total_steps", "reason")
"""What run.json says of the old run and not of the new one."""

Watch = Callable[[int, float], None]


def refit_prior(
    run: Run | str | Path,
    prior: str = "gaussian-mixture",
    *,
    settings: Mapping[str, Any] | None = None,
    name: str | None = None,
    epochs: int = 50,
    seed: int = 0,
    runs: Path = RUNS,
    on_epoch: Watch = lambda epoch, density: None,
) -> Run:
    """Fit a prior to the codes of a run's training split and return a new run with the old weights and that prior.

    The old run stays as it is. What the fit reached is in the new one's `info["refitted_from"]`: the mean log-density
    of held-out codes in nats, before and after.

    Arguments:
        run: A run, or its path, or its name in the runs folder.
        prior: gaussian-mixture, flow, kernel or second-stage.
        settings: Options of the prior (`{"num_components": 100}`).
        name: The new run's name; None numbers them (`basic-1-flow-1`).
        epochs: The most passes through the codes; held-out codes stop a fit that gets no better.
        seed: Seed of draws, order and first weights.
        runs: The folder that holds the runs.
        on_epoch: Told the number of each pass and the mean log-density of the held-out codes, nats.

    Raises:
        VaelError: The run has labels, several layers or latents that are no real numbers, its data are not here, or
            the prior is unknown; nothing has been written.
    """
    old = run if isinstance(run, Run) else load(run, runs=Path(runs))
    recipe = _refitted_recipe(old, prior, settings or {})
    root = old.path.parent
    name = name or next_name(root, f"{old.name}-{prior}")
    if epochs < 1:
        raise VaelError(f"epochs expects an integer ≥ 1, got {epochs}")
    if (root / name).exists():
        raise VaelError(f"run '{name}' exists in {root}: choose another --name")
    began = time.monotonic()
    fit = _fit(old, recipe, prior, _Way(epochs, seed, on_epoch))
    return _write_run(old, recipe, name, replace(fit, seconds=round(time.monotonic() - began, 3)))


@dataclass(frozen=True)
class _Way:
    """How a fit goes: the most passes, the seed, who is told."""

    epochs: int
    seed: int
    on_epoch: Watch


@dataclass(frozen=True)
class _Fit:
    """What a fit gave: the new model, and what run.json says of where it came from."""

    model: OneLayerVAE
    origin: dict[str, Any]
    seconds: float = 0.0


def _refitted_recipe(run: Run, prior: str, settings: Mapping[str, Any]) -> Recipe:
    """Return the recipe with the prior replaced, after all that can be refused has been."""
    if prior not in REFITTED:
        raise unknown_name("prior to refit", prior, REFITTED)
    if run.folder.status() == "running":
        raise VaelError(f"{run.name} is being trained: wait for it, or stop it first (vael stop {run.name})")
    recipe = run.recipe
    if recipe.model.condition != "none":
        raise VaelError(f"{run.name} is conditioned on the label: a refitted prior expects a run without labels")
    support = POSTERIORS[recipe.model.posterior.name].support
    if support != "real":
        raise VaelError(f"{run.name} has latents on the support '{support}': a refitted prior expects real numbers")
    if not isinstance(run.model, OneLayerVAE):
        raise VaelError(f"{run.name} has several stochastic layers: a refitted prior expects one")
    part = DEFAULTS.get(prior, Part(prior))
    part = replace(part, options={**part.options, **settings})
    title = f"{recipe.title}; prior {prior}, fitted afterwards".removeprefix("; ")
    return replace(recipe, title=title, model=replace(recipe.model, prior=part))


def _fit(run: Run, recipe: Recipe, prior: str, way: _Way) -> _Fit:
    with seeded(way.seed):
        model = build_model(recipe.model, run.observation).to(run.model.device).eval()
    old = run.model
    assert isinstance(model, OneLayerVAE)
    assert isinstance(old, OneLayerVAE)
    fresh = {f"prior.{key}": tensor for key, tensor in model.prior.state_dict().items()}
    kept = {key: tensor for key, tensor in old.state_dict().items() if not key.startswith("prior.")}
    model.load_state_dict(kept | fresh)
    examples = run.data("train")
    with seeded(way.seed):
        codes = _collect_codes(old, examples, way.seed)
        with torch.no_grad():
            before = held_out_density(old.prior(old.encode, None), codes)
        _fit_prior(model.prior, codes, prior, way)
        after = held_out_density(model.prior(model.encode, None), codes)
    origin = {
        "run": run.name,
        "prior": prior,
        "seed": way.seed,
        "num_examples": len(examples) - len(codes.held_out),
        "num_held_out": len(codes.held_out),
        "held_out_nats_before": before,
        "held_out_nats": after,
    }
    return _Fit(model, origin)


def _fit_prior(prior: Prior, codes: Codes, name: str, way: _Way) -> None:
    if isinstance(prior, (Flow, SecondStage)):
        fit_by_likelihood(prior, codes, epochs=way.epochs, seed=way.seed, on_epoch=way.on_epoch)
    elif isinstance(prior, GaussianMixture) and name == "kernel":
        fit_kernel(prior, codes)
    elif isinstance(prior, GaussianMixture):
        fit_mixture(prior, codes, epochs=way.epochs, seed=way.seed)


@torch.no_grad()
def _collect_codes(model: OneLayerVAE, examples: DeviceData, seed: int) -> Codes:
    """Encode all examples once and hold some out; draws of the others are made anew whenever they are asked for."""
    if len(examples) < 2 * HELD_OUT:
        raise VaelError(
            f"a prior is fitted to at least {2 * HELD_OUT} examples, the training split has {len(examples)}"
        )
    posteriors = [model.infer_latents(batch, at_mean)[0].q_z for batch in examples.in_order(ENCODED_AT_ONCE)]
    order = torch.randperm(len(examples), generator=torch.Generator().manual_seed(seed)).to(examples.device)
    count = len(examples) // HELD_OUT

    @torch.no_grad()
    def draw() -> Tensor:
        return torch.cat([q_z.sample() for q_z in posteriors]).float()

    return Codes(lambda: draw()[order[count:]], draw()[order[:count]])


def _write_run(old: Run, recipe: Recipe, name: str, fit: _Fit) -> Run:
    """Write the folder of the new run, judge it as a training's end does, and draw its first pictures."""
    info = {key: value for key, value in old.info.items() if key not in OF_THE_TRAINING}
    info |= {
        "status": "created",
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "num_parameters": sum(param.numel() for param in fit.model.parameters()),
        "training_seconds": fit.seconds,
        "refitted_from": fit.origin,
    }
    folder = RunFolder.create(old.path.parent, name, recipe=recipe.to_toml(), info=info)
    save_weights(folder.path / "model.safetensors", fit.model.state_dict())
    run = Run(folder, old.data_root, dataset=old.dataset)
    split = run.default_split
    results = {"split": split, **run.evaluate(split, num_samples=1).as_dict()}
    if run.is_image:
        run.save_pictures()
    folder.update_info(status="finished", results=results)
    density = f"{fit.origin['held_out_nats_before']:.2f} nats to {fit.origin['held_out_nats']:.2f}"
    folder.note(f"prior {fit.origin['prior']} fitted to the codes of {old.name}: held-out log-density {density}")
    return run
