"""`vael inspect`."""

import json as json_module
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from vael.cli.options import Places, open_run
from vael.cli.words import plain_table
from vael.errors import VaelError

if TYPE_CHECKING:
    from vael.experiments import Run
    from vael.tasks import Inspection

__all__ = ["inspect"]

Flag = Annotated[bool, Parameter(negative="")]


@Parameter(name="*")
@dataclass(frozen=True)
class Drawing:
    """How a file from outside is read."""

    invert: Flag = False
    "Take the negative of FILE: for ink on paper where the data are white on black."

    center: Flag = False
    "Scale and place what FILE shows as MNIST's digits are."

    label: str | None = None
    "What FILE shows, for a model that was trained with model.condition=label."


def inspect(
    run: str,
    file: Path | None = None,
    *,
    examples: Annotated[list[int] | None, Parameter(negative="", consume_multiple=True)] = None,
    split: str | None = None,
    neighbours: int = 8,
    drawing: Drawing | None = None,
    places: Places | None = None,
    json: Flag = False,
) -> None:
    """Say what a model makes of single examples: rate, distortion, how unusual they are, and what lies nearest.

    The score is rate + distortion at the posterior's mean; its percentile is the share of the split's examples that
    the model explains better.

    For example:

        vael inspect basic-1 --examples 3 5
        vael inspect basic-1 drawing.png --invert --center
        vael inspect wine-1 new.csv --json

    Parameters
    ----------
    run
        A run's name or path.
    file
        An image, or a .csv of rows, from outside.
    examples
        Numbers of examples of the split; the first three without it and without FILE.
    split
        What to compare with: train, valid or test; the test split where there is one.
    neighbours
        How many of the nearest examples to list.
    json
        Print one JSON object.
    """
    if file is not None and examples is not None:
        raise VaelError("inspect expects a file or --examples, got both: leave one out")
    opened, drawing = open_run(run, places), drawing or Drawing()
    split, numbers = split or opened.default_split, None
    if file is not None:
        found = opened.inspect_file(
            file,
            label=drawing.label,
            invert=drawing.invert,
            center=drawing.center,
            split=split,
            num_neighbours=neighbours,
        )
    else:
        first = list(range(min(3, len(opened.data(split)))))
        numbers = opened.find_examples(examples or first, split=split)
        found = opened.inspect(numbers, split=split, num_neighbours=neighbours)
    rows = _rows(opened, found, numbers, split)
    if json:
        print(json_module.dumps({"run": str(opened.path), "split": split, "examples": rows}))
    else:
        _print(opened, rows, split)


def _rows(run: "Run", found: "Inspection", numbers: list[int] | None, split: str) -> list[dict[str, Any]]:
    """Return what was found of each example, as JSON holds it; numbers and labels of foreign ones are None."""
    labels, rows = run.labels(split), []
    for row in range(len(found.x)):
        number = None if numbers is None else numbers[row]
        near = zip(found.neighbours.indices[row].tolist(), found.neighbours.distances[row].tolist(), strict=True)
        rows.append(
            {
                "example": number,
                "label": None if number is None or labels is None else labels[number],
                "rate_nats": _finite(found.rate_nats[row]),
                "distortion_nats": _finite(found.distortion_nats[row]),
                "score_nats": _finite(found.score_nats[row]),
                "percentile": _finite(found.percentile[row]),
                "z_mean": [_finite(value) for value in found.z_mean[row]],
                "z_stddev": [_finite(value) for value in found.z_stddev[row]],
                "neighbours": [
                    {"example": other, "label": labels[other] if labels else None, "distance": distance}
                    for other, distance in near
                ],
            }
        )
    return rows


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _print(run: "Run", rows: list[dict[str, Any]], split: str) -> None:
    console = Console(highlight=False)
    console.print(f"{run.name}, compared with its {len(run.data(split)):,} {split} examples; terms in nats\n")
    table = plain_table("example", "label", "rate", "distortion", "score", "percentile")
    names = [str(place) if row["example"] is None else str(row["example"]) for place, row in enumerate(rows)]
    for name, row in zip(names, rows, strict=True):
        terms = [_words(row[key]) for key in ("rate_nats", "distortion_nats", "score_nats")]
        table.add_row(name, row["label"] or "–", *terms, _words(row["percentile"]))
    console.print(table)
    if not any(row["neighbours"] for row in rows):
        return
    near = plain_table("example", "nearest: number (label) and distance", numbers=False)
    for name, row in zip(names, rows, strict=True):
        near.add_row(name, "   ".join(_neighbour(other) for other in row["neighbours"]))
    console.print()
    console.print(near)


def _neighbour(other: dict[str, Any]) -> str:
    label = f" ({other['label']})" if other["label"] else ""
    return f"{other['example']}{label} {other['distance']:.2f}"


def _words(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
