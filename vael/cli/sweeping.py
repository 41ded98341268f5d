"""`vael sweep`."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from vael.cli.options import Places
from vael.cli.words import format_duration, plain_table
from vael.recipe import parse_settings

if TYPE_CHECKING:
    from vael.sweeps import SweepResult, Trial

__all__ = ["sweep"]

Quiet = Annotated[bool, Parameter(negative="")]


@Parameter(name="*")
@dataclass(frozen=True)
class Effort:
    """How much is tried."""

    trials: int = 50
    "Trials in all, those of earlier commands on the same sweep among them."

    jobs: int = 1
    "Processes that train at once; the cores are divided among them."

    minutes: float | None = None
    "Stop after so many minutes, whatever is left."

    storage: str | None = None
    "Address of an SQL storage for the trials, such as sqlite:///sweep.db; a journal in the sweep's folder otherwise."


def sweep(
    recipe: str,
    *,
    space: Path | None = None,
    set: Annotated[list[str] | None, Parameter(name=["--set", "-s"], negative="")] = None,
    name: str | None = None,
    effort: Effort | None = None,
    places: Places | None = None,
    quiet: Quiet = False,
    json: Quiet = False,
) -> None:
    """Search the settings of a recipe that give the best bound on validation examples.

    The same command goes on with a sweep that was stopped or killed, and a second one beside it helps.

    For example:

        vael sweep basic --trials 50 --jobs 2 --minutes 30
        vael sweep digits --trials 20
        vael sweep binary-20 --space space.toml --set training.epochs=20
        vael train --recipe runs/sweep-basic/best.toml

    Parameters
    ----------
    recipe
        A name of `vael recipes`, or a .toml file.
    space
        What may vary: a .toml file of lines such as "training.batch_size" = { choices = [64, 128] } or
        "training.learning_rate" = { low = 1e-4, high = 1e-2, log = true }. Without it the space that ships for the
        recipe is taken.
    set
        Replace one value of the recipe for all trials, as key.path=value; may be given several times.
    name
        The sweep's name; sweep- and the recipe's otherwise.
    quiet
        Print nothing but the path of the recipe that was found.
    json
        Print one JSON object for each trial, and one for the result.
    """
    from vael.sweeps import sweep as search

    effort, places = effort or Effort(), places or Places()
    with _stop_on_interrupt() as asked:
        result = search(
            recipe,
            trials=effort.trials,
            jobs=effort.jobs,
            minutes=effort.minutes,
            on_trial=_print_json if json else None if quiet else _print_line,
            should_stop=lambda: bool(asked),
            space=space,
            settings=parse_settings(set or []),
            name=name,
            storage=effort.storage,
            runs=places.runs,
            data_root=places.data_root,
        )
    _say_result(result, quiet=quiet, as_json=json)
    if asked:
        raise SystemExit(130)


@contextmanager
def _stop_on_interrupt() -> Iterator[list[int]]:
    """Give a list that is filled at the first Ctrl-C; a second one ends the command at once."""
    asked: list[int] = []

    def ask(number: int, frame: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def _print_json(trial: "Trial", best: "Trial | None") -> None:
    print(json.dumps(asdict(trial)), flush=True)


def _print_line(trial: "Trial", best: "Trial | None") -> None:
    so_far = "" if best is None else f"   best {_bound(best):.2f} (trial {best.number})"
    print(f"  {_in_words(trial)}{so_far}", flush=True)


def _in_words(trial: "Trial") -> str:
    bound = "–" if trial.elbo_nats is None else f"{trial.elbo_nats:.2f} nats"
    epochs = f"{trial.epochs} epoch{'' if trial.epochs == 1 else 's'}"
    seconds = format_duration(trial.seconds or 0.0)
    return f"trial {trial.number:3d}  {trial.state:8s}  {bound:>12s}  {epochs:>10s}  {seconds:>12s}"


def _bound(trial: "Trial") -> float:
    return float("-inf") if trial.elbo_nats is None else trial.elbo_nats


def _say_result(result: "SweepResult", *, quiet: bool, as_json: bool) -> None:
    path = result.path / "best.toml"
    if as_json:
        print(json.dumps(result.as_dict()))
    elif quiet:
        print(path)
    else:
        Console(highlight=False).print(_settings_table(result))
        for line in _last_lines(result):
            print(line)


def _settings_table(result: "SweepResult") -> Any:
    """Lay out what was varied: as the recipe has it, as the best trial has it, and how much it mattered."""
    table = plain_table("\nsetting", "\nthe recipe", "\nthe best", "\nshare in what mattered")
    for path, value in result.best.params.items():
        share = result.importance.get(path)
        stated = result.stated.get(path)
        table.add_row(path, _in_short(stated), _in_short(value), "–" if share is None else f"{share:.2f}")
    return table


def _in_short(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _last_lines(result: "SweepResult") -> Iterator[str]:
    states = [trial.state for trial in result.trials]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    yield f"\n{len(states)} trials: {counts}"
    yield f"The best, trial {result.best.number}: ELBO {_bound(result.best):.2f} nats on the validation split"
    if result.test is not None and result.test.elbo_nats is not None:
        error = result.test.elbo_nats_se or 0.0
        yield f"On the test split, measured once: ELBO {result.test.elbo_nats:.2f} ± {error:.2f} nats"
    yield f"Its run lies in {result.run_path}; all trials in {result.path}/trials.csv"
    yield f"Next: vael train --recipe {result.path}/best.toml   vael studio {result.path}/trials"
