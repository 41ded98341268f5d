"""The fields of a recipe as a form shows them, from the same dataclasses and tables that check and build it."""

import dataclasses
import inspect
import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from vael.data.treatments import TREATMENTS
from vael.likelihoods import LIKELIHOODS
from vael.models import STRUCTURES
from vael.networks import DECODERS, ENCODERS
from vael.objectives import OBJECTIVES
from vael.posteriors import POSTERIORS
from vael.priors import PRIORS
from vael.recipe import DataRecipe, Recipe, TrainingRecipe
from vael.training import OPTIMIZERS

__all__ = ["Field", "Section", "describe_form", "find_field", "flat_settings"]

TABLES: dict[str, Mapping[str, Any]] = {
    "model.encoder": ENCODERS,
    "model.decoder": DECODERS,
    "model.likelihood": LIKELIHOODS,
    "model.prior": PRIORS,
    "model.posterior": POSTERIORS,
    "model.structure": STRUCTURES,
    "objective": OBJECTIVES,
    "training.optimizer": OPTIMIZERS,
}
PATH = re.compile(
    r"\b(?!model\.safetensors)(?:data|model|training|objective)(?:\.[a-z_]+)+|\bobjective\b|\brun name\b|^run '"
)
"""What names a field in an error's sentence; the file of the weights is none."""
LATENT_DIM_HELP = "The number of latent dimensions, D."


@dataclass(frozen=True)
class Field:
    """Describe one value of a recipe.

    Arguments:
        path: As `--set` takes it: `training.epochs`.
        label: Its name, in words.
        help: What it is, one or two sentences; may be empty.
        choices: What it may be; empty where anything of its type may be.
        options: For a part: the fields of each choice.
        default: As TOML writes it; empty where the recipe must say.
    """

    path: str
    label: str
    help: str = ""
    choices: tuple[str, ...] = ()
    options: Mapping[str, tuple["Field", ...]] = dataclasses.field(default_factory=dict)
    default: str = ""


@dataclass(frozen=True)
class Section:
    """Group the fields of one part of the recipe.

    Arguments:
        title: Its heading.
        fields: In the order of the recipe.
    """

    title: str
    fields: tuple[Field, ...]


def describe_form() -> list[Section]:
    """Describe every field of a recipe."""
    model = [
        Field("model.latent_dim", "latent dim", LATENT_DIM_HELP),
        *(_part(path) for path in TABLES if path[0] == "m"),
    ]
    return [
        Section("Data", tuple(_fields_of(DataRecipe, "data"))),
        Section("Model", tuple(model)),
        Section("Objective", (_part("objective"),)),
        Section("Training", tuple(_fields_of(TrainingRecipe, "training"))),
    ]


def find_field(message: str) -> str | None:
    """Find which field an error speaks of: the first path of a recipe in its sentence.

    >>> find_field("training.epochs expects an integer, got 'x'")
    'training.epochs'
    """
    found = re.search(PATH, message)
    if found is None:
        return None
    return "name" if found[0].startswith("run") else found[0]


def _fields_of(kind: type, prefix: str) -> list[Field]:
    """Describe the fields of a recipe's dataclass."""
    helps, hints = _arguments(kind), typing.get_type_hints(kind)
    fields = []
    for item in dataclasses.fields(kind):
        path = f"{prefix}.{item.name}"
        if path in TABLES:
            fields.append(_part(path))
            continue
        choices = typing.get_args(hints[item.name]) if typing.get_origin(hints[item.name]) is Literal else ()
        if path == "data.treatment":
            choices = ("auto", *TREATMENTS)
        fields.append(Field(path, _words(item.name), helps.get(item.name, ""), choices))
    return fields


def _part(path: str) -> Field:
    """Describe a part: the table's names, and each one's options from its constructor."""
    table = TABLES[path]
    options = {name: tuple(_options_of(kind, path)) for name, kind in table.items()}
    label = _words(path.rpartition(".")[2])
    return Field(f"{path}.name", label, choices=tuple(table), options=options)


def _options_of(kind: Any, path: str) -> list[Field]:
    helps = _arguments(kind)
    fields = []
    for name, parameter in inspect.signature(kind).parameters.items():
        if parameter.default is inspect.Parameter.empty:  # given by `build`: shapes and sizes
            continue
        default = _as_toml(parameter.default)
        fields.append(Field(f"{path}.{name}", _words(name), helps.get(name, ""), _choices(kind, name), default=default))
    return fields


def _choices(kind: Any, name: str) -> tuple[str, ...]:
    hint = typing.get_type_hints(kind if dataclasses.is_dataclass(kind) else kind.__init__).get(name)
    if typing.get_origin(hint) is Literal:
        return tuple(map(str, typing.get_args(hint)))
    return ("true", "false") if hint is bool else ()


def _as_toml(value: Any) -> str:
    """Write a default as `--set` takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(map(_as_toml, value)) + "]"
    return str(value)


def _arguments(kind: Any) -> dict[str, str]:
    """Read the "Arguments:" of a class's docstring."""
    text = inspect.getdoc(kind) or ""
    _, _, body = text.partition("Arguments:\n")
    found: dict[str, str] = {}
    name = ""
    for line in body.splitlines():
        start = re.match(r"    (\w+): (.*)", line)
        if start is not None:
            name = start[1]
            found[name] = start[2]
        elif name and line.startswith("        "):
            found[name] += " " + line.strip()
        elif line.strip():
            break
    return found


def _words(name: str) -> str:
    return name.replace("_", " ")


def flat_settings(recipe: Recipe) -> dict[str, str]:
    """Write every value of a recipe by its path, as `--set` takes it."""
    return {path: _as_toml(value) for path, value in recipe.settings().items()}
