"""What survives of an example."""

from collections.abc import Sequence

import numpy as np

from vael.experiments import Run
from vael.figures import Figure, draw_agreement, draw_image_rows
from vael.views.base import Look, View, name_examples

__all__ = ["Reconstructions"]

NUM_IMAGES, NUM_ROWS = 10, 500


class Reconstructions(View):
    """Originals above reconstructions; for a table, one against the other, column by column."""

    summary = "originals above their reconstructions; for a table, one against the other"
    uses = frozenset({"examples", "split"})

    def refusal(self, run: Run) -> str | None:
        return None

    def draw(self, runs: Sequence[Run], look: Look) -> Figure:
        (run,) = runs
        is_image = run.is_image
        count = min(NUM_IMAGES if is_image else NUM_ROWS, len(run.data(look.split)))
        examples = list(range(count) if look.examples is None else look.examples)
        names = name_examples(run, examples, look.split)
        pairs = run.reconstruct(examples, split=look.split)
        if is_image:
            rows = run.pixels(np.stack([pairs.x, pairs.mean]))
            return draw_image_rows(
                rows, row_labels=["original", "reconstruction"], column_labels=names, theme=look.theme
            )
        x, mean = run.in_file_units(pairs.x), run.in_file_units(pairs.mean)
        return draw_agreement(x, mean, columns=run.columns, theme=look.theme)
