"""What each latent dimension carries: its share of the rate."""

import numpy as np
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from vael.figures.canvas import Figure, add_title, themed
from vael.figures.checks import expect_shape
from vael.figures.lettering import SMALL
from vael.figures.panels import new_axes
from vael.figures.theme import find_theme

__all__ = ["draw_dimensions"]

NAMED = 32  # dimensions; with more, the bars are too thin for a name each
BAR = 0.135  # inches


@themed
def draw_dimensions(rate_per_dim: NDArray, active: NDArray, *, theme: str = "light") -> Figure:
    """Draw the rate of each latent dimension, the largest first, inactive ones greyed.

    Arguments:
        rate_per_dim: `(D,)` nats, averaged over examples.
        active: `(D,)` bool, whether the dimension tells examples apart (Burda et al. 2016,
            https://arxiv.org/abs/1509.00519).
        theme: "light" or "dark".

    Raises:
        VaelError: Shapes that do not agree, or an unknown theme.
    """
    look, count = find_theme(theme), expect_shape("rate_per_dim", rate_per_dim, "D")["D"]
    expect_shape("active", active, count)
    order = np.argsort(-rate_per_dim, kind="stable")
    colours = [look.colour(0) if active[i] else look.faint for i in order]
    place = np.arange(count)
    if count <= NAMED:
        figure, axes = new_axes(look, height=0.75 + BAR * max(count, 3))
        axes.barh(place, rate_per_dim[order], color=colours, height=0.75)
        axes.set_yticks(place, [f"z{i}" for i in order], fontsize=SMALL)
        axes.set(ylim=(count - 0.4, -0.6), xlabel="rate (nats)")
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
    else:
        figure, axes = new_axes(look, height=2.2)
        axes.bar(place, rate_per_dim[order], color=colours, width=0.85)
        axes.xaxis.set_major_locator(NullLocator())
        axes.set(xlim=(-0.6, count - 0.4), xlabel=f"{count} latent dimensions, sorted", ylabel="rate (nats)")
    add_title(figure, f"{rate_per_dim.sum():.1f} nats, {int(np.sum(active))} of {count} dimensions active")
    return figure
