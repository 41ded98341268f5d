"""How many nats the examples cost: a histogram of the rates KL(q(z|x) ‖ p(z)), with chosen ones marked."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from vael.errors import VaelError
from vael.figures.canvas import POINTS, Figure, add_legend, add_note, themed
from vael.figures.checks import expect_shape
from vael.figures.lettering import SMALL, plate, shorten, text_width
from vael.figures.panels import new_axes
from vael.figures.theme import Theme, find_theme

__all__ = ["draw_rates"]

BINS = 60
LINE = 10.0  # points from one mark's label to the one above it


@themed
def draw_rates(
    rates: NDArray,
    *,
    marks: Sequence[tuple[str, float]] = (),
    noise: NDArray | None = None,
    note: str = "",
    split: str = "train",
    theme: str = "light",
) -> Figure:
    """Draw a histogram of rates.

    Arguments:
        rates: `(N,)` nats, one an example.
        marks: Names and rates, in nats, of examples to point out.
        noise: `(M,)` nats, the rates of images of noise, drawn to the same area.
        note: Below all, small.
        split: Which examples these are, for the axis.
        theme: "light" or "dark".

    Raises:
        VaelError: No rates, a rate that is not finite (a model without a rate), or an unknown theme.
    """
    look = find_theme(theme)
    known = [_finite("rates", rates)] + ([] if noise is None else [_finite("noise", noise)])
    places = _finite("marks", np.array([rate for _, rate in marks])) if marks else np.zeros(0)
    edges = np.histogram_bin_edges(np.concatenate([*known, places]), BINS).tolist()
    figure, axes = new_axes(look, height=2.3)
    axes.hist(known[0], edges, color=look.colour(0))
    if noise is not None:
        weights = np.full(len(known[1]), len(known[0]) / len(known[1]))
        style: dict[str, Any] = {"facecolor": "none", "edgecolor": look.colour(6), "hatch": "//////"}
        axes.hist(known[1], edges, weights=weights, histtype="stepfilled", **style)
        add_legend(figure, [axes.patches[0], axes.patches[-1]], [f"{split} examples", "pure noise"])
    axes.set(xlabel="rate (nats)", ylabel=f"{split} examples")
    axes.grid(visible=False, axis="x")
    add_note(figure, note, look)
    _mark(figure, axes, [(shorten(name, 110), rate) for name, rate in marks], look)
    return figure


def _finite(what: str, values: NDArray) -> NDArray:
    expect_shape(what, values, "N")
    wrong = int((~np.isfinite(values)).sum())
    if wrong:
        raise VaelError(f"{what} expects finite nats, got {wrong} of {len(values)} that are not: has the model a rate?")
    return np.asarray(values, float)


def _mark(figure: Figure, axes: Axes, marks: Sequence[tuple[str, float]], look: Theme) -> None:
    """Draw a line at each mark and its name above the axes, each line ending at its name."""
    figure.draw_without_rendering()  # how far names are apart depends on the width that the axes got
    width = axes.get_window_extent().width * POINTS / figure.dpi
    low, high = axes.get_xlim()
    places = [(rate - low) / (high - low) * width for _, rate in marks]
    rows = stagger(places, [text_width(name, SMALL) + 4 for name, _ in marks], width)
    top, line = axes.get_xaxis_transform(), {"color": look.ink, "linewidth": 0.7, "shrinkA": 0, "shrinkB": 0}
    for (name, rate), (row, leftward) in zip(marks, rows, strict=True):
        above, side = (row + 0.3) * LINE, -2 if leftward else 2
        axes.axvline(rate, color=look.ink, linewidth=0.7)
        stroke = {"arrowstyle": "-", **line}
        axes.annotate("", (rate, 1), (0, above + 0.8 * LINE), top, "offset points", stroke, annotation_clip=False)
        style = {"fontsize": SMALL, "ha": "right" if leftward else "left", "va": "bottom", "bbox": plate(look)}
        axes.annotate(name, (rate, 1), (side, above), top, "offset points", annotation_clip=False, **style)
    figure.set_figheight(figure.get_figheight() + max((row + 1 for row, _ in rows), default=0) * LINE / POINTS)


def stagger(places: Sequence[float], widths: Sequence[float], width: float) -> list[tuple[int, bool]]:
    """Choose for each name a row and whether it stands at the left of its place, so that none touches another.

    Names stand at the right of their line, and at the left where they would leave the axes. A name stands above every
    line that it crosses and above every name of its row that it touches.

    Arguments:
        places: Where the lines are.
        widths: How wide the names are, in the same unit.
        width: Where the axes end.
    """
    leftward = [place + size > width and place > size for place, size in zip(places, widths, strict=True)]
    spans = [(p - w, p) if left else (p, p + w) for p, w, left in zip(places, widths, leftward, strict=True)]
    order = sorted(range(len(places)), key=lambda i: (leftward[i], places[i] if leftward[i] else -places[i]))
    rows: dict[int, int] = {}
    for i in order:
        touched = {rows[j] for j in rows if spans[j][0] < spans[i][1] and spans[i][0] < spans[j][1]}
        rows[i] = max(touched, default=-1) + 1
    return [(rows[i], leftward[i]) for i in range(len(places))]
