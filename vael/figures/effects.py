"""What each latent dimension does to each column of a table."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgb
from numpy.typing import NDArray

from vael.errors import VaelError
from vael.figures.canvas import COLUMN, PAGE, POINTS, Figure, new_figure, themed
from vael.figures.checks import expect_length, expect_shape
from vael.figures.lettering import NOTE, SMALL, shorten, text_width
from vael.figures.panels import add_colour_bar
from vael.figures.theme import find_theme

__all__ = ["draw_effects"]

CELL = 0.19  # inches, the height of a row
FADED = 0.3
NAME = 90.0  # points
LUMA = np.array([0.30, 0.59, 0.11])  # how light a colour looks


@themed
def draw_effects(
    effects: NDArray,
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    muted: Sequence[bool] = (),
    theme: str = "light",
) -> Figure:
    """Draw how far each column moves as one latent dimension goes from −2 to +2, as a heat map.

    Arguments:
        effects: `(D, F)`, in standard deviations of the column.
        rows: The D names of the dimensions.
        columns: The F names of the columns.
        muted: D truths: dimensions that step back; or none.
        theme: "light" or "dark".

    Raises:
        VaelError: Shapes that do not agree, numbers that are not finite, or an unknown theme.
    """
    look, sizes = find_theme(theme), expect_shape("effects", effects, "D", "F")
    expect_length("rows", rows, sizes["D"], "dimension")
    expect_length("columns", columns, sizes["F"], "column of the table")
    expect_length("muted", muted or rows, sizes["D"], "dimension")
    if not np.isfinite(effects).all():
        raise VaelError("draw_effects expects finite numbers, got NaN or infinity")
    faded = np.array(muted or [False] * sizes["D"], bool)
    width = COLUMN if sizes["F"] <= 8 else PAGE
    beside = max(text_width(shorten(name, NAME), SMALL) for name in rows) + 12
    cell = (width * POINTS - beside) / sizes["F"]
    names = [shorten(name, NAME) for name in columns]
    crowded = max(text_width(name, SMALL) for name in names) + 3 > cell
    above = max(text_width(name, SMALL) for name in names) / POINTS if crowded else 0.15
    figure = new_figure(look, width=width, height=max(CELL * sizes["D"], 0.9) + above + 0.65)
    axes = figure.add_subplot()
    bound = float(np.abs(effects).max()) or 1.0
    scale = ScalarMappable(Normalize(-bound, bound), look.diverging)
    strength = np.where(faded, FADED, 1.0)[:, None, None]
    colours = strength * scale.to_rgba(effects)[..., :3] + (1 - strength) * np.array(to_rgb(look.background))
    axes.imshow(colours, aspect="auto", interpolation="none")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.xaxis.tick_top()
    axes.set_xticks(range(sizes["F"]), names, rotation=90 if crowded else 0)
    axes.set_yticks(range(sizes["D"]), [shorten(name, NAME) for name in rows])
    axes.tick_params(length=0)
    for text, fade in zip(axes.get_yticklabels(), faded, strict=True):
        text.set_color(look.muted if fade else look.ink)
    add_colour_bar(figure, axes, scale, name="change (standard deviations)", below=True)
    if cell > text_width("−0.0", NOTE) + 3:
        _write_values(axes, effects, colours)
    return figure


def _write_values(axes: Axes, effects: NDArray, colours: NDArray) -> None:
    """Write each cell's number, dark on light cells and light on dark ones."""
    for (row, column), value in np.ndenumerate(effects):
        text = f"{round(value, 1) + 0.0:.1f}".replace("-", "−")
        ink = find_theme("light" if colours[row, column] @ LUMA > 0.45 else "dark").ink
        axes.text(column, row, text, ha="center", va="center", fontsize=NOTE, color=ink)
