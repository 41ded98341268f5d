"""What a sweep varies: a TOML file of paths into a recipe, each with a range, with choices, or with a fixed value.

    "training.learning_rate" = { low = 1e-4, high = 1e-2, log = true }
    "training.batch_size" = { choices = [64, 128, 256] }
    "training.ema_decay" = { value = 0.999 }

A space is checked against the recipe before anything is trained: each end and each choice is put into the recipe, which
refuses unknown paths and wrong types in its own words.
"""

import json
import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vael.build import check_recipe
from vael.errors import VaelError
from vael.recipe import Recipe
from vael.sweeps.league import check_league, check_path

__all__ = ["Choices", "Range", "Space", "shipped_spaces"]

SHIPPED = Path(__file__).parent / "spaces"
KEYS = ("low", "high", "log", "step", "choices", "value")
EXPECTED = "{ low = …, high = … }, { choices = […] } or { value = … }"


@dataclass(frozen=True)
class Range:
    """Let a number vary from `low` to `high`, both included.

    Arguments:
        low: The least value.
        high: The largest value, above `low`.
        log: Whether ratios count instead of differences; then `low` > 0.
        step: The distance of two values; None means 1 for integers and any value between for numbers.
        is_integer: Whether the recipe takes integers alone here.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None
    is_integer: bool = False

    def edges(self) -> tuple[Any, ...]:
        """Return the values to try on the recipe."""
        return self.low, self.high

    def holds(self, label: Any) -> bool:
        """Whether a value lies in the range, on its steps."""
        is_number = isinstance(label, (int, float)) and not isinstance(label, bool)
        if not is_number or not self.low <= label <= self.high:
            return False
        steps = 0.0 if self.step is None else (label - self.low) / self.step
        return math.isclose(steps, round(steps), abs_tol=1e-9)

    def value(self, label: Any) -> Any:
        """Return the value in the recipe that a label stands for."""
        return label


@dataclass(frozen=True)
class Choices:
    """Let a value be one of several.

    Arguments:
        values: Numbers, words, lists or tables, as TOML holds them; at least two, all different.
    """

    values: tuple[Any, ...]

    def edges(self) -> tuple[Any, ...]:
        """Return the values to try on the recipe."""
        return self.values

    @property
    def labels(self) -> tuple[Any, ...]:
        """What stands for each value in tables and in the storage: lists and tables as JSON."""
        return tuple(_label(value) for value in self.values)

    def holds(self, label: Any) -> bool:
        """Whether a label is one of them."""
        return label in self.labels

    def value(self, label: Any) -> Any:
        """Return the value in the recipe that a label stands for."""
        return self.values[self.labels.index(label)]


@dataclass(frozen=True)
class Space:
    """Hold what a sweep varies, by path into the recipe.

    Arguments:
        varied: A range or choices by path.
        fixed: Values that every trial has.
    """

    varied: Mapping[str, Range | Choices]
    fixed: Mapping[str, Any]

    @classmethod
    def from_toml(cls, text: str, *, where: str = "space") -> "Space":
        r"""Read a space.

        Raises:
            VaelError: The text is no TOML, an entry is none of the three kinds, or nothing varies.

        >>> Space.from_toml('"model.latent_dim" = { low = 2, high = 8 }').varied["model.latent_dim"].high
        8
        """
        try:
            tree = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise VaelError(f"{where} is not valid TOML: {error}") from None
        entries = dict(_entries(tree, ""))
        varied = {path: _read(path, entry) for path, entry in entries.items() if "value" not in entry}
        fixed = {path: _fixed(path, entry) for path, entry in entries.items() if "value" in entry}
        if not varied:
            raise VaelError(f'{where} varies nothing: give a path such as "training.learning_rate" {EXPECTED}')
        return cls(varied, fixed)

    @classmethod
    def find(cls, recipe: str, path: Path | None) -> "Space":
        """Read the space in a file, or the one that ships for a recipe of that name.

        Raises:
            VaelError: No such file, or none ships for the recipe.
        """
        if path is None and recipe not in shipped_spaces():
            known = ", ".join(shipped_spaces())
            raise VaelError(
                f"no space ships for the recipe '{recipe}': give --space FILE.toml (spaces ship for {known})"
            )
        path = path or SHIPPED / f"{recipe}.toml"
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            raise VaelError(f"the space {path} cannot be read ({reason}): give the path of a .toml file") from None
        return cls.from_toml(text, where=str(path))

    def checked(self, recipe: Recipe) -> "Space":
        """Return the space as it fits a recipe: ranges of integers where the recipe takes integers alone.

        Raises:
            VaelError: An unknown path (the closest is shown), a wrong type or value, or bounds that would not compare.
        """
        for path in self.varied:
            check_path(path)
        base = recipe.override(self.fixed)
        varied = {path: _fitted(base, path, choice) for path, choice in self.varied.items()}
        return replace(self, varied=varied)

    def settings(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Turn the labels of a trial into settings of a recipe, the fixed ones among them."""
        return {**self.fixed, **{path: self.varied[path].value(label) for path, label in params.items()}}

    def stated(self, recipe: Recipe) -> dict[str, Any]:
        """Return the labels of what a recipe states itself, where the space holds it."""
        known = recipe.override(self.fixed).settings()
        found = {path: _label(known.get(path, known.get(f"{path}.name"))) for path in self.varied}
        return {path: label for path, label in found.items() if self.varied[path].holds(label)}

    def as_dict(self) -> dict[str, Any]:
        """Return the space as JSON holds it."""
        kinds = {path: {**vars(choice), "kind": type(choice).__name__} for path, choice in self.varied.items()}
        return json.loads(json.dumps({"varied": kinds, "fixed": dict(self.fixed)}))

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> "Space":
        """Return the space that `as_dict` wrote down."""
        varied: dict[str, Range | Choices] = {}
        for path, entry in tree["varied"].items():
            options = {key: value for key, value in entry.items() if key != "kind"}
            is_range = entry["kind"] == "Range"
            varied[path] = Range(**options) if is_range else Choices(tuple(options["values"]))
        return cls(varied, tree["fixed"])


def shipped_spaces() -> list[str]:
    """List the recipes for which a space ships, sorted."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def _entries(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every entry with its path; dots outside of quotes make tables, which mean the same."""
    for key, value in tree.items():
        path = prefix + key
        if not isinstance(value, dict) or not value:
            raise VaelError(f'"{path}" expects {EXPECTED}, got {value!r}')
        if any(isinstance(inner, dict) for inner in value.values()) and not set(value) & set(KEYS):
            yield from _entries(value, f"{path}.")
        else:
            yield path, value


def _read(path: str, entry: dict[str, Any]) -> Range | Choices:
    if set(entry) == {"choices"}:
        return _read_choices(path, entry["choices"])
    if not {"low", "high"} <= set(entry) <= {"low", "high", "log", "step"}:
        raise VaelError(f'"{path}" expects {EXPECTED}, got {entry!r}')
    numbers = {key: entry[key] for key in ("low", "high", "step") if key in entry}
    for key, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise VaelError(f'"{path}" expects a number as {key}, got {value!r}')
    log = entry.get("log", False)
    if not isinstance(log, bool):
        raise VaelError(f'"{path}" expects log = true or false, got {log!r}')
    _check_range(path, log=log, **numbers)
    return Range(log=log, **numbers)


def _check_range(path: str, *, low: float, high: float, log: bool, step: float | None = None) -> None:
    if low >= high:
        raise VaelError(f'"{path}" expects low < high, got {low} and {high}')
    if log and low <= 0:
        raise VaelError(f'"{path}" expects low > 0 with log = true, got {low}')
    if step is not None and (log or not 0 < step <= high - low):
        raise VaelError(f'"{path}" expects a step > 0 inside the range, without log = true, got {step}')
    if step is not None and not math.isclose((high - low) / step, round((high - low) / step), rel_tol=1e-9):
        raise VaelError(f'"{path}" expects a whole number of steps from low to high, got {low}, {high} and {step}')


def _read_choices(path: str, values: Any) -> Choices:
    if not isinstance(values, list) or len(values) < 2:
        raise VaelError(f'"{path}" expects a list of at least two choices, got {values!r}')
    choices = Choices(tuple(values))
    if any(label in choices.labels[:i] for i, label in enumerate(choices.labels)):
        raise VaelError(f'"{path}" names a choice twice: {values!r}')
    return choices


def _fixed(path: str, entry: dict[str, Any]) -> Any:
    if set(entry) != {"value"}:
        raise VaelError(f'"{path}" expects {EXPECTED}, got {entry!r}')
    return entry["value"]


def _label(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, (list, tuple, dict)) else value


def _fitted(base: Recipe, path: str, choice: Range | Choices) -> Range | Choices:
    """Try each end or choice on the recipe; make a range one of integers where numbers between are refused."""
    for value in choice.edges():
        _try(base, path, value)
    if isinstance(choice, Choices) or isinstance(choice.low, float) or isinstance(choice.high, float):
        return choice
    try:
        _try(base, path, choice.low + 0.5)
    except VaelError:
        if isinstance(choice.step, float):
            raise VaelError(f'"{path}" takes integers and so an integer step, got {choice.step}') from None
        return replace(choice, is_integer=True)
    return choice


def _try(base: Recipe, path: str, value: Any) -> None:
    recipe = base.override({path: value})
    check_recipe(recipe)
    check_league(recipe)
