"""Curves over the training: the bound and its two terms, and whatever else was recorded."""

from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from vael.errors import VaelError
from vael.figures.canvas import Figure, add_legend, themed
from vael.figures.checks import expect_shape
from vael.figures.panels import small_multiples
from vael.figures.theme import find_theme

__all__ = ["draw_curves"]

Line = tuple[NDArray, NDArray]
HIDDEN = 0.05  # of a line's first points, at most, may fall outside the panel
DASHES = (":", "--", "-.")


@themed
def draw_curves(
    panels: Mapping[str, Mapping[str, Line]],
    *,
    theme: str = "light",
    x_label: str = "epoch",
    markers: Mapping[str, float] | None = None,
) -> Figure:
    """Draw named lines in named panels; one name has one colour in all of them.

    Arguments:
        panels: A panel's title → a line's name → `(x, y)`, two arrays `(N,)`; a line of one point is drawn as a dot.
        theme: "light" or "dark".
        x_label: What x counts.
        markers: A name → the x of a vertical line in every panel.

    Raises:
        VaelError: No panel, a panel without lines, x and y of different lengths, or an unknown theme.
    """
    look, markers = find_theme(theme), markers or {}
    names = list(dict.fromkeys(name for lines in panels.values() for name in lines))
    if not panels or not all(panels.values()):
        raise VaelError(f"draw_curves expects panels with lines, got {list(panels) or 'none'}")
    handles = [Line2D([], [], color=look.colour(i)) for i in range(len(names))]
    handles += [Line2D([], [], color=look.muted, linestyle=DASHES[i % len(DASHES)]) for i in range(len(markers))]
    figure, all_axes = small_multiples(list(panels), look, per_row=3, height=1.75, most=len(panels))
    for number, (axes, (title, lines)) in enumerate(zip(all_axes, panels.items(), strict=True)):
        for name, (x, y) in lines.items():
            sizes = expect_shape(f"x of '{name}' in '{title}'", x, "N")
            expect_shape(f"y of '{name}' in '{title}'", y, sizes["N"])
            dot = "o" if len(x) == 1 else ""
            axes.plot(x, y, color=look.colour(names.index(name)), marker=dot, markersize=4)
        for i, place in enumerate(markers.values()):
            axes.axvline(place, color=look.muted, linewidth=0.9, linestyle=DASHES[i % len(DASHES)])
        axes.set_ylim(*_limits(y for _, y in lines.values()))
        if number >= len(panels) - min(3, len(panels)):
            axes.set_xlabel(x_label)
    if len(handles) > 1:
        add_legend(figure, handles, [*names, *markers])
    return figure


def _limits(lines: Iterable[NDArray]) -> tuple[float, float]:
    """Choose the range of y.

    An untrained model's first values may be many times larger than all that follows, and would press the curves flat.
    Each line's first points, 5 % at most, are therefore left out of the range where this halves it at least.
    """
    whole = [np.asarray(y, float) for y in lines]
    low, high = _range(whole)
    late_low, late_high = _range([y[int(HIDDEN * len(y)) :] for y in whole])
    if late_high - late_low < 0.5 * (high - low):
        low, high = late_low, late_high
    if high - low <= 1e-9 * max(abs(low), abs(high)):  # a constant: from zero, so that its size can be read
        return (min(0, 1.25 * low), max(0, 1.25 * high)) if low else (-1.0, 1.0)
    margin = 0.05 * (high - low)
    return low - margin, high + margin


def _range(lines: list[NDArray]) -> tuple[float, float]:
    values = np.concatenate(lines)
    values = values[np.isfinite(values)]
    return (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
