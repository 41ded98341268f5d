"""What each latent dimension costs."""

from collections.abc import Sequence

import numpy as np

from vael.experiments import Run
from vael.figures import Figure, draw_dimensions
from vael.views.base import Look, View
from vael.views.latent import activity_of, rate_per_dim

__all__ = ["Dimensions"]


class Dimensions(View):
    """The rate of each latent dimension and how many are active."""

    summary = "the rate of each latent dimension, and the active units"
    uses = frozenset({"split"})

    def refusal(self, run: Run) -> str | None:
        if not run.has_rate:
            return "a rate, and a plain autoencoder has none"
        is_split = not np.isnan(rate_per_dim(run)).any()
        return None if is_split else "a posterior whose dimensions factorise (diagonal-normal)"

    def draw(self, runs: Sequence[Run], look: Look) -> Figure:
        (run,) = runs
        return draw_dimensions(rate_per_dim(run, look.split), activity_of(run, look.split), theme=look.theme)
