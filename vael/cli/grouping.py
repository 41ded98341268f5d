"""`vael cluster`."""

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import Console

from vael.cli.measures import CLUSTERING
from vael.cli.options import Output, Places, open_run
from vael.cli.words import plain_table

if TYPE_CHECKING:
    from vael.experiments import Run
    from vael.tasks import Clustering

__all__ = ["cluster"]

Flag = Annotated[bool, Parameter(negative="")]
NUMBERS = (".npz", ".csv", ".parquet")
BESIDE = 6  # centres of a table in one printed table


def cluster(
    run: str,
    *,
    method: Literal["prior", "k-means", "gaussian-mixture", "spectral"] | None = None,
    num_clusters: int | None = None,
    split: str | None = None,
    seed: int = 0,
    output: Output = None,
    places: Places | None = None,
    json: Flag = False,
) -> None:
    """Group examples by where they lie in the latent space: a row of images, or a row of numbers, for each cluster.

    For example:

        vael cluster binary-20-1
        vael cluster binary-20-1 --method k-means --num-clusters 20 --output clusters.png
        vael cluster wine-1 --split train --output clusters.csv

    Parameters
    ----------
    run
        A run's name or path.
    method
        The components of the run's own gaussian-mixture prior, or k-means or a mixture of normals that are fitted to
        the codes of the training split, or spectral, which groups eight times as many normals by their overlap: for
        clusters of any shape. Without it, the prior where it is such a mixture, else the fitted mixture.
    num_clusters
        How many; without it, as many as the prior has components, or else 10.
    split
        Which examples: train, valid or test.
    seed
        Seed of the starts that k-means and mixtures try.
    output
        Where to: .png, .svg or .pdf shows each cluster's centre and members; .npz, .csv and .parquet hold the cluster
        of every example and how probable each is. Without it, a file in the run's folder.
    json
        Print one JSON object.
    """
    opened = open_run(run, places)
    found = opened.cluster(method, num_clusters, split, seed=seed)
    split, labels = split or opened.default_split, opened.labels(split)
    majorities = found.majorities(labels) if labels else None
    path = output or (opened.path / "figures" / "clusters.png" if opened.is_image else opened.path / "clusters.csv")
    if path.suffix in NUMBERS:
        _write(path, opened, found, labels)
    else:
        _draw(path, opened, found, majorities, split)
    if json:
        print(json_module.dumps({"output": str(path), **_in_numbers(opened, found, majorities, split)}))
        return
    _print(opened, found, majorities, split)
    print(path)


def _in_numbers(
    run: "Run", found: "Clustering", majorities: list[tuple[str, float]] | None, split: str
) -> dict[str, Any]:
    """Return what JSON holds; a share of an empty cluster is null."""
    from dataclasses import asdict

    told: dict[str, Any] = {
        "method": found.method,
        "num_clusters": len(found.centers),
        "split": split,
        "count": len(found.labels),
        "sizes": found.sizes.tolist(),
    }
    if majorities is not None and found.agreement is not None:
        shares = [{"label": name, "share": share} if name else None for name, share in majorities]
        told |= {"majorities": shares, **asdict(found.agreement)}
    return told if run.is_image else told | {"centers": run.in_file_units(found.decoded).tolist()}


def _write(path: Path, run: "Run", found: "Clustering", labels: list[str] | None) -> None:
    """Write the cluster of every example and its probabilities; `.npz` holds the clusters themselves too."""
    from vael.cli.outputs import write_numbers

    numbers: dict[str, Any] = {
        "example": range(len(found.labels)),
        "cluster": found.labels,
        "probability": found.probabilities,
    }
    numbers |= {"label": labels} if labels else {}
    if path.suffix == ".npz":
        decoded = run.in_file_units(found.decoded)
        numbers |= {"centers": found.centers, "decoded": decoded, "members": found.members, "sizes": found.sizes}
    write_numbers(path, numbers, ())


def _draw(path: Path, run: "Run", found: "Clustering", majorities: list[tuple[str, float]] | None, split: str) -> None:
    """Draw each cluster's centre and members, its number, size and most frequent label beside them."""
    from vael.figures import draw_clusters, save_figure

    examples = run.data(split)
    members = [run.pixels(examples.chosen(row[row >= 0]).x.cpu().numpy()) for row in found.members]
    names = [f"{number} · {size:,}" for number, size in enumerate(found.sizes)]
    note = f"By {found.method}. Left the centres, then the members nearest to them. Beside each row: number and size"
    if majorities:
        shares = [f" · “{name}” {share:.0%}" if name else "" for name, share in majorities]
        names = [name + share for name, share in zip(names, shares, strict=True)]
        note += ", most frequent label and its share"
    title = f"{len(names)} clusters of {run.name}, {split} split"
    save_figure(draw_clusters(run.pixels(found.decoded), members, labels=names, title=title, note=f"{note}."), path)


def _print(run: "Run", found: "Clustering", majorities: list[tuple[str, float]] | None, split: str) -> None:
    console = Console(highlight=False)
    console.print(f"{len(found.centers)} clusters of {len(found.labels):,} examples ({split} split) by {found.method}")
    console.print()
    table = plain_table("cluster", "size", "share", *(["most frequent", "its share"] if majorities else []))
    num_empty = int((found.sizes == 0).sum())  # the last ones: clusters are numbered by size
    for number, size in enumerate(found.sizes[: len(found.sizes) - num_empty]):
        row = [f"{size:,}", f"{size / len(found.labels):.1%}"]
        if majorities:
            name, share = majorities[number]
            row += [name, f"{share:.1%}"]
        table.add_row(str(number), *row)
    console.print(table)
    if num_empty:
        console.print(f"{num_empty:,} more clusters are empty")
    if found.agreement is not None:
        against = plain_table("against labels, 0 to 1", "", "± s.e.")
        for key, word in CLUSTERING.items():
            against.add_row(word, *(f"{getattr(found.agreement, name):.3f}" for name in (key, f"{key}_se")))
        console.print()
        console.print(against)
    if not run.is_image:
        _print_centers(console, run, found)
    console.print()


def _print_centers(console: Console, run: "Run", found: "Clustering") -> None:
    """Print the centres in the units of the file, a column for each cluster."""
    rows = run.in_file_units(found.decoded)[: int((found.sizes > 0).sum())]
    for start in range(0, len(rows), BESIDE):
        shown = rows[start : start + BESIDE]
        table = plain_table("centre of cluster", *(str(start + i) for i in range(len(shown))))
        for name, values in zip(run.columns, shown.T, strict=True):
            table.add_row(name, *(f"{value:.4g}" for value in values))
        console.print()
        console.print(table)
