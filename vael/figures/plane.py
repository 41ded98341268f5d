"""The rate-distortion plane: where runs lie, and what they pay for it.

Models of one ELBO lie on one diagonal, whatever share of it they spend on the code (Fixing a Broken ELBO, Alemi et al.
2018, https://arxiv.org/abs/1711.00464).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Annotation
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from vael.errors import VaelError
from vael.figures.canvas import POINTS, Figure, add_legend, add_note, themed
from vael.figures.checks import expect_length, expect_shape
from vael.figures.lettering import NOTE, plate, shorten, tick_text
from vael.figures.panels import new_axes
from vael.figures.scatter import dot, sort_labels
from vael.figures.theme import Theme, find_theme

__all__ = ["draw_plane"]

MARGIN = 0.14  # of the range, free on every side
SHAPES = "os^DvPX"
AROUND = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))  # where a name may stand
DISTANCES = (5, 12, 20, 30, 42)  # points from the dot to its name
LEADER = 12  # points from which on a thin line leads to the name


@themed
def draw_plane(
    labels: Sequence[str],
    rate: NDArray,
    distortion: NDArray,
    *,
    groups: Sequence[str] | None = None,
    note: str = "",
    theme: str = "light",
) -> Figure:
    """Draw runs by rate and distortion, with diagonals of equal ELBO = −(rate + distortion).

    Arguments:
        labels: N names of runs.
        rate: `(N,)` nats.
        distortion: `(N,)` nats.
        groups: N names of groups, told apart by colour and marker.
        note: Below all, small.
        theme: "light" or "dark".

    Raises:
        VaelError: No run, lengths that do not agree, numbers that are not finite, or an unknown theme.
    """
    look, count = find_theme(theme), expect_shape("rate", rate, "N")["N"]
    expect_shape("distortion", distortion, count)
    expect_length("labels", labels, count, "run")
    expect_length("groups", groups or labels, count, "run")
    points = np.stack([rate, distortion], axis=1).astype(float)
    if not np.isfinite(points).all():
        raise VaelError("draw_plane expects finite nats, got NaN or infinity: leave runs without a rate out")
    members = list(groups) if groups else [""] * count
    names = sort_labels(set(members))
    figure, axes = new_axes(look, height=2.9)
    for point, member in zip(points, members, strict=True):
        i = names.index(member)
        axes.plot(*point, SHAPES[i % len(SHAPES)], color=look.colour(i), markersize=4.5, markeredgewidth=0, zorder=3)
    if len(names) > 1:
        add_legend(figure, [dot(look.colour(i), SHAPES[i % len(SHAPES)]) for i in range(len(names))], names)
    axes.set(xlim=_range(points[:, 0]), ylim=_range(points[:, 1]), xlabel="rate (nats)", ylabel="distortion (nats)")
    add_note(figure, note, look)
    figure.draw_without_rendering()  # names are placed on the axes as they will be
    taken = [Bbox.from_bounds(x - 3, y - 3, 6, 6) for x, y in _points_of(axes, points)]
    for label, point in zip(labels, points, strict=True):
        taken += _place(axes, shorten(label, 100, NOTE), point, taken, look)
    _draw_diagonals(axes, taken, look)
    return figure


def _range(values: NDArray) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    margin = MARGIN * (high - low) or 0.1 * max(abs(high), 1)
    return low - margin, high + margin


def _points_of(axes: Axes, values: NDArray) -> NDArray:
    """Return where data lie, in points from the figure's corner."""
    return axes.transData.transform(values) * POINTS / axes.figure.dpi


def _extent(axes: Axes, text: Annotation) -> Bbox:
    """Return the room that a text takes, in points from the figure's corner."""
    box = Annotation.get_window_extent(text)
    return Bbox(box.get_points() * POINTS / axes.figure.dpi)


def _hidden(axes: Axes, box: Bbox, taken: Sequence[Bbox]) -> float:
    """Return the area, in points², that a box covers of others and of what lies outside the axes."""
    inside = Bbox(axes.get_window_extent().get_points() * POINTS / axes.figure.dpi)
    return sum(_shared(box, other) for other in taken) + box.width * box.height - _shared(box, inside)


def _shared(box: Bbox, other: Bbox) -> float:
    both = Bbox.intersection(box, other)
    return 0.0 if both is None else both.width * both.height


def _place(axes: Axes, name: str, point: NDArray, taken: Sequence[Bbox], look: Theme) -> list[Bbox]:
    """Write a name beside its point, at the nearest of the places where it hides least."""
    texts: list[Annotation] = []
    for distance in DISTANCES:
        for side, up in AROUND:
            align: dict[str, Any] = {"ha": ("center", "left", "right")[side], "va": ("center", "bottom", "top")[up]}
            line = {"arrowstyle": "-", "color": look.muted, "linewidth": 0.4, "shrinkA": 0, "shrinkB": 3}
            place = (side * distance, up * distance)
            arrow = line if distance >= LEADER else None
            texts.append(
                axes.annotate(name, (point[0], point[1]), place, "data", "offset points", arrow, fontsize=NOTE, **align)
            )
            if _hidden(axes, _extent(axes, texts[-1]), taken) < 0.5:
                return _keep_best(axes, texts, taken)
    return _keep_best(axes, texts, taken)


def _keep_best(axes: Axes, texts: Sequence[Annotation], taken: Sequence[Bbox], *, most: float = np.inf) -> list[Bbox]:
    """Remove all but the first of the texts that hide least, and that one too if it hides more than `most` points²."""
    boxes = [_extent(axes, text) for text in texts]
    hidden = [round(_hidden(axes, box, taken)) for box in boxes]
    best = int(np.argmin(hidden))
    kept = [best] if hidden[best] <= most else []
    for i, text in enumerate(texts):
        if i not in kept:
            text.remove()
    return [boxes[i] for i in kept]


def _draw_diagonals(axes: Axes, taken: list[Bbox], look: Theme) -> None:
    """Draw lines of equal ELBO and write the value on each that has room for it."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    for total in MaxNLocator(6).tick_values(left + low, right + high):
        x = np.array([max(left, total - high), min(right, total - low)])
        if x[1] <= x[0]:
            continue
        axes.plot(x, total - x, color=look.faint, linewidth=0.7, zorder=1)
        (x0, y0), (x1, y1) = _points_of(axes, np.stack([x, total - x], axis=1))
        if np.hypot(x1 - x0, y1 - y0) < 45:  # too short a piece for a number
            continue
        angle = np.degrees(np.arctan2(y1 - y0, x1 - x0))
        places = [x[0] + share * (x[1] - x[0]) for share in (0.88, 0.12, 0.75, 0.25, 0.62, 0.38, 0.5)]
        texts = [_write_on_line(axes, place, total, angle, look) for place in places]
        taken += _keep_best(axes, texts, taken, most=0)


def _write_on_line(axes: Axes, x: float, total: float, angle: float, look: Theme) -> Annotation:
    return axes.annotate(
        f"ELBO {tick_text(-total)}", (x, total - x), ha="center", va="center", rotation=angle, fontsize=NOTE,
        rotation_mode="anchor", color=look.muted, bbox=plate(look) | {"alpha": 1}, zorder=2,
    )  # fmt: skip
