"""`vael refit-prior`."""

import json as json_module
import sys
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from rich.console import Console

from vael.cli.options import Places, open_run
from vael.recipe import parse_settings

if TYPE_CHECKING:
    from vael.experiments import Run

__all__ = ["refit_prior"]

Flag = Annotated[bool, Parameter(negative="")]


def refit_prior(
    run: str,
    *,
    prior: Literal["gaussian-mixture", "gmm", "flow", "kernel", "second-stage"] = "gaussian-mixture",
    set: Annotated[list[str] | None, Parameter(name=["--set", "-s"], negative="")] = None,
    name: str | None = None,
    epochs: int = 50,
    seed: int = 0,
    places: Places | None = None,
    json: Flag = False,
) -> None:
    """Fit a prior to the codes of a trained run; make a new run of the old weights and that prior.

    For example:

        vael refit-prior binary-20-1
        vael refit-prior binary-20-1 --prior flow --set kind=spline
        vael refit-prior autoencoder-1 --prior kernel --name autoencoder-sampled

    Parameters
    ----------
    run
        A run's name or path.
    prior
        A mixture of normals (gmm for short), a normalising flow, normals on stored codes, or a second, small VAE.
    set
        Set one option of the prior, as option=value; may be given several times.
    name
        The new run's name; runs are numbered otherwise.
    epochs
        The most passes through the codes; held-out codes stop a fit that gets no better.
    seed
        Seed of draws, order and first weights.
    json
        Print one JSON object.
    """
    from vael.experiments.refit import refit_prior as refit

    def show(epoch: int, density: float) -> None:
        if not json and sys.stdout.isatty():
            print(f"\r  pass {epoch}  held-out log-density {density:.2f} nats", end="", flush=True)

    opened = open_run(run, places)
    settings = parse_settings(set or [])
    prior = "gaussian-mixture" if prior == "gmm" else prior
    made = refit(opened, prior, settings=settings, name=name, epochs=epochs, seed=seed, on_epoch=show)
    if json:
        reached = {key: made.info[key] for key in ("refitted_from", "results")}
        print(json_module.dumps({"run": str(made.path), **reached}))
    else:
        _say_result(made)


def _say_result(run: "Run") -> None:
    from vael.cli.words import bounds_table, format_duration

    info, console = run.info, Console(highlight=False)
    origin, results = info["refitted_from"], info["results"]
    before, after = origin["held_out_nats_before"], origin["held_out_nats"]
    print(f"\rPrior {origin['prior']} fitted to {origin['num_examples']:,} codes of {origin['run']}", end=" ")
    print(f"in {format_duration(info['training_seconds'])}.")
    print(f"Log-density of {origin['num_held_out']:,} held-out codes: {before:.2f} nats before, {after:.2f} now.")
    print(f"On the {results['split']} split ({results['num_examples']:,} examples):")
    console.print(bounds_table(results))
    print(f"The run lies in {run.path}")
