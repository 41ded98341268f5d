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

from vael.data.corruptions import CORRUPTIONS, Corruption
from vael.data.treatments import TREATMENTS
from vael.errors import VaelError, unknown_name
from vael.likelihoods import LIKELIHOODS, Likelihood
from vael.models import STRUCTURES, VAE, Kit, Structure
from vael.networks import DECODERS, ENCODERS
from vael.objectives import OBJECTIVES, Objective
from vael.posteriors import POSTERIORS
from vael.precision import choose_precision
from vael.priors import PRIORS
from vael.random import seeded
from vael.recipe import ModelRecipe, Part, Recipe, TrainingRecipe, read_value
from vael.schedules import SCHEDULES, Constant, Schedule
from vael.training import OPTIMIZERS, Optimizer, Plan
from vael.types import Observation

__all__ = ["build_corruption", "build_model", "build_objective", "build_plan", "check_recipe", "find_device"]


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
    structure: Structure = _construct(STRUCTURES, recipe.structure, "model.structure")
    _choose(POSTERIORS, recipe.posterior, "model.posterior")
    _choose(PRIORS, recipe.prior, "model.prior")
    _check_support(recipe)
    _check_structure(recipe)
    kit = Kit(
        recipe.latent_dim,
        context_dim,
        likelihood,
        encoder=_construct(ENCODERS, recipe.encoder, "model.encoder", observation.shape, context_dim),
        posterior=lambda width, dim: _construct(POSTERIORS, recipe.posterior, "model.posterior", width, dim),
        prior=lambda dim: _construct(PRIORS, recipe.prior, "model.prior", dim, observation, context_dim),
        decoder=lambda dim: _construct(DECODERS, recipe.decoder, "model.decoder", dim + context_dim, out_shape),
    )
    return structure.assemble(kit)


def build_objective(recipe: Recipe, model: VAE, total_steps: int, *, num_examples: int = 0) -> Objective:
    """Build the objective for a model and a training of `total_steps` on `num_examples`.

    Raises:
        VaelError: An unknown name or option, or an objective that the posterior cannot serve.
    """
    objective = _construct(OBJECTIVES, recipe.objective, "objective", total_steps=total_steps)
    if getattr(objective, "num_examples", None) == 0:
        objective = dataclasses.replace(objective, num_examples=num_examples)
    posterior = recipe.model.posterior.name
    if objective.needs_density and not model.has_density:
        fitting = ", ".join(name for name, kind in OBJECTIVES.items() if not kind().needs_density)
        raise VaelError(
            f"objective '{recipe.objective.name}' needs a density, posterior '{posterior}' has none: use {fitting}"
        )
    if objective.needs_reparametrised and not POSTERIORS[posterior].is_reparametrised:
        fitting = ", ".join(name for name, kind in POSTERIORS.items() if kind.has_density and kind.is_reparametrised)
        raise VaelError(
            f"objective '{recipe.objective.name}' differentiates through the draws of z, posterior '{posterior}' is "
            f"not reparametrised: use model.posterior={fitting.replace(', ', '|')}"
        )
    if misfit := objective.find_misfit(model):
        fitting = [name for name in POSTERIORS if _serves(objective, recipe.model, name)]
        is_posterior = bool(fitting) and posterior not in fitting  # else something other than q is amiss
        advice = f": posterior '{posterior}' does not serve, use model.posterior={'|'.join(fitting)}"
        raise VaelError(misfit + (advice if is_posterior else ""))
    return objective


def _serves(objective: Objective, recipe: ModelRecipe, posterior: str) -> bool:
    """Say whether an objective would find what it needs in a small model with another posterior."""
    linear = Part("mlp", {"hidden_features": []})
    small = dataclasses.replace(
        recipe, encoder=linear, decoder=linear, posterior=Part(posterior), structure=Part("one-layer")
    )
    observation = Observation((3,), "binary", 2, classes=("a", "b"))
    small = dataclasses.replace(small, likelihood=Part("bernoulli"), prior=Part(recipe.prior.name))
    try:
        with seeded(0):
            model = build_model(small, observation)
        return (model.has_density or not objective.needs_density) and not objective.find_misfit(model)
    except VaelError:
        return False


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


def build_corruption(recipe: TrainingRecipe, observation: Observation) -> Corruption | None:
    """Build what spoils x for the encoder while training; None for nothing.

    Raises:
        VaelError: An unknown name or option, or an x that cannot be spoilt in this way.
    """
    if recipe.corruption == Part("none"):
        return None
    if recipe.corruption.name not in CORRUPTIONS:
        raise unknown_name("training.corruption", recipe.corruption.name, ["none", *CORRUPTIONS])
    corruption: Corruption = _construct(CORRUPTIONS, recipe.corruption, "training.corruption")
    corruption.check(observation)
    if recipe.method == "pca":
        raise VaelError("training.corruption needs a training by steps, got training.method = 'pca': use gradient")
    return corruption


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
    _construct(STRUCTURES, model.structure, "model.structure")
    _check_support(model)
    _check_structure(model)
    _construct(OBJECTIVES, recipe.objective, "objective")
    build_corruption(recipe.training, Observation((1,), "binary", 2))
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
    if posterior.support == prior.support == "one-hot":
        _check_categories(recipe)


def _check_categories(recipe: ModelRecipe) -> None:
    """Refuse codes of C categories under a prior over another number of them."""
    mine, name = _num_categories(POSTERIORS[recipe.posterior.name], recipe.posterior)
    theirs, prior_name = _num_categories(PRIORS[recipe.prior.name], recipe.prior)
    if mine != theirs:
        raise VaelError(
            f"model.posterior '{recipe.posterior.name}' has {mine} categories a variable and model.prior "
            f"'{recipe.prior.name}' {theirs}: use model.prior.{prior_name}={mine}, or model.posterior.{name}={theirs}"
        )


def _num_categories(kind: Any, part: Part) -> tuple[Any, str]:
    """Return how many categories a variable of a part has, and the name of the option that says so."""
    parameters = inspect.signature(kind).parameters
    name = "codebook_size" if "codebook_size" in parameters else "num_categories"
    return part.options.get(name, parameters[name].default), name


def _check_structure(recipe: ModelRecipe) -> None:
    """Refuse a posterior and networks that the structure cannot take."""
    kind = STRUCTURES[recipe.structure.name]
    deep = tuple(name for name, one in POSTERIORS.items() if one.has_density and one.is_reparametrised)
    posteriors = kind.posteriors or (deep if kind.is_deep else ())
    wanted = {
        "posterior": (recipe.posterior, posteriors),
        "encoder": (recipe.encoder, kind.encoders),
        "decoder": (recipe.decoder, kind.decoders),
    }
    for role, (part, fitting) in wanted.items():
        if fitting and part.name not in fitting:
            raise VaelError(
                f"model.structure '{recipe.structure.name}' does not work with model.{role} '{part.name}': "
                f"use model.{role}={'|'.join(fitting)}, or model.structure=one-layer"
            )


def _check_domain(likelihood: Likelihood, name: str, observation: Observation) -> None:
    if observation.domain in likelihood.domains:
        return
    of_domain = {known: kind for known, kind in LIKELIHOODS.items() if observation.domain in kind.domains}
    likelihoods = [known for known, kind in of_domain.items() if observation.is_image or not kind.is_of_images]
    is_of_tables = any(kind.is_of_tables and kind.domain == observation.domain for kind in TREATMENTS.values())
    fitting = {known: kind for known, kind in TREATMENTS.items() if kind.domain in likelihood.domains}
    treatments = [known for known, kind in fitting.items() if kind.is_of_tables == is_of_tables]
    other_way = f", or data.treatment={'|'.join(treatments)}" if treatments else ""
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
        "bias_steps": (recipe.bias_steps >= 0, "≥ 0"),
    }
    for key, (is_fine, expected) in checks.items():
        if not is_fine:
            raise VaelError(f"training.{key} expects a number {expected}, got {getattr(recipe, key)}")
    if not isinstance(recipe.learning_rate, Part) and recipe.learning_rate <= 0:
        raise VaelError(f"training.learning_rate expects a number > 0, got {recipe.learning_rate}")
