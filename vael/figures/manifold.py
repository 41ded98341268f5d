"""What a two-dimensional latent plane decodes to: one picture for images, one heat map a column for tables."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from vael.figures.canvas import COLUMN, Figure, add_note, add_title, fit_height, new_figure, themed
from vael.figures.checks import expect_length, expect_pixels, expect_shape
from vael.figures.grid import Pixels, tile
from vael.figures.images import show_picture
from vael.figures.panels import MOST, add_colour_bar, small_multiples
from vael.figures.theme import find_theme

__all__ = ["draw_manifold", "draw_surfaces"]


@themed
def draw_manifold(
    images: Pixels,
    *,
    x: NDArray,
    y: NDArray,
    names: tuple[str, str] = ("z0", "z1"),
    title: str = "",
    note: str = "",
    theme: str = "light",
) -> Figure:
    """Draw the images that a grid of latent points decodes to, side by side, where they lie on the plane.

    Arguments:
        images: `(n, n, H, W, 3)` uint8; `images[i, j]` is decoded at `(x[j], y[i])`, row 0 is drawn at the bottom.
        x: `(n,)`, the grid along the first latent dimension; it need not be even.
        y: `(n,)`, along the second.
        names: What the two axes are called.
        title: Above all.
        note: Small print below.
        theme: "light" or "dark".

    Raises:
        VaelError: Shapes that do not agree, or an unknown theme.
    """
    look, sizes = find_theme(theme), expect_pixels(images, "rows", "columns", "H", "W")
    expect_shape("x", x, sizes["columns"])
    expect_shape("y", y, sizes["rows"])
    figure = new_figure(look, width=COLUMN, height=COLUMN)
    axes = figure.add_subplot()
    picture = tile(images[::-1], gap=(0, 0), background=(0, 0, 0))
    show_picture(axes, picture)
    axes.images[0].set_extent((-0.5, len(x) - 0.5, -0.5, len(y) - 0.5))
    axes.set_aspect(sizes["H"] / sizes["W"])
    _name_axes(axes, x, y, names, most=5)
    add_title(figure, title)
    add_note(figure, note, look)
    fit_height(figure, axes, picture.shape[0] / picture.shape[1])
    return figure


@themed
def draw_surfaces(
    values: NDArray,
    *,
    x: NDArray,
    y: NDArray,
    columns: Sequence[str],
    names: tuple[str, str] = ("z0", "z1"),
    theme: str = "light",
) -> Figure:
    """Draw what a grid of latent points decodes to, one heat map for each column of a table.

    Arguments:
        values: `(F, n, n)`; `values[f, i, j]` is column f at `(x[j], y[i])`, in the column's own unit.
        x: `(n,)`, the grid along the first latent dimension.
        y: `(n,)`, along the second.
        columns: The F names; the first 20 are drawn.
        names: What the two axes are called.
        theme: "light" or "dark".

    Raises:
        VaelError: Shapes that do not agree, or an unknown theme.
    """
    look, sizes = find_theme(theme), expect_shape("values", values, "F", "rows", "columns")
    expect_shape("x", x, sizes["columns"])
    expect_shape("y", y, sizes["rows"])
    expect_length("columns", columns, sizes["F"], "column of the table")
    per_row = min(5, sizes["F"])
    figure, panels = small_multiples(columns, look, per_row=per_row, height=1.5 if per_row > 3 else 2.2)
    for i, (axes, surface) in enumerate(zip(panels, values[:MOST], strict=True)):
        axes.grid(visible=False)
        image = axes.imshow(surface, cmap=look.sequential, origin="lower", aspect="auto")
        is_left, is_bottom = i % per_row == 0, i + per_row >= len(panels)
        _name_axes(axes, x, y, (names[0] if is_bottom else "", names[1] if is_left else ""), most=3)
        axes.tick_params(left=is_left, labelleft=is_left, bottom=is_bottom, labelbottom=is_bottom)
        add_colour_bar(figure, axes, image)
    return figure


def _name_axes(axes: Axes, x: NDArray, y: NDArray, names: tuple[str, str], *, most: int) -> None:
    """Write latent coordinates at a few of the grid's points."""
    for axis, values in ((axes.xaxis, np.asarray(x)), (axes.yaxis, np.asarray(y))):
        places = np.unique(np.linspace(0, len(values) - 1, min(most, len(values))).round().astype(int))
        axis.set_ticks(places, [f"{values[place]:.1f}".replace("-", "−") for place in places])
    axes.tick_params(length=2.5)
    axes.set(xlabel=names[0], ylabel=names[1])
