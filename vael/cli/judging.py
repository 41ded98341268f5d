"""`vael evaluate`, `vael compare`."""

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from rich.console import Console

from vael.cli.options import Places, open_run
from vael.cli.progress import showing_share
from vael.errors import VaelError
from vael.types import PrecisionName

if TYPE_CHECKING:
    from vael.evaluation import Evaluation
    from vael.experiments.judging import Judgement

__all__ = ["compare", "evaluate"]

Flag = Annotated[bool, Parameter(negative="")]


def evaluate(
    run: str,
    *,
    split: str | None = None,
    num_samples: int = 64,
    seed: int = 0,
    precision: PrecisionName = "float32",
    compile: Literal["auto", "on", "off"] = "auto",
    measures: Annotated[str | None, Parameter(name="--with")] = None,
    cache: Path | None = None,
    inception: Path | None = None,
    places: Places | None = None,
    json: Flag = False,
) -> None:
    """Estimate the bounds of a run, each with its standard error, and what else is asked for.

    For example:

        vael evaluate basic-1
        vael evaluate basic-1 --split train --num-samples 1 --json
        vael evaluate binary-20-1 --with annealed,gap
        vael evaluate binary-20-1 --with all

    Parameters
    ----------
    run
        A run's name or path.
    split
        Which examples: train, valid or test; the test split where there is one.
    num_samples
        K, draws of z for each example: the larger, the tighter the bound on the NLL.
    seed
        Seed of the draws.
    precision
        What products run in: float32, bfloat16 (convolutions twice as fast where the chip has it), or auto.
    compile
        Whether draws are decoded by a compiled graph: on, off, or auto, where many are ahead.
    measures
        More measures, with commas between them, or 'all' for those that make sense for the run: layers (rates of
        layers and dimensions), overfit, information, gap (why the bound is loose), annealed (log p(x)), samples,
        representations, disentanglement.
    cache
        The folder that keeps the network which compares samples; without it, one in the run's folder.
    inception
        A safetensors file with the weights of torchvision's inception_v3: samples are compared on its features (FID,
        KID), 10,000 at most.
    json
        Print one JSON object.
    """
    from vael.experiments.judging import judge

    opened = open_run(run, places)
    split, found = split or opened.default_split, None
    with showing_share(f"{opened.name}, {split} examples", len(opened.data(split))) as on_batch:
        evaluation = opened.evaluate(
            split, num_samples=num_samples, seed=seed, precision=precision, compile=compile, on_batch=on_batch
        )
    if measures is not None:
        names = None if measures == "all" else [name.strip() for name in measures.split(",")]
        found = judge(opened, names, split=split, seed=seed, cache=cache, inception=inception)
    if json:
        more = {} if found is None else {name: result.as_dict() for name, result in found.results.items()}
        print(json_module.dumps({"run": str(opened.path), "split": split, **evaluation.as_dict(), **more}))
        return
    console = Console(highlight=False)
    console.print(f"{opened.name} on {evaluation.num_examples:,} {split} examples ({evaluation.seconds:.1f} s)")
    _print_bounds(console, evaluation)
    if found is not None:
        _print_measures(console, found)


def _print_bounds(console: Console, evaluation: "Evaluation") -> None:
    from vael.cli.words import bounds_table

    console.print(bounds_table(evaluation.as_dict()))
    if evaluation.nll_nats is None and evaluation.elbo_nats is not None:
        console.print(
            "No NLL: this likelihood is no density on these data (a cross-entropy on grey pixels is not one)."
        )
    if evaluation.elbo_nats is None:
        console.print("No bound: a point posterior has no rate; this is a plain autoencoder.")


def _print_measures(console: Console, found: "Judgement") -> None:
    from vael.cli.measures import measure_table

    for name, result in found.results.items():
        note, table = measure_table(name, result.as_dict())
        console.print()
        console.print(table)
        console.print(note, style="dim")
    for name, why in found.refusals.items():
        console.print(f"\nno {name}: {why}", markup=False)


def compare(
    run: list[str],
    /,
    *,
    split: str | None = None,
    num_samples: int = 64,
    seed: int = 0,
    places: Places | None = None,
    json: Flag = False,
) -> None:
    """Compare runs on the same examples, pair by pair, and say which differences chance does not explain.

    For example:

        vael compare binary-20-1 beta-4-1
        vael compare binary-20-1 beta-4-1 deep-1 --num-samples 500 --json

    Parameters
    ----------
    run
        A run's name or path; two or more, trained on the same data under the same treatment.
    split
        Which examples: train, valid or test; the test split where there is one.
    num_samples
        K, draws of z for each example; with 1 the runs are compared by their ELBO, else by the NLL.
    seed
        Seed of the draws.
    json
        Print one JSON object.
    """
    from vael.cli.measures import comparison_tables
    from vael.experiments.judging import compare as compare_runs

    opened = {name.rstrip("/"): open_run(name, places) for name in run}
    if len(opened) < 2 or len(opened) != len(run):
        raise VaelError(f"compare expects two runs or more, each once, got {', '.join(run)}: name another")
    names = [one.name for one in opened.values()]
    named = {one.name: one for one in opened.values()} if len(set(names)) == len(names) else opened
    split = split or next(iter(named.values())).default_split
    found = compare_runs(named, split=split, num_samples=num_samples, seed=seed)
    if json:
        print(json_module.dumps({"split": split, **found.as_dict()}))
        return
    console = Console(highlight=False)
    console.print(f"{found.num_examples:,} {split} examples, nats an example, the best first")
    for table in comparison_tables(found.as_dict()):
        console.print(table)
        console.print()
    console.print(
        "p: paired t-test, corrected by Holm's method for the number of pairs. It knows the chance in the examples, "
        "not that of another training seed."
    )
