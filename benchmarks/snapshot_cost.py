"""Measure what keeping snapshots costs: the time spent in them over the time of the rest of the training.

    VAEL_DATA=… python benchmarks/snapshot_cost.py [RECIPE …] [--output docs/performance/snapshots.md]

Both times are taken within one training, so that a noisy machine slows both alike.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vael.experiments import prepare
from vael.experiments.snapshots import Snapshots

RECIPES = ("digits", "basic", "binary-20", "manifold-2d", "conv-faces")


def main() -> None:
    """Train each recipe whole and print a table."""
    parser = argparse.ArgumentParser(description="Measure what keeping snapshots costs.")
    parser.add_argument("recipes", nargs="*", default=RECIPES)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    head = "| recipe | training, s | snapshots | in them, s | share | on disk, MB |"
    lines = [head, "|---|---:|---:|---:|---:|---:|"]
    for recipe in options.recipes or RECIPES:
        lines.append(measure(recipe))
        print(lines[-1], flush=True)
    if options.output:
        options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")


def measure(recipe: str) -> str:
    """Train one recipe and return its row."""
    with tempfile.TemporaryDirectory() as folder, timed() as spent:
        experiment = prepare(recipe=recipe, runs=Path(folder))
        for _ in experiment.records():
            pass
        total = experiment.folder.info()["training_seconds"]
        sizes = [path.stat().st_size for path in (experiment.folder.path / "snapshots").iterdir()]
    share = sum(spent) / (total - sum(spent))
    return f"| {recipe} | {total:.1f} | {len(spent)} | {sum(spent):.2f} | {share:.1%} | {sum(sizes) / 1e6:.1f} |"


@contextmanager
def timed() -> Iterator[list[float]]:
    """Time every snapshot that is taken inside."""
    spent: list[float] = []
    take = Snapshots.take

    def timed_take(self: Snapshots, *args: Any, **kwargs: Any) -> None:
        began = time.perf_counter()
        take(self, *args, **kwargs)
        spent.append(time.perf_counter() - began)

    Snapshots.take = timed_take
    try:
        yield spent
    finally:
        Snapshots.take = take


if __name__ == "__main__":
    main()
