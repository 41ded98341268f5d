"""Small multiples: many panels of one kind on a page."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.ticker import MaxNLocator

from vael.figures.canvas import COLUMN, PAGE, POINTS, Figure, add_note, new_figure
from vael.figures.lettering import SIZE, shorten, ticks_as_text
from vael.figures.theme import Theme

__all__ = ["MOST", "add_colour_bar", "new_axes", "number_axis", "small_multiples"]

MOST = 20  # panels; more would be too small to read


def new_axes(theme: Theme, *, height: float, width: float = COLUMN) -> tuple[Figure, Axes]:
    """Return a figure with one pair of axes, `width` × `height` inches."""
    figure = new_figure(theme, width=width, height=height)
    axes = figure.add_subplot()
    number_axis(axes)
    return figure, axes


def number_axis(axes: Axes, *, x_ticks: int = 6, y_ticks: int = 5) -> None:
    """Write at most that many numbers at each axis, in full and without offsets."""
    for axis, count in ((axes.xaxis, x_ticks), (axes.yaxis, y_ticks)):
        axis.set_major_locator(MaxNLocator(count, steps=[1, 2, 2.5, 5, 10], min_n_ticks=min(count, 3)))
        axis.set_major_formatter(ticks_as_text())


def add_colour_bar(figure: Figure, axes: Axes, scale: ScalarMappable, *, name: str = "", below: bool = False) -> None:
    """Draw which colour stands for which amount, at the right of the axes or below them."""
    place = {"location": "bottom", "aspect": 40} if below else {"aspect": 14, "pad": 0.03, "fraction": 0.08}
    bar = figure.colorbar(scale, ax=axes, label=name, **place)
    bar.locator, bar.formatter = MaxNLocator(5 if below else 3, min_n_ticks=2), ticks_as_text()
    bar.outline.set_visible(False)
    bar.update_ticks()


def small_multiples(
    names: Sequence[str], theme: Theme, *, per_row: int, height: float, most: int = MOST
) -> tuple[Figure, list[Axes]]:
    """Return a figure with a panel for each of the first `most` names, and a note on how many were left out.

    Arguments:
        names: Their titles.
        theme: The colours.
        per_row: Panels beside each other, at most.
        height: Of one panel, in inches.
        most: Panels in all.
    """
    shown = names[:most]
    across = min(per_row, len(shown))
    down = -(-len(shown) // across)
    width = COLUMN if len(shown) == 1 else PAGE
    figure = new_figure(theme, width=width, height=height * down if len(shown) > 1 else 2.4)
    panels = []
    for i, name in enumerate(shown):
        panels.append(figure.add_subplot(down, across, i + 1))
        panels[-1].set_title(shorten(name, 0.75 * width / across * POINTS, SIZE))
        number_axis(panels[-1], x_ticks=2 if across > 3 else 5, y_ticks=3 if across > 3 else 5)
    if len(names) > len(shown):
        left_out = len(names) - len(shown)
        add_note(figure, f"{left_out} more column{'s are' if left_out > 1 else ' is'} not shown", theme)
    return figure, panels
