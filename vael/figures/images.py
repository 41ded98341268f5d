"""Images as figures: grids, and rows of them with names at the rows and columns."""

import itertools
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from vael.figures.canvas import COLUMN, PAGE, POINTS, Figure, add_note, add_title, fit_height, new_figure, themed
from vael.figures.checks import expect_length, expect_pixels
from vael.figures.grid import Pixels, in_rows, tile
from vael.figures.lettering import NOTE, SMALL, shorten, text_width
from vael.figures.theme import Theme, find_theme

__all__ = ["draw_image_rows", "draw_images", "show_picture"]

NARROW = 12  # columns of images that one printed column holds
LARGEST = 0.75  # inches; an image is drawn no larger
FADED = 0.3  # how much of an image a muted row keeps
FINE = 112  # pixels; a small image is enlarged by a whole number towards it, so that gaps may be finer than its pixels
GAP = 4  # of the enlarged pixels
LABEL_LINE = 10.0  # points under an image for its label
LABEL_WIDTH = 90.0  # points at the left of the rows, at most


@themed
def draw_images(
    images: Pixels,
    *,
    columns: int | None = None,
    labels: Sequence[str] | None = None,
    title: str = "",
    theme: str = "light",
) -> Figure:
    """Draw images row by row.

    Arguments:
        images: `(N, H, W, 3)` uint8.
        columns: Images a row; about square if None.
        labels: N words, one under each image.
        title: Above all.
        theme: "light" or "dark".

    Raises:
        VaelError: No images, not one label for each, or an unknown theme.
    """
    look, count = find_theme(theme), expect_pixels(images, "N", "H", "W")["N"]
    across = min(count, max(1, columns or int(np.ceil(np.sqrt(count)))))
    fine = _enlarge(in_rows(images, columns=across, background=_levels(look)))
    cell, below = _cell_points(across), GAP
    if labels is not None:
        expect_length("labels", labels, count, "image")
        below = round(LABEL_LINE / cell * fine.shape[3])
        fine = np.pad(fine, ((0, 0), (0, 0), (0, below), (0, 0), (0, 0)))
        fine[:, :, fine.shape[2] - below :] = _levels(look)
    figure, axes = _picture(fine, look)
    for i, label in enumerate(labels or ()):
        row, column = divmod(i, across)
        x, y = column * (fine.shape[3] + GAP) + fine.shape[3] / 2, (row + 1) * (fine.shape[2] + GAP) - GAP - below
        text = shorten(label, cell, NOTE)
        axes.annotate(text, (x, y), (0, -1.5), "data", "offset points", ha="center", va="top", fontsize=NOTE)
    return _finish(figure, axes, fine, title=title)


@themed
def draw_image_rows(
    images: Pixels,
    *,
    row_labels: Sequence[str] = (),
    column_labels: Sequence[str] = (),
    muted: Sequence[bool] = (),
    title: str = "",
    note: str = "",
    theme: str = "light",
) -> Figure:
    """Draw rows of images with names: originals over reconstructions, training steps, walks, traversals.

    Arguments:
        images: `(R, C, H, W, 3)` uint8.
        row_labels: R words at the left, or none.
        column_labels: C words on top, or none; an empty one leaves its place free.
        muted: R truths: rows that step back; or none.
        title: Above all.
        note: Below all, small.
        theme: "light" or "dark".

    Raises:
        VaelError: No images, not one label for each row or column, or an unknown theme.
    """
    look, sizes = find_theme(theme), expect_pixels(images, "R", "C", "H", "W")
    rows, columns = sizes["R"], sizes["C"]
    expect_length("row_labels", row_labels or [""] * rows, rows, "row")
    expect_length("column_labels", column_labels or [""] * columns, columns, "column")
    expect_length("muted", muted or [False] * rows, rows, "row")
    faded = np.array(muted or [False] * rows, bool)
    fine = _enlarge(np.where(faded[:, None, None, None, None], _fade(images, look), images))
    figure, axes = _picture(fine, look)
    if row_labels:
        axes.set_yticks(_middles(rows, fine.shape[2]), [shorten(name, LABEL_WIDTH) for name in row_labels])
        for text, fade in zip(axes.get_yticklabels(), faded, strict=True):
            text.set_color(look.muted if fade else look.ink)
    if column_labels:
        beside = max((text_width(text.get_text(), SMALL) for text in axes.get_yticklabels()), default=0.0)
        _name_columns(axes, column_labels, _middles(columns, fine.shape[3]), _cell_points(columns, beside))
    add_note(figure, note, look)
    return _finish(figure, axes, fine, title=title)


def show_picture(axes: Axes, picture: Pixels) -> None:
    """Show pixels `(height, width, 3)` as they are, square and sharp, without a frame or ticks."""
    axes.imshow(picture, interpolation="none")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set(xticks=[], yticks=[])


def _picture(fine: Pixels, look: Theme) -> tuple[Figure, Axes]:
    """Return a figure that shows images `(R, C, H, W, 3)`; its height is still to be set."""
    figure = new_figure(look, width=_figure_width(fine.shape[1]), height=COLUMN)
    axes = figure.add_subplot()
    show_picture(axes, tile(fine, gap=(GAP, GAP), background=_levels(look)))
    return figure, axes


def _finish(figure: Figure, axes: Axes, fine: Pixels, *, title: str) -> Figure:
    add_title(figure, title)
    height, width = axes.images[0].get_size()
    fit_height(figure, axes, height / width, widest=fine.shape[1] * LARGEST)
    return figure


def _name_columns(axes: Axes, names: Sequence[str], places: NDArray, cell: float) -> None:
    """Write names over the columns; upright where they would run into each other."""
    axes.xaxis.tick_top()
    axes.set_xticks(places, names)
    axes.tick_params(length=0, pad=2)
    named = [(i, text_width(name, SMALL)) for i, name in enumerate(names) if name]
    crowded = any((left + right) / 2 + 4 > (j - i) * cell for (i, left), (j, right) in itertools.pairwise(named))
    for text in axes.get_xticklabels():
        text.set_rotation(90 if crowded else 0)


def _enlarge(images: Pixels) -> Pixels:
    factor = max(1, round(FINE / max(images.shape[2:4])))
    return images.repeat(factor, axis=2).repeat(factor, axis=3)


def _fade(images: Pixels, look: Theme) -> Pixels:
    return np.rint(FADED * images + (1 - FADED) * np.array(_levels(look))).astype(np.uint8)


def _levels(look: Theme) -> tuple[int, ...]:
    return tuple(round(255 * value) for value in to_rgb(look.background))


def _middles(count: int, size: int) -> NDArray:
    return np.arange(count) * (size + GAP) + (size - 1) / 2


def _figure_width(columns: int) -> float:
    return COLUMN if columns <= NARROW else PAGE


def _cell_points(columns: int, beside: float = 0.0) -> float:
    """Return how wide an image will be, in points, with names `beside` points wide at the left."""
    return min((_figure_width(columns) * POINTS - beside - 8) / columns, LARGEST * POINTS)
