"""What the model makes up."""

from collections.abc import Sequence

from vael.experiments import Run
from vael.figures import Figure, draw_columns, draw_images
from vael.views.base import Look, View

__all__ = ["Samples"]

MAX_ROWS = 2000


class Samples(View):
    """Samples from the prior; for a table, their columns' distributions beside the data's."""

    summary = "samples from the prior; for a table, each column's histogram beside the data's"
    uses = frozenset({"num_samples", "seed", "split"})

    def refusal(self, run: Run) -> str | None:
        return None

    def draw(self, runs: Sequence[Run], look: Look) -> Figure:
        (run,) = runs
        if run.is_image:
            return draw_images(run.pixels(run.sample(look.num_samples, seed=look.seed).x), theme=look.theme)
        data = run.rows(look.split)[:MAX_ROWS]
        drawn = run.sample(len(data), seed=look.seed, mean=False).x  # draws, as the data are draws
        return draw_columns(run.in_file_units(data), run.in_file_units(drawn), columns=run.columns, theme=look.theme)
