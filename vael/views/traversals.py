"""What each latent dimension does."""

from collections.abc import Sequence

import numpy as np

from vael.experiments import Run
from vael.figures import Figure, draw_effects, draw_image_rows
from vael.views.base import Look, View
from vael.views.latent import activity_of, choose_start, rank_dims, rate_per_dim

__all__ = ["Traversals"]

MAX_ROWS = 20
REACH = 2.0  # standard deviations of the prior, for the effect on a table's columns


class Traversals(View):
    """One row a latent dimension, from the largest rate to the smallest; inactive ones greyed."""

    summary = "one row a latent dimension, ordered by its rate, inactive ones greyed"
    uses = frozenset({"dims", "examples", "num_steps", "seed", "split", "start"})

    def refusal(self, run: Run) -> str | None:
        return None

    def draw(self, runs: Sequence[Run], look: Look) -> Figure:
        (run,) = runs
        dims = list(look.dims) if look.dims is not None else rank_dims(run, look.split)[:MAX_ROWS]
        start, where = choose_start(run, look)
        rates, is_active = rate_per_dim(run, look.split), activity_of(run, look.split)
        is_image = run.is_image
        walk = run.traverse(
            start, dims=dims, num_steps=look.num_steps if is_image else 2, limit=2.5 if is_image else REACH
        )
        labels = [f"z{dim}" if np.isnan(rates[dim]) else f"z{dim}  {rates[dim]:.2f} nats" for dim in dims]
        muted = [not is_active[dim] for dim in dims]
        if not is_image:
            effects = walk.x[:, 1] - walk.x[:, 0]
            return draw_effects(effects, rows=labels, columns=run.columns, muted=muted, theme=look.theme)
        left = run.model.latent_dim - len(dims)
        note = f"The other dimensions stay at {where}." + (f" {left} dimensions are not shown." if left else "")
        return draw_image_rows(
            run.pixels(walk.x),
            row_labels=labels,
            column_labels=[f"{value:+.1f}" if abs(value) > 1e-6 else "0" for value in walk.values],
            muted=muted,
            note=note,
            theme=look.theme,
        )
