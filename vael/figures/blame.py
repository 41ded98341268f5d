"""Which cells make examples strange: maps over images, and over the columns of a table."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.colors import Normalize
from numpy.typing import NDArray

from vael.figures.canvas import PAGE, Figure, add_title, new_figure, themed
from vael.figures.checks import expect_length, expect_pixels, expect_shape
from vael.figures.grid import Pixels
from vael.figures.images import draw_image_rows
from vael.figures.lettering import NOTE, SMALL, shorten
from vael.figures.theme import find_theme

__all__ = ["draw_blamed_cells", "draw_blamed_images", "heat_colours", "heat_shares"]

RANGE = (1.0, 99.8)  # percentiles of the cells between which the colours run
ROW_HEIGHT = 0.26  # inches
MOST_COLUMNS = 24
NAME_WIDTH = 80.0  # points


@themed
def draw_blamed_images(
    images: Pixels,
    expected: Pixels,
    nats: NDArray,
    *,
    labels: Sequence[str] = (),
    title: str = "",
    note: str = "",
    theme: str = "light",
) -> Figure:
    """Draw strange images, what the model expected in their place, and where they are improbable.

    Arguments:
        images: `(N, H, W, 3)` uint8.
        expected: `(N, H, W, 3)` uint8.
        nats: `(N, C, H, W)`, what each cell contributes; channels are added up.
        labels: N words over the columns, or none.
        title: Above all.
        note: Below all, small.
        theme: "light" or "dark".

    Raises:
        VaelError: Shapes that do not agree, or an unknown theme.
    """
    sizes = expect_pixels(images, "N", "H", "W")
    expect_pixels(expected, sizes["N"], sizes["H"], sizes["W"])
    expect_shape("nats", nats, sizes["N"], "C", sizes["H"], sizes["W"])
    heat = heat_colours(nats, theme=theme)
    return draw_image_rows(
        np.stack([images, expected, heat]),
        row_labels=("came", "expected", "nats"),
        column_labels=labels,
        title=title,
        note=note,
        theme=theme,
    )


@themed
def draw_blamed_cells(
    nats: NDArray,
    *,
    columns: Sequence[str],
    rows: Sequence[str],
    title: str = "",
    theme: str = "light",
) -> Figure:
    """Draw how improbable the cells of strange rows are.

    Arguments:
        nats: `(N, F)`, what each cell contributes.
        columns: The F names; of more than 24 those that contribute most are drawn.
        rows: N words, one beside each row.
        title: Above all.
        theme: "light" or "dark".

    Raises:
        VaelError: Shapes that do not agree, or an unknown theme.
    """
    look, sizes = find_theme(theme), expect_shape("nats", nats, "N", "F")
    expect_length("columns", columns, sizes["F"], "column of the table")
    expect_length("rows", rows, sizes["N"], "row")
    shown = np.sort(np.argsort(-nats.max(0), kind="stable")[:MOST_COLUMNS])
    figure = new_figure(look, width=PAGE, height=ROW_HEIGHT * len(rows) + 1.3)
    axes = figure.add_subplot()
    low, high = np.percentile(nats, RANGE)
    picture = axes.imshow(nats[:, shown], aspect="auto", cmap=look.sequential, vmin=low, vmax=max(high, low + 1e-9))
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set_yticks(range(len(rows)), [shorten(row, NAME_WIDTH) for row in rows], fontsize=SMALL)
    names = [shorten(columns[int(place)], NAME_WIDTH) for place in shown]
    axes.set_xticks(range(len(shown)), names, rotation=40, ha="right", rotation_mode="anchor", fontsize=SMALL)
    bar = figure.colorbar(picture, ax=axes, pad=0.015, fraction=0.025)
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    bar.set_label("nats", fontsize=NOTE)
    add_title(figure, title)
    return figure


def heat_colours(nats: NDArray, *, theme: str = "light") -> Pixels:
    """Turn what the cells of images contribute, `(N, C, H, W)`, into colours `(N, H, W, 3)`; channels are added up.

    Raises:
        VaelError: An unknown theme.
    """
    colours = matplotlib.colormaps[find_theme(theme).sequential](heat_shares(nats.sum(1)))
    return np.rint(255 * colours[..., :3]).astype(np.uint8)


def heat_shares(nats: NDArray) -> NDArray:
    """Bring what cells contribute to [0, 1], on one scale for all; the extremes of few cells do not set it."""
    low, high = np.percentile(nats, RANGE)
    return np.asarray(Normalize(low, max(high, low + 1e-9), clip=True)(nats))
