"""A recipe is everything needed to rebuild a run: frozen dataclasses that read from and write to TOML.

A recipe names parts (a likelihood, a network, an objective) and gives their options; `build.py` turns the names into
objects and checks the options against the parts' own signatures. Here only the frame is checked: unknown keys are
errors with the closest match, wrong types say what was expected.
"""

import copy
import dataclasses
import json
import math
import tomllib
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Union

from vael.errors import VaelError, unknown_name
from vael.types import PrecisionName

__all__ = [
    "DataRecipe",
    "ModelRecipe",
    "Part",
    "Recipe",
    "TrainingRecipe",
    "parse_settings",
    "read_value",
    "shipped_recipes",
]

SHIPPED = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class Part:
    """Name one member of a room and give its options: `{ name = "mlp", hidden_features = [400] }`."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DataRecipe:
    """Say which data, as which random variable, in which splits.

    Arguments:
        source: A name of `vael datasets` or a path.
        treatment: What the pixels mean: grey, rounded, dynamic, static, levels; or a table's numbers: real, counts,
            positive; `auto` takes what fits the source.
        size: Resize images to this height and width; 0 keeps them.
        color: `grey`, `rgb`, or `as-is`.
        valid_fraction: Share taken from the training data for validation; −1 takes the source's own way
            (its own split where it has one, 0.1 where the source has no splits at all).
        test_fraction: The same for the test split.
        split_seed: Seed of the split.
    """

    source: str = "digits"
    treatment: str = "auto"
    size: int | list[int] = 0
    color: Literal["as-is", "grey", "rgb"] = "as-is"
    valid_fraction: float = -1.0
    test_fraction: float = -1.0
    split_seed: int = 0


@dataclass(frozen=True)
class ModelRecipe:
    """Name the three distributions and the two networks of one VAE, and how many stochastic layers it has.

    Arguments:
        latent_dim: D, the dimensions of the stochastic layer: of several the lowest, of a ladder the top one.
        condition: `label` gives encoder, decoder and prior the example's label; `none` models x alone.
        structure: How many stochastic layers there are, and in which order they are inferred.
    """

    latent_dim: int = 20
    encoder: Part = Part("mlp")
    decoder: Part = Part("mlp")
    likelihood: Part = Part("bernoulli")
    prior: Part = Part("standard-normal")
    posterior: Part = Part("diagonal-normal")
    condition: Literal["none", "label"] = "none"
    structure: Part = Part("one-layer")


@dataclass(frozen=True)
class TrainingRecipe:
    """Say how the weights are found.

    Arguments:
        method: `gradient` descends the objective; `pca` writes the exact optimum of the linear Gaussian VAE.
        epochs: Passes over the training split.
        batch_size: Examples a step; the last, smaller batch of an epoch is used too.
        seed: Seed of weights, order and noise.
        optimizer: adam, adamw, sgd or adagrad, with options.
        learning_rate: A number, or a schedule (`{ name = "cosine", start = 1e-3, end = 0.0 }`).
        corruption: What spoils x for the encoder: gaussian, salt-and-pepper, masking, greyscale, with options; or none.
        gradient_clip: Largest Euclidean norm of the whole gradient; 0 switches it off.
        ema_decay: Decay a step of the exponential moving average of the weights; 0 switches it off.
        patience: Epochs without a better validation ELBO after which training stops; 0 switches it off.
        precision: float32, bfloat16 (autocast), or `auto`: bfloat16 where the chip computes it natively.
        compile: on, off, or `auto`: one compiled graph a step where the work ahead pays for compiling it.
        device: cpu, cuda, cuda:1 …; `auto` takes a GPU if there is one.
        checkpoint_seconds: Least time between two checkpoints; 0 writes one at every record.
        snapshots: About how many pictures of the model to keep for animations, denser at the start; 0 keeps none.
        snapshot_examples: Numbers of the test examples whose reconstructions the snapshots show.
        start_from: A run (its path, or its name in the runs folder) whose weights to start from, as far as they fit;
            empty starts afresh.
        bias_steps: Steps that train the bias of the decoder's last layer alone before all else, so that training starts
            from each pixel's frequencies; 0 leaves it random. For levels, whose probabilities lie far from there.
    """

    method: Literal["gradient", "pca"] = "gradient"
    epochs: int = 10
    batch_size: int = 128
    seed: int = 0
    optimizer: Part = Part("adam")
    learning_rate: float | Part = 1e-3
    corruption: Part = Part("none")
    gradient_clip: float = 0.0
    ema_decay: float = 0.0
    patience: int = 0
    precision: PrecisionName = "auto"
    compile: Literal["auto", "on", "off"] = "auto"
    device: str = "auto"
    checkpoint_seconds: float = 20.0
    snapshots: int = 32
    snapshot_examples: list[int] = field(default_factory=lambda: [1, 4, 12, 15, 22])
    start_from: str = ""
    bias_steps: int = 0


@dataclass(frozen=True)
class Recipe:
    """Everything needed to rebuild a run.

    Arguments:
        title: One line: what it is.
        reference: Where it comes from, and what it is known to reach.
    """

    title: str = ""
    reference: str = ""
    data: DataRecipe = DataRecipe()
    model: ModelRecipe = ModelRecipe()
    objective: Part = Part("elbo")
    training: TrainingRecipe = TrainingRecipe()

    @classmethod
    def from_toml(cls, text: str, *, where: str = "recipe") -> "Recipe":
        r"""Read a recipe.

        Raises:
            VaelError: The text is no TOML, a key is unknown, or a value has the wrong type.

        >>> Recipe.from_toml("[training]\nepochs = 3").training.epochs
        3
        """
        try:
            tree = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise VaelError(f"{where} is not valid TOML: {error}") from None
        return read_value(cls, tree, "")

    @classmethod
    def find(cls, name: str) -> "Recipe":
        """Read a shipped recipe by name, or a recipe file by path.

        Raises:
            VaelError: No such recipe (the closest match is shown) or an invalid file.
        """
        if name.endswith(".toml") or "/" in name:
            path = Path(name)
            if not path.is_file():
                raise VaelError(f"no recipe file at {path}: give the path of a .toml file or a name of 'vael recipes'")
        elif name in shipped_recipes():
            path = SHIPPED / f"{name}.toml"
        else:
            raise unknown_name("recipe", name, shipped_recipes())
        return cls.from_toml(path.read_text(encoding="utf-8"), where=str(path))

    def to_toml(self) -> str:
        """Write the recipe so that `from_toml` gives it back."""
        return "\n".join(_write_table("", _plain(self))).strip() + "\n"

    def settings(self) -> dict[str, Any]:
        """Return every value by its path, as `override` takes them.

        >>> Recipe().settings()["model.encoder.name"]
        'mlp'
        """
        return dict(_walk(_plain(self)))

    def override(self, settings: Mapping[str, Any]) -> "Recipe":
        """Replace single values by their path.

        Naming another part drops the options of the one before.

        >>> Recipe().override({"training.epochs": 3, "model.encoder.hidden_features": [400, 150]}).training.epochs
        3
        """
        tree = _plain(self)
        names_first = sorted(settings.items(), key=lambda item: (item[0].count("."), not item[0].endswith(".name")))
        for key, value in names_first:
            _set(tree, key.split("."), copy.deepcopy(value))  # later settings write into it
        return read_value(type(self), tree, "")


def parse_settings(settings: Iterable[str]) -> dict[str, Any]:
    """Read settings given as `key.path=value`, the value in TOML (bare words are strings).

    >>> parse_settings(["training.epochs=3", "data.source=mnist"])
    {'training.epochs': 3, 'data.source': 'mnist'}
    """
    found = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise VaelError(f"--set expects key=value, got '{setting}': try --set training.epochs=3")
        found[key.strip()] = _parse_value(value.strip())
    return found


def shipped_recipes() -> list[str]:
    """List the names of the recipes that come with the package, sorted."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def read_value(kind: Any, value: Any, where: str) -> Any:
    """Turn a plain TOML value into the type that a field or an option states.

    Arguments:
        kind: A type annotation: numbers, strings, `Literal`, lists and tuples of them, unions, parts, dataclasses.
        value: What TOML holds.
        where: The key's path, for the error.

    Raises:
        VaelError: The value has another type.

    >>> read_value(tuple[int, ...], [400, 150], "hidden_features")
    (400, 150)
    """
    origin = typing.get_origin(kind)
    if origin in (Union, types.UnionType):
        return _read_union(typing.get_args(kind), value, where)
    if kind is Part:
        return _read_part(value, where)
    if dataclasses.is_dataclass(kind):
        return _read_dataclass(kind, value, where)
    if origin is Literal:
        if value not in typing.get_args(kind):
            raise unknown_name(where, str(value), typing.get_args(kind))
        return value
    if origin in (list, tuple):
        return _read_sequence(kind, value, where)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise VaelError(f"{where} expects {_name(kind)}, got {value!r}")
    if kind is float and not math.isfinite(value):
        raise VaelError(f"{where} expects a finite number, got {value!r}")
    return value


def _read_sequence(kind: Any, value: Any, where: str) -> Any:
    inner = typing.get_args(kind)[0]
    if not isinstance(value, (list, tuple)):
        raise VaelError(f"{where} expects a list, got {value!r}: try {where}=[{value}]")
    return typing.get_origin(kind)(read_value(inner, item, f"{where}[{i}]") for i, item in enumerate(value))


def _name(kind: Any) -> str:
    words = {int: "an integer", float: "a number", str: "a string", bool: "true or false", Part: "a part with a name"}
    return words.get(kind, "a list")


def _read_union(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    for kind in kinds:
        if kind is Part and not isinstance(value, (dict, str)):
            continue
        try:
            return read_value(kind, value, where)
        except VaelError:
            if kind is Part:
                raise
    raise VaelError(f"{where} expects {' or '.join(map(_name, kinds))}, got {value!r}")


def _read_part(value: Any, where: str) -> Part:
    if isinstance(value, str):
        return Part(value)
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise VaelError(f'{where} expects a part such as {{ name = "…" }}, got {value!r}')
    return Part(value["name"], {key: option for key, option in value.items() if key != "name"})


def _read_dataclass(kind: Any, tree: Any, where: str) -> Any:
    if not isinstance(tree, dict):
        raise VaelError(f"{where} expects a table, got {tree!r}")
    hints = typing.get_type_hints(kind)
    prefix = f"{where}." if where else ""
    for key in tree:
        if key not in hints:
            raise unknown_name("key", prefix + key, [prefix + known for known in hints])
    return kind(**{key: read_value(hints[key], value, prefix + key) for key, value in tree.items()})


def _plain(value: Any) -> Any:
    """Turn dataclasses into nested dictionaries, a part into a table with its name."""
    if isinstance(value, Part):
        return {"name": value.name, **{key: _plain(option) for key, option in value.options.items()}}
    if dataclasses.is_dataclass(value):
        return {item.name: _plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    return value


def _set(tree: dict[str, Any], path: list[str], value: Any) -> None:
    for i, key in enumerate(path[:-1]):
        if not isinstance(tree.get(key), dict):
            known = _walk(tree, "".join(f"{part}." for part in path[:i]))
            raise unknown_name("key", ".".join(path), [leaf for leaf, _ in known])
        tree = tree[key]
    old = tree.get(path[-1])
    if isinstance(old, dict) and "name" in old and isinstance(value, str):
        value = old if value == old["name"] else {"name": value}
    if path[-1] == "name" and value != tree.get("name"):
        tree.clear()
    tree[path[-1]] = value


def _walk(tree: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value with its path."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _walk(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _parse_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _write_table(name: str, table: Mapping[str, Any]) -> list[str]:
    """Write one table: its own values first, then the tables in it."""
    inner = {key: value for key, value in table.items() if isinstance(value, Mapping)}
    lines = [f"\n[{name}]"] if name else []
    lines += [f"{key} = {_write_value(value)}" for key, value in table.items() if key not in inner]
    for key, value in inner.items():
        lines += _write_table(f"{name}.{key}" if name else key, value)
    return lines


def _write_value(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_write_value, value)) + "]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)  # JSON strings, integers and booleans are TOML ones
