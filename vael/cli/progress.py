"""How a training looks on the screen: a live line in a terminal, plain lines elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from vael.cli.words import bounds_table, format_duration

if TYPE_CHECKING:
    from vael.experiments import Experiment
    from vael.runs import Record, RunFolder

__all__ = ["show_progress", "show_result", "showing_share"]

PLAIN_LINES = 12
"""About how many epochs a training prints where there is no terminal."""


def show_progress(experiment: "Experiment") -> None:
    """Train and show each record as it comes."""
    _say_start(experiment)
    if sys.stdout.isatty():
        _show_live(experiment)
    else:
        _show_plain(experiment)


def _say_start(experiment: "Experiment") -> None:
    recipe, info = experiment.parts.recipe, experiment.folder.info()
    counts = ", ".join(f"{count:,} {split}" for split, count in info["data"]["counts"].items())
    compute = info["compute"]
    numbers = "bfloat16" if compute["autocast"] else "float32"
    mode = "compiled" if compute["compiled"] else "eager"
    print(f"{experiment.folder.name}: {recipe.title}" if recipe.title else experiment.folder.name)
    print(f"  data   {info['data']['source']}: {counts}")
    print(f"  model  {info['num_parameters']:,} parameters, {_latents_in_words(info['latent_dims'])}")
    print(f"  on     {compute['device']}, {numbers} products, {mode} steps", flush=True)


def _latents_in_words(dims: list[int]) -> str:
    """Say how many latent dimensions there are, and in how many layers.

    >>> _latents_in_words([100, 50])
    '150 latent dimensions in 2 layers'
    """
    return f"{sum(dims)} latent dimensions" + (f" in {len(dims)} layers" if len(dims) > 1 else "")


def _show_live(experiment: "Experiment") -> None:
    columns = [TextColumn("epoch {task.fields[epoch]}"), BarColumn(bar_width=24), TextColumn("{task.fields[text]}")]
    with Progress(*columns, TimeRemainingColumn(), console=Console()) as progress:
        epochs = experiment.parts.plan.epochs
        text = "compiling the step, once …" if experiment.parts.plan.compiled else ""
        task = progress.add_task("", total=experiment.total_steps, epoch=f"0/{epochs}", text=text)
        last_train: Record | None = None
        for record in experiment.records():
            last_train = record if record.split == "train" else last_train
            text = _describe(record, last_train)
            progress.update(task, completed=record.step, epoch=f"{record.epoch}/{epochs}", text=text)


def _show_plain(experiment: "Experiment") -> None:
    """Print the monitor's records (or the training's, where there is no monitor) at a bearable pace."""
    epochs = experiment.parts.plan.epochs
    every = max(1, epochs // PLAIN_LINES)
    last_train: Record | None = None
    has_monitor = experiment.parts.monitor() is not None
    for record in experiment.records():
        last_train = record if record.split == "train" else last_train
        is_due = record.epoch % every == 0 or record.epoch in (1, epochs)
        if is_due and (record.split != "train" or not has_monitor):
            print(f"  epoch {record.epoch}/{epochs}  {_describe(record, last_train)}", flush=True)


def _describe(record: "Record", last_train: "Record | None") -> str:
    values = record.values
    parts = [f"{record.split} elbo {values['elbo_nats']:.2f}"]
    parts += [f"{name} {values[f'{name}_nats']:.2f}" for name in ("rate", "distortion") if f"{name}_nats" in values]
    if last_train is not None and last_train.seconds:
        parts.append(f"{last_train.num_examples / last_train.seconds:,.0f} examples/s")
    return "  ".join(parts)


@contextmanager
def showing_share(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show on a terminal how many of `total` are done; what it yields takes the number. Nothing is left behind."""
    columns = [TextColumn(what), BarColumn(bar_width=24), TextColumn("{task.completed:,} of {task.total:,}")]
    console = Console(stderr=True)
    hidden = not console.is_terminal
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=hidden) as progress:
        task = progress.add_task("", total=total)
        yield lambda done: progress.update(task, completed=done)


def show_result(folder: "RunFolder", info: dict[str, Any]) -> None:
    """Say what a finished run reached and where it lies."""
    results = info.get("results")
    if results:
        seconds = format_duration(info["training_seconds"])
        print(f"\nTrained in {seconds}. On the {results['split']} split ({results['num_examples']:,} examples):")
        Console(highlight=False).print(bounds_table(results))
    print(f"The run lies in {folder.path}")
    pictures = sorted((folder.path / "figures").glob("*.png"))
    for picture in pictures:
        print(f"  {picture}")
    print(f"Next: vael studio {folder.path.parent}   vael report {folder.path}   vael evaluate {folder.path}")
