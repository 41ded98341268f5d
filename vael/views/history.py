"""When each latent dimension woke up."""

from collections.abc import Sequence

import numpy as np

from vael.experiments import Run
from vael.figures import Figure, draw_dimension_history
from vael.views.base import Look, View

__all__ = ["History"]


class History(View):
    """The rate of each dimension through the training."""

    summary = "the rate of each dimension through the training (from snapshots)"

    def refusal(self, run: Run) -> str | None:
        if not run.has_rate:
            return "a rate, and a plain autoencoder has none"
        history = run.snapshots.rate_history()
        if history is None:
            return "snapshots, and the training kept none (training.snapshots)"
        if np.isfinite(history.rate_per_dim).all(1).any():
            return None
        return "snapshots with the rate of each dimension: of a posterior whose dimensions factorise, and of this vael"

    def draw(self, runs: Sequence[Run], look: Look) -> Figure:
        (run,) = runs
        history = run.snapshots.rate_history()
        assert history is not None  # refused
        known = np.isfinite(history.rate_per_dim).all(1)
        steps, epochs = history.steps[known], history.epochs[known]
        steps_per_epoch = steps[-1] / epochs[-1] if steps[-1] else 1.0
        return draw_dimension_history(
            steps, history.rate_per_dim[known], steps_per_epoch=steps_per_epoch, theme=look.theme
        )
