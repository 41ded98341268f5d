"""Points of the latent plane, one colour a class."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from vael.errors import VaelError
from vael.figures.canvas import POINTS, Figure, add_note, add_title, fit_height, themed
from vael.figures.checks import expect_length, expect_shape
from vael.figures.lettering import SMALL, plate, shorten, text_width
from vael.figures.panels import add_colour_bar, new_axes
from vael.figures.theme import Theme, find_theme

__all__ = ["dot", "draw_amounts", "draw_embedding", "point_alpha", "sort_labels"]

NAMED = 20  # classes; more get colours but no names
LONGEST = 40.0  # points; longer names stand in the legend only


@themed
def draw_embedding(
    points: NDArray,
    *,
    labels: Sequence[str] | None = None,
    axes: tuple[str, str] = ("z0", "z1"),
    title: str = "",
    limits: float | None = None,
    theme: str = "light",
) -> Figure:
    """Draw where examples lie in two dimensions.

    Arguments:
        points: `(N, 2)`.
        labels: N classes, or None.
        axes: What the two dimensions are called.
        title: Above all.
        limits: Both axes run from −limits to limits; to fit the points if None.
        theme: "light" or "dark".

    Raises:
        VaelError: Another shape, not one label for each point, no finite point, or an unknown theme.
    """
    look, count = find_theme(theme), expect_shape("points", points, "N", 2)["N"]
    expect_length("labels", labels if labels is not None else range(count), count, "point")
    points = np.asarray(points, float)
    finite = np.isfinite(points).all(axis=1)
    if not finite.any():
        raise VaelError("points expects finite numbers, got none")
    classes = [""] * count if labels is None else [str(label) for label in labels]
    names = sort_labels(set(classes))
    ranks = {name: i for i, name in enumerate(names)}
    numbers = np.array([ranks[name] for name in classes])
    figure, plot = new_axes(look, height=3.0)
    order = np.random.default_rng(0).permutation(np.flatnonzero(finite))  # no class hides another by its place
    for shape in dict.fromkeys(look.marker(i) for i in range(len(names))):
        chosen = order[[look.marker(i) == shape for i in numbers[order]]]
        plot.scatter(
            *points[chosen].T, s=5, marker=shape, linewidths=0, alpha=point_alpha(count),
            c=[look.colour(i) for i in numbers[chosen]], rasterized=True,
        )  # fmt: skip
    if 1 < len(names) <= NAMED:
        _add_names_beside(figure, names, look)
    elif len(names) > NAMED:
        add_note(figure, f"{len(names)} classes, too many to name; colours and markers repeat", look)
    _finish(figure, plot, axes=axes, title=title, limits=limits)
    if 1 < len(names) <= NAMED:
        _write_names(figure, plot, {name: points[finite & (numbers == i)] for i, name in enumerate(names)}, look)
    return figure


@themed
def draw_amounts(
    points: NDArray,
    values: NDArray,
    *,
    name: str,
    axes: tuple[str, str] = ("z0", "z1"),
    title: str = "",
    limits: float | None = None,
    theme: str = "light",
) -> Figure:
    """Draw where examples lie in two dimensions, coloured by an amount.

    Arguments:
        points: `(N, 2)`.
        values: `(N,)`, the amounts; the highest are drawn last.
        name: What they are, and their unit.
        axes: What the two dimensions are called.
        title: Above all.
        limits: Both axes run from −limits to limits; to fit the points if None.
        theme: "light" or "dark".

    Raises:
        VaelError: Shapes that do not agree, no finite point, or an unknown theme.
    """
    look, count = find_theme(theme), expect_shape("points", points, "N", 2)["N"]
    expect_shape("values", values, count)
    points, values = np.asarray(points, float), np.asarray(values, float)
    order = np.argsort(values)
    order = order[np.isfinite(values[order]) & np.isfinite(points[order]).all(axis=1)]
    if not len(order):
        raise VaelError("points and values expect finite numbers, got none")
    figure, plot = new_axes(look, height=3.0)
    dots = plot.scatter(*points[order].T, s=5, linewidths=0, c=values[order], cmap=look.sequential, rasterized=True)
    add_colour_bar(figure, plot, dots, name=name)
    _finish(figure, plot, axes=axes, title=title, limits=limits)
    return figure


def point_alpha(count: int) -> float:
    """Return how opaque points are: the more there are, the less."""
    return float(np.clip(30 / np.sqrt(count), 0.35, 0.9))


def sort_labels(names: Iterable[str]) -> list[str]:
    """Sort labels, as numbers if they all are.

    >>> sort_labels(["10", "9", "1"]), sort_labels(["10", "9", "a"])
    (['1', '9', '10'], ['10', '9', 'a'])
    """
    names = list(names)
    return sorted(names, key=int) if all(name.lstrip("-").isdecimal() for name in names) else sorted(names)


def _finish(figure: Figure, plot: Axes, *, axes: tuple[str, str], title: str, limits: float | None) -> None:
    """Name the axes and give both the same scale."""
    if limits is not None:
        plot.set(xlim=(-limits, limits), ylim=(-limits, limits))
    plot.set_aspect("equal", adjustable="datalim" if limits is None else "box")
    plot.set(xlabel=axes[0], ylabel=axes[1])
    add_title(figure, title)
    fit_height(figure, plot, 1.0)


def dot(colour: str, marker: str) -> Line2D:
    """Return a dot as a legend shows it."""
    return Line2D([], [], linestyle="", markersize=4, color=colour, marker=marker)


def _add_names_beside(figure: Figure, names: Sequence[str], look: Theme) -> None:
    handles = [dot(look.colour(i), look.marker(i)) for i in range(len(names))]
    short = [shorten(name, 60) for name in names]
    figure.legend(handles, short, loc="outside right upper", handletextpad=0.2, handlelength=1.0)


def _write_names(figure: Figure, plot: Axes, members: Mapping[str, NDArray], look: Theme) -> None:
    """Write each class's name at its median, or at its nearest point to that where no other name stands.

    A name that is long or finds no place is left to the legend.
    """
    beside = figure.legends[0].get_window_extent().height / figure.dpi + 0.1
    figure.set_figheight(max(figure.get_figheight(), beside))  # a long legend is not cut off
    figure.draw_without_rendering()
    scale, (corner, end) = POINTS / figure.dpi, plot.get_window_extent().get_points()
    taken: list[tuple[NDArray, float]] = []
    for name, points in members.items():
        half = text_width(name, SMALL) / 2 + 2
        if half > LONGEST / 2:
            continue
        for place in _near_median(points):
            pixels = plot.transData.transform(place)
            at = pixels * scale
            is_free = all(abs(at - other)[0] > half + wide or abs(at - other)[1] > SMALL + 2 for other, wide in taken)
            if is_free and (pixels > corner).all() and (pixels < end).all():
                plot.text(
                    place[0], place[1], name, ha="center", va="center", fontsize=SMALL, bbox=plate(look), zorder=3
                )
                taken.append((at, half))
                break


def _near_median(points: NDArray) -> NDArray:
    """Return the median of points `(N, 2)`, then some of them, the nearest to it first."""
    if not len(points):
        return points
    middle = np.median(points, axis=0)
    some = points[:: -(-len(points) // 200)]
    return np.concatenate([[middle], some[np.argsort(((some - middle) ** 2).sum(axis=1))]])
