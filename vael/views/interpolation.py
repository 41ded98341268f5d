"""The way from one example to another."""

from collections.abc import Sequence

import numpy as np

from vael.errors import VaelError
from vael.experiments import Run
from vael.figures import Figure, draw_image_rows, draw_paths
from vael.views.base import Look, View, name_examples

__all__ = ["Interpolation"]


class Interpolation(View):
    """Two ways between two examples: the straight line and the great circle."""

    summary = "from one example to another, along the straight line and the great circle"
    uses = frozenset({"examples", "num_steps", "split"})

    def refusal(self, run: Run) -> str | None:
        return None

    def draw(self, runs: Sequence[Run], look: Look) -> Figure:
        (run,) = runs
        ends = look.examples or _first_two(run, look.split)
        if len(ends) != 2:
            raise VaelError(f"an interpolation expects two examples, got {len(ends)}: try --examples 0 --examples 7")
        names = name_examples(run, ends, look.split)
        ways = {
            path: run.interpolate(ends[0], ends[1], num_steps=look.num_steps, path=path, split=look.split).x
            for path in ("straight", "spherical")
        }
        if run.is_image:
            labels = [names[0], *[""] * (look.num_steps - 2), names[1]]
            rows = run.pixels(np.stack(list(ways.values())))
            return draw_image_rows(rows, row_labels=list(ways), column_labels=labels, theme=look.theme)
        paths = {path: run.in_file_units(x) for path, x in ways.items()}
        t = np.linspace(0, 1, look.num_steps)
        return draw_paths(t, paths, columns=run.columns, ends=(names[0], names[1]), theme=look.theme)


def _first_two(run: Run, split: str | None) -> tuple[int, int]:
    """Choose the first example and the first one after it with another label."""
    labels = run.labels(split)
    if labels is None:
        return 0, 1
    other = next((i for i, label in enumerate(labels) if label != labels[0]), 1)
    return 0, other
