"""The one place where the names of a recipe become live objects, through the rooms' tables.

Options are checked against the constructors' own signatures; parts that do not fit together are refused here, before
anything is trained, with the parts that would fit.
"""

import dataclasses
import inspect
import typing
from collections.abc import Mapping
from typing import Any

import torch

from vael.data.treatments import TREATMENTS
from vael.errors import VaelError, unknown_name
from vael.likelihoods import LIKELIHOODS, Likelihood
from vael.models import VAE, OneLayerVAE
from vael.networks import DECODERS, ENCODERS
from vael.objectives import OBJECTIVES, Objective
from vael.posteriors import POSTERIORS
from vael.precision import choose_precision
from vael.priors import PRIORS
from vael.recipe import ModelRecipe, Part, Recipe, TrainingRecipe, read_value
from vael.schedules import SCHEDULES, Constant, Schedule
from vael.training import OPTIMIZERS, Optimizer, Plan
from vael.types import Observation

__all__ = ["build_model", "build_objective", "build_plan", "check_recipe", "find_device"]


def build_model(recipe: ModelRecipe, observation: Observation) -> VAE:
    """Build a model for observations of a given shape and domain, with fresh weights from torch's generator.

    Raises:
        VaelError: An unknown name or option, a wrong value, or a likelihood that does not accept the domain.
    """
    _check_latent_dim(recipe.latent_dim)
    likelihood = _construct(LIKELIHOODS, recipe.likelihood, "model.likelihood", observation)
    _check_domain(likelihood, recipe.likelihood.name, observation)
    out_shape = (likelihood.parameters_per_dim, *observation.shape)
    context_dim = _context_dim(recipe, observation)
    encoder = _construct(ENCODERS, recipe.encoder, "model.encoder", observation.shape, context_dim)
    posterior = _construct(POSTERIORS, recipe.posterior, "model.posterior", encoder.out_features, recipe.latent_dim)
    prior = _construct(PRIORS, recipe.prior, "model.prior", recipe.latent_dim, observation, context_dim)
    _check_support(recipe)
    decoder = _construct(DECODERS, recipe.decoder, "model.decoder", recipe.latent_dim + context_dim, out_shape)
    return OneLayerVAE(encoder, posterior, prior, decoder, likelihood, context_dim=context_dim)


def build_objective(recipe: Recipe, model: VAE, total_steps: int) -> Objective:
    """Build the objective for a model and a training of `total_steps`.

    Raises:
        VaelError: An unknown name or option, or an objective that the posterior cannot serve.
    """
    objective = _construct(OBJECTIVES, recipe.objective, "objective", total_steps=total_steps)
    posterior = recipe.model.posterior.name
    if objective.needs_density and not model.has_density:
        fitting = ", ".join(name for name, kind in OBJECTIVES.items() if not kind.needs_density)
        raise VaelError(
            f"objective '{recipe.objective.name}' needs a density, posterior '{posterior}' has none: use {fitting}"
        )
    if objective.needs_reparametrised and not POSTERIORS[posterior].is_reparametrised:
        fitting = ", ".join(name for name, kind in POSTERIORS.items() if kind.has_density and kind.is_reparametrised)
        raise VaelError(
            f"objective '{recipe.objective.name}' differentiates through the draws of z, posterior '{posterior}' is "
            f"not reparametrised: use model.posterior={fitting.replace(', ', '|')}"
        )
    if objective.needs_factorised and posterior != "diagonal-normal":
        raise VaelError(f"free bits need independent latents, posterior '{posterior}' has none: use diagonal-normal")
    return objective


def build_plan(recipe: TrainingRecipe, device: torch.device, total_steps: int, *, compiled: bool) -> Plan:
    """Build the plan of a training of `total_steps` on a device.

    Raises:
        VaelError: An unknown name or option, or a number out of range.
    """
    _check_ranges(recipe)
    rate = recipe.learning_rate
    is_part = isinstance(rate, Part)
    schedule = _schedule(rate, "training.learning_rate", total_steps) if is_part else Constant(float(rate))
    optimizer: Optimizer = _construct(OPTIMIZERS, recipe.optimizer, "training.optimizer")
    return Plan(
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        seed=recipe.seed,
        optimizer=optimizer,
        learning_rate=schedule,
        precision=choose_precision(recipe.precision, device),
        compiled=compiled,
        gradient_clip=recipe.gradient_clip,
        ema_decay=recipe.ema_decay,
        patience=recipe.patience,
    )


def check_recipe(recipe: Recipe) -> None:
    """Refuse what is wrong with a recipe whatever its data are: a form asks before any data are read.

    Raises:
        VaelError: An unknown part or option, a wrong type, or a number out of range.
    """
    model = recipe.model
    _check_latent_dim(model.latent_dim)
    _choose(LIKELIHOODS, model.likelihood, "model.likelihood")
    _choose(ENCODERS, model.encoder, "model.encoder")
    _choose(POSTERIORS, model.posterior, "model.posterior")
    _choose(PRIORS, model.prior, "model.prior")
    _choose(DECODERS, model.decoder, "model.decoder")
    _check_support(model)
    _construct(OBJECTIVES, recipe.objective, "objective")
    training = dataclasses.replace(recipe.training, precision="float32")  # nothing to measure
    build_plan(training, torch.device("cpu"), 1, compiled=False)


def find_device(name: str) -> torch.device:
    """Find the device that a recipe names.

    Raises:
        VaelError: No such device here.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise VaelError(f"training.device expects cpu, cuda or cuda:1, got '{name}'") from None
    if device.type not in ("cpu", "cuda"):
        raise VaelError(f"training.device expects cpu, cuda or cuda:1, got '{name}'")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise VaelError(f"training.device is {name}, but torch finds {torch.cuda.device_count()} GPUs here: use cpu")
    return device


def _construct(table: Mapping[str, Any], part: Part, where: str, *given: Any, total_steps: int = 0) -> Any:
    """Call the constructor that a part names, with its options checked against the signature."""
    kind, options = _choose(table, part, where, total_steps=total_steps)
    return kind(*given, **options)


def _choose(table: Mapping[str, Any], part: Part, where: str, *, total_steps: int = 0) -> tuple[Any, dict[str, Any]]:
    """Return the constructor that a part names and its options, each of the type that the signature states."""
    if part.name not in table:
        raise unknown_name(where, part.name, table)
    kind: Any = table[part.name]
    hints = _hints(kind)
    known = list(inspect.signature(kind).parameters)[_NUM_GIVEN.get(where, 0) :]
    options = {}
    for key, value in part.options.items():
        if key not in known:
            if not known:
                raise VaelError(f"{where} '{part.name}' takes no options, got '{key}': remove it")
            raise unknown_name(f"option of {where} '{part.name}'", key, known)
        options[key] = _read_option(hints[key], value, f"{where}.{key}", total_steps)
    return kind, options


_NUM_GIVEN = {"model.likelihood": 1, "model.encoder": 2, "model.posterior": 2, "model.prior": 3, "model.decoder": 2}
"""How many arguments of a part's constructor come from the data and from other parts, not from the recipe."""


def _hints(kind: Any) -> dict[str, Any]:
    """Return the types that a part's constructor states."""
    return typing.get_type_hints(kind if dataclasses.is_dataclass(kind) else kind.__init__)


def _read_option(hint: Any, value: Any, where: str, total_steps: int) -> Any:
    if Schedule in typing.get_args(hint):
        if isinstance(value, (Mapping, str)):
            return _schedule(read_value(Part, value, where), where, total_steps)
        return read_value(float, value, where)
    return read_value(hint, value, where)


def _schedule(part: Part, where: str, total_steps: int) -> Schedule:
    """Build a schedule; one that states no length lasts the whole run."""
    schedule = _construct(SCHEDULES, part, where)
    if getattr(schedule, "steps", None) == 0:
        return dataclasses.replace(schedule, steps=total_steps)
    return schedule


def _check_latent_dim(latent_dim: int) -> None:
    if latent_dim < 1:
        raise VaelError(f"model.latent_dim expects an integer ≥ 1, got {latent_dim}")


def _context_dim(recipe: ModelRecipe, observation: Observation) -> int:
    """Return how many numbers condition the model: one a class where it is conditioned on the label."""
    if recipe.condition == "none":
        return 0
    if not observation.classes:
        raise VaelError(
            "model.condition = 'label' needs data with labels, these have none: "
            "name labelled data, or use model.condition=none"
        )
    return len(observation.classes)


def _check_support(recipe: ModelRecipe) -> None:
    """Refuse a posterior and a prior that live on different spaces."""
    posterior, prior = POSTERIORS[recipe.posterior.name], PRIORS[recipe.prior.name]
    if posterior.has_density and posterior.support != prior.support:
        priors = [name for name, kind in PRIORS.items() if kind.support == posterior.support]
        posteriors = [name for name, kind in POSTERIORS.items() if kind.support == prior.support]
        raise VaelError(
            f"model.posterior '{recipe.posterior.name}' lives on the support '{posterior.support}' and model.prior "
            f"'{recipe.prior.name}' on '{prior.support}': use model.prior={'|'.join(priors)}, "
            f"or model.posterior={'|'.join(posteriors)}"
        )


def _check_domain(likelihood: Likelihood, name: str, observation: Observation) -> None:
    if observation.domain in likelihood.domains:
        return
    likelihoods = [known for known, kind in LIKELIHOODS.items() if observation.domain in kind.domains]
    treatments = [known for known, kind in TREATMENTS.items() if kind.domain in likelihood.domains]
    other_way = f", or data.treatment={'|'.join(treatments)}" if observation.domain != "real" else ""
    raise VaelError(
        f"likelihood '{name}' expects x in the domain {' or '.join(likelihood.domains)}, got {observation.domain}: "
        f"use model.likelihood={'|'.join(likelihoods)}{other_way}"
    )


def _check_ranges(recipe: TrainingRecipe) -> None:
    checks = {
        "epochs": (recipe.epochs >= 0, "≥ 0"),
        "batch_size": (recipe.batch_size >= 1, "≥ 1"),
        "seed": (0 <= recipe.seed < 2**31, "≥ 0 and < 2³¹"),
        "gradient_clip": (recipe.gradient_clip >= 0, "≥ 0"),
        "ema_decay": (0 <= recipe.ema_decay < 1, "≥ 0 and < 1"),
        "patience": (recipe.patience >= 0, "≥ 0"),
        "checkpoint_seconds": (recipe.checkpoint_seconds >= 0, "≥ 0"),
        "snapshots": (recipe.snapshots >= 0, "≥ 0"),
    }
    for key, (is_fine, expected) in checks.items():
        if not is_fine:
            raise VaelError(f"training.{key} expects a number {expected}, got {getattr(recipe, key)}")
    if not isinstance(recipe.learning_rate, Part) and recipe.learning_rate <= 0:
        raise VaelError(f"training.learning_rate expects a number > 0, got {recipe.learning_rate}")
