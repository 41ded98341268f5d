"""`vael train` and `vael resume`."""

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from vael.cli.options import Places
from vael.recipe import parse_settings

if TYPE_CHECKING:
    from vael.experiments import Experiment

__all__ = ["resume", "train"]

Quiet = Annotated[bool, Parameter(negative="")]


def train(
    data: str | None = None,
    *,
    recipe: Annotated[str | None, Parameter(alias="-r")] = None,
    set: Annotated[list[str] | None, Parameter(name=["--set", "-s"], negative="")] = None,
    name: str | None = None,
    places: Places | None = None,
    quiet: Quiet = False,
    json: Quiet = False,
) -> None:
    """Train a VAE into a new run folder.

    For example:

        vael train
        vael train mnist --recipe basic
        vael train photos/ --set data.size=64 --set training.epochs=20
        vael train wine.csv --set model.latent_dim=3 --name wine

    Parameters
    ----------
    data
        A name of `vael datasets`, or a path: a folder or zip of images, .npy, .npz, .csv or .parquet.
        Without it the recipe's own data are taken.
    recipe
        A name of `vael recipes`, or a .toml file. Without it the one that suits the data is taken.
    set
        Replace one value of the recipe, as key.path=value; may be given several times.
    name
        The run's name; runs are numbered otherwise.
    quiet
        Print nothing but the run's path.
    json
        Print one JSON object for each record, and one for the result.
    """
    from vael.experiments import prepare

    places = places or Places()
    experiment = prepare(
        data,
        recipe=recipe,
        settings=parse_settings(set or []),
        name=name,
        runs=places.runs,
        data_root=places.data_root,
    )
    _run(experiment, quiet=quiet, as_json=json)


def resume(
    run: str,
    *,
    epochs: int | None = None,
    places: Places | None = None,
    quiet: Quiet = False,
    json: Quiet = False,
) -> None:
    """Go on with a run from its last checkpoint, exactly as if it had never stopped.

    For example:

        vael resume basic-1
        vael resume basic-1 --epochs 20

    Parameters
    ----------
    run
        A run's name or path.
    epochs
        Train to this many epochs instead of the recipe's.
    quiet
        Print nothing but the run's path.
    json
        Print one JSON object for each record, and one for the result.
    """
    from vael.experiments import reopen

    places = places or Places()
    experiment = reopen(run, epochs=epochs, runs=places.runs, data_root=places.data_root)
    _run(experiment, quiet=quiet, as_json=json)


def _run(experiment: "Experiment", *, quiet: bool, as_json: bool) -> None:
    """Train to the end or to the first Ctrl-C and say what came of it."""
    from vael.cli.progress import show_progress

    with _stop_on_interrupt(experiment):
        if as_json:
            for record in experiment.records():
                print(json.dumps(record.metrics() | record.timings()), flush=True)
        elif quiet:
            for _ in experiment.records():
                pass
        else:
            show_progress(experiment)
    _say_result(experiment, quiet=quiet, as_json=as_json)
    if experiment.stopped:
        sys.exit(130)


@contextmanager
def _stop_on_interrupt(experiment: "Experiment") -> Iterator[None]:
    """End the training cleanly at the first Ctrl-C; a second one ends it at once."""
    asked: list[int] = []

    def ask(number: int, frame: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    before = signal.signal(signal.SIGINT, ask)
    experiment.should_stop = lambda: bool(asked)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _say_result(experiment: "Experiment", *, quiet: bool, as_json: bool) -> None:
    folder = experiment.folder
    info = folder.info()
    if as_json:
        print(json.dumps({"run": str(folder.path), "status": info["status"], "results": info.get("results")}))
    elif quiet:
        print(folder.path)
    elif experiment.stopped:
        print(f"Stopped after {experiment.parts.state.step} steps; go on with: vael resume {folder.path}")
    else:
        from vael.cli.progress import show_result

        show_result(folder, info)
