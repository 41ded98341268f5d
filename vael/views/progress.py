"""The same examples through the training."""

from collections.abc import Sequence

import numpy as np

from vael.experiments import Run
from vael.experiments.snapshots import Snapshot
from vael.figures import Figure, draw_image_rows, draw_paths
from vael.views.base import Look, View, name_examples
from vael.views.moments import name_moment, read_snapshots

__all__ = ["Progress"]

NUM_MOMENTS, NUM_ROWS = 8, 5


class Progress(View):
    """Reconstructions of the same examples through the training."""

    summary = "reconstructions of the same examples through the training (from snapshots)"

    def refusal(self, run: Run) -> str | None:
        return None if run.snapshots.paths() else "snapshots, and the training kept none (training.snapshots)"

    def draw(self, runs: Sequence[Run], look: Look) -> Figure:
        (run,) = runs
        snapshots = read_snapshots(run)
        examples = snapshots[-1].examples.tolist()
        if not run.is_image:
            return self._draw_table(run, snapshots, name_examples(run, examples[:NUM_ROWS], None), look)
        original = run.batch(examples).x.cpu().numpy()
        names = name_examples(run, examples, None)
        chosen = _spread(snapshots)
        rows = [run.pixels(original)[None]]
        rows += [run.pixels(snapshot.reconstructions)[None] for snapshot in chosen]
        labels = ["original", *(name_moment(snapshot) for snapshot in chosen)]
        return draw_image_rows(np.concatenate(rows), row_labels=labels, column_labels=names, theme=look.theme)

    def _draw_table(self, run: Run, snapshots: list[Snapshot], names: list[str], look: Look) -> Figure:
        values = run.in_file_units(np.stack([shot.reconstructions[: len(names)] for shot in snapshots]))  # (T, R, F)
        paths = {name: values[:, i] for i, name in enumerate(names)}
        x = np.arange(len(snapshots))
        return draw_paths(x, paths, columns=run.columns, ends=("start", "end"), theme=look.theme)


def _spread(snapshots: list[Snapshot]) -> list[Snapshot]:
    """Choose a handful over the whole training; the snapshots' own spacing is geometric."""
    places = np.unique(np.linspace(0, len(snapshots) - 1, NUM_MOMENTS).round().astype(int))
    return [snapshots[place] for place in places]
