"""The runs of a folder, each summed up without reading all that it wrote."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vael.errors import VaelError
from vael.recipe import Recipe
from vael.runs.folder import RunFolder, run_paths
from vael.runs.skimming import Skimmed, finite, skim

__all__ = ["RunSummary", "list_runs", "summarise"]

STATES = ("created", "running", "interrupted", "finished", "failed", "killed")


@dataclass(frozen=True)
class RunSummary:
    """Hold what a list shows of one run.

    Arguments:
        name: The run's name.
        state: created, running, interrupted, finished, failed, killed (the process is gone without a word), or damaged:
            then `reason` says what is wrong, and there is nothing else.
        data: The source that its recipe names.
        epoch: The epoch of the last record, 0 before the first one.
        epochs: Epochs of the whole training.
        step: Steps done at the last record.
        total_steps: Steps of the whole training; None for runs that have not recorded it.
        split: Which examples the bound is of.
        elbo_nats: The results of a finished run, else the last held-out record's bound (the last one's, where none is).
        rate_nats: As `elbo_nats`.
        distortion_nats: As `elbo_nats`.
        started: When, as `2026-11-21T13:56:12+0000`.
        training_seconds: How long a finished run was trained.
        reason: Why it failed, or what is damaged.
        sparkline: At most 48 bounds, nats, of held-out records (of training ones, where none is), oldest first, finite,
            about evenly spaced over the training.
    """

    name: str
    state: str
    data: str | None = None
    epoch: int | None = None
    epochs: int | None = None
    step: int | None = None
    total_steps: int | None = None
    split: str | None = None
    elbo_nats: float | None = None
    rate_nats: float | None = None
    distortion_nats: float | None = None
    started: str | None = None
    training_seconds: float | None = None
    reason: str | None = None
    sparkline: tuple[float, ...] = ()


def list_runs(root: Path) -> list[RunFolder]:
    """List the run folders under `root`, damaged ones too, oldest first."""
    aged = [(age, path) for path in run_paths(root) if (age := _age(path)) is not None]
    return [RunFolder(path) for _, path in sorted(aged)]


def _age(path: Path) -> float | None:
    """Return when a run was made; None where it has gone while it was looked at."""
    for name in ("recipe.toml", "run.json"):
        try:
            return (path / name).stat().st_mtime
        except OSError:
            continue
    return None


def summarise(folder: RunFolder) -> RunSummary:
    """Sum a run up from its run.json, its recipe and a few places of its metrics.jsonl.

    It raises nothing: what is wrong with a damaged run, or one of a newer vael, stands in its `reason`.
    """
    try:
        return _summarise(folder)
    except VaelError as error:
        return RunSummary(folder.name, "damaged", reason=str(error))


def _summarise(folder: RunFolder) -> RunSummary:
    info = folder.info()
    state = folder.status_of(info)
    if state not in STATES:
        raise VaelError(f"{folder.path}/run.json expects a status of {', '.join(STATES)}, got '{state}'")
    skimmed = _skim(folder.path / "metrics.jsonl")
    last, results = skimmed.last or {}, _table(info, "results")
    judged = results if state == "finished" and results else skimmed.judged or {}
    return RunSummary(
        folder.name,
        state,
        data=_text(_table(info, "data").get("source")),
        epoch=_count(last.get("epoch")) or 0,
        epochs=_epochs(folder.path / "recipe.toml"),
        step=last.get("step", 0),
        total_steps=_count(info.get("total_steps")),
        split=_text(judged.get("split")),
        elbo_nats=finite(judged.get("elbo_nats")),
        rate_nats=finite(judged.get("rate_nats")),
        distortion_nats=finite(judged.get("distortion_nats")),
        started=_text(info.get("started")),
        training_seconds=finite(info.get("training_seconds")),
        reason=_text(info.get("reason")) if state == "failed" else None,
        sparkline=skimmed.curve,
    )


def _skim(path: Path) -> Skimmed:
    try:
        with path.open("rb", buffering=0) as handle:  # no read-ahead: a few places are all that is wanted
            return skim(handle)
    except FileNotFoundError:
        return Skimmed(None, None, ())
    except OSError as error:
        raise VaelError(f"{path} cannot be read ({error.strerror or error})") from None


def _epochs(path: Path) -> int:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise VaelError(f"{path} cannot be read ({error})") from None
    return Recipe.from_toml(text, where=str(path)).training.epochs


def _table(info: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return a table of run.json; an empty one where something else stands in its place."""
    value = info.get(key)
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
