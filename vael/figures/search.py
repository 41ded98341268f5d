"""A search over settings: the bound of each trial, the best so far, and which settings mattered."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from vael.errors import VaelError
from vael.figures.canvas import COLUMN, PAGE, Figure, add_legend, add_note, new_figure, themed
from vael.figures.checks import expect_shape
from vael.figures.lettering import SIZE, SMALL, shorten
from vael.figures.panels import number_axis
from vael.figures.theme import Theme, find_theme

__all__ = ["draw_search"]

HEIGHT = 2.4  # inches
ROOM = 0.35  # of the finished trials' range is kept free below it, for pruned ones
NAMED = 12  # settings; with more, their names would touch
NAME = 130.0  # points for a setting's name


@themed
def draw_search(
    numbers: NDArray,
    elbo: NDArray,
    finished: NDArray,
    *,
    importance: Mapping[str, float] | None = None,
    theme: str = "light",
) -> Figure:
    """Draw the bound of each trial with the best so far, and beside it the importance of each setting.

    Trials far below the finished ones would press these flat: they are drawn at the lower edge.

    Arguments:
        numbers: `(N,)`, the trials' numbers, rising.
        elbo: `(N,)` nats, the best that each reached.
        finished: `(N,)` bool, whether it was trained to its end.
        importance: A setting's name → its share of 1; None or empty draws the trials alone.
        theme: "light" or "dark".

    Raises:
        VaelError: Shapes that do not agree, no finished trial, bounds that are not finite, or an unknown theme.
    """
    look, count = find_theme(theme), expect_shape("numbers", numbers, "N")["N"]
    expect_shape("elbo", elbo, count)
    expect_shape("finished", finished, count)
    if not finished.any() or not np.isfinite(elbo).all():
        raise VaelError("draw_search expects finite bounds and at least one finished trial")
    figure = new_figure(look, width=PAGE if importance else COLUMN, height=HEIGHT)
    axes = figure.add_subplot(1, 2 if importance else 1, 1)
    hidden = _draw_trials(axes, numbers, elbo, finished, look)
    if importance:
        _draw_shares(figure.add_subplot(1, 2, 2), importance, look)
    handles = [
        Line2D([], [], color=look.colour(0), marker="o", linestyle="", markersize=4),
        Line2D([], [], color=look.muted, marker="x", linestyle="", markersize=4),
        Line2D([], [], color=look.colour(1)),
    ]
    add_legend(figure, handles, ["finished", "pruned", "best so far"])
    add_note(figure, f"{hidden} worse trials stand at the lower edge" if hidden else "", look)
    return figure


def _draw_trials(axes: Axes, numbers: NDArray, elbo: NDArray, finished: NDArray, look: Theme) -> int:
    """Draw the trials and the best so far; return how many lie below the panel."""
    whole = elbo[finished]
    span = float(whole.max() - whole.min()) or max(abs(float(whole.max())) * 0.01, 1e-6)
    low, high = float(whole.min()) - ROOM * span, float(whole.max()) + 0.1 * span
    shown = np.maximum(elbo, low + 0.02 * span)
    number_axis(axes)
    for kind, marker, colour in ((finished, "o", look.colour(0)), (~finished, "x", look.muted)):
        axes.plot(numbers[kind], shown[kind], linestyle="", marker=marker, color=colour, markersize=3.5)
    best = np.maximum.accumulate(np.where(finished, elbo, -np.inf))
    first = int(np.argmax(finished))
    axes.step(numbers[first:], best[first:], where="post", color=look.colour(1))
    axes.set(ylim=(low, high), xlabel="trial", ylabel="validation ELBO (nats)")
    return int((elbo < low).sum())


def _draw_shares(axes: Axes, importance: Mapping[str, float], look: Theme) -> None:
    """Draw the shares as bars, the largest on top."""
    shares = sorted(importance.items(), key=lambda item: -item[1])[:NAMED]
    places = np.arange(len(shares))
    number_axis(axes)
    axes.barh(places, [share for _, share in shares], color=look.colour(0), height=0.7)
    names = [shorten(name, NAME) for name, _ in shares]
    axes.set_yticks(places, names, fontsize=SMALL)
    axes.set_ylim(len(shares) - 0.4, -0.6)
    axes.set_xlabel("share in being among the best tenth", fontsize=SIZE)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
