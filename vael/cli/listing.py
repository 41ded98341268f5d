"""`vael runs`, `vael show`, `vael recipes`, `vael datasets`."""

import json as json_module
from dataclasses import asdict
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from vael.cli.options import Places
from vael.cli.words import bounds_table, format_duration, plain_table

__all__ = ["datasets", "recipes", "runs", "show"]

Flag = Annotated[bool, Parameter(negative="")]


def runs(*, places: Places | None = None, json: Flag = False) -> None:
    """List the runs with their state and main numbers.

    Parameters
    ----------
    json
        Print a JSON list.
    """
    from vael.runs import list_runs, summarise

    places = places or Places()
    rows = [summarise(folder) for folder in list_runs(places.runs)]
    if json:
        print(json_module.dumps([asdict(row) for row in rows], indent=2))
        return
    if not rows:
        print(f"No runs in {places.runs}: 'vael train' makes one.")
        return
    table = plain_table("run", "data", "state", "epoch", "split", "ELBO", "rate", "distortion")
    for row in rows:
        numbers = [_two_digits(number) for number in (row.elbo_nats, row.rate_nats, row.distortion_nats)]
        epochs = "–" if row.epoch is None else f"{row.epoch}/{row.epochs}"
        table.add_row(row.name, row.data or "?", row.state, epochs, row.split or "–", *numbers)
    _console().print(table)


def show(run: str, *, places: Places | None = None, json: Flag = False) -> None:
    """Print a run's recipe, environment and results, and what is wrong with it.

    Parameters
    ----------
    run
        A run's name or path.
    json
        Print one JSON object.
    """
    from vael.runs import RunFolder
    from vael.views.watching import watch_folder

    places = places or Places()
    folder = RunFolder.open(run, root=places.runs)
    info, recipe = folder.info(), (folder.path / "recipe.toml").read_text(encoding="utf-8")
    if json:
        print(
            json_module.dumps({"run": str(folder.path), "state": folder.status(), "recipe": recipe, **info}, indent=2)
        )
        return
    console = _console()
    console.print(f"{folder.path}  ({folder.status()})\n")
    print(recipe)
    table = plain_table("environment", "", numbers=False)
    for key, value in _environment(info).items():
        table.add_row(key, value)
    console.print(table)
    if info.get("results"):
        console.print(f"\nresults on the {info['results']['split']} split")
        console.print(bounds_table(info["results"]))
    for finding in watch_folder(folder):
        if finding.tone != "good":
            console.print(f"\n{finding.title}\n{finding.text}", markup=False)


def recipes(name: str | None = None) -> None:
    """List the recipes that come with vael, or print one.

    Parameters
    ----------
    name
        A recipe's name: print it whole, ready to be copied into a file and changed.
    """
    from vael.recipe import Recipe, shipped_recipes

    if name is not None:
        print(Recipe.find(name).to_toml(), end="")
        return
    table = plain_table("recipe", "what it is", numbers=False)
    for known in shipped_recipes():
        table.add_row(known, Recipe.find(known).title)
    _console().print(table)


def datasets(*, places: Places | None = None) -> None:
    """List the data sets, and whether they lie here or would be downloaded."""
    from vael.data import describe

    places = places or Places()
    table = plain_table("name", "what it is", "where", numbers=False)
    for entry in describe(root=places.data_root):
        elsewhere = "your files" if entry.name.endswith(":PATH") else "not here"
        table.add_row(entry.name, entry.summary, str(entry.where or elsewhere))
    _console().print(table)


def _environment(info: dict[str, Any]) -> dict[str, str]:
    versions = ", ".join(f"{name} {number}" for name, number in info["versions"].items())
    compute = info["compute"]
    return {
        "started": info["started"],
        "versions": versions,
        "git commit": info.get("git_commit") or "–",
        "seed": str(info["seed"]),
        "data": f"{info['data']['source']}, fingerprint {info['data']['fingerprint']}",
        "examples": ", ".join(f"{count:,} {split}" for split, count in info["data"]["counts"].items()),
        "parameters": f"{info['num_parameters']:,}",
        "device": f"{compute['device']} ({compute['processor']}, {compute['threads']} threads)",
        "products": f"{'bfloat16' if compute['autocast'] else 'float32'}; float32 setting '{compute['products']}'",
        "steps": f"{'compiled' if compute['compiled'] else 'eager'}: {compute['compile_reason']}",
        "trained for": format_duration(info["training_seconds"]) if "training_seconds" in info else "–",
    }


def _two_digits(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _console() -> Console:
    return Console(highlight=False)
