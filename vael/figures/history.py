"""How the latent dimensions woke up: the rate of each through a training."""

import math

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from vael.errors import VaelError
from vael.figures.canvas import Figure, add_title, themed
from vael.figures.checks import expect_shape
from vael.figures.lettering import SMALL, text_width, tick_text
from vael.figures.panels import add_colour_bar, new_axes
from vael.figures.theme import find_theme

__all__ = ["draw_dimension_history"]

NAMED = 32  # dimensions; with more, the rows are too thin for a name each
ROW, LEAST, MOST = 0.135, 0.6, 3.4  # inches: the height of a named row, and the least and most of all rows together
AROUND = 1.2  # inches: the height of title, ticks, label and colour bar
DARK = 0.5  # nats: the brightest colour stands for at least that, else a silent model would glow
COUNTED = 0.01  # nats: dimensions that cost less are not counted
AXIS, GAP = 215.0, 3.0  # points: about the width of the axis, and what stays free at either side of a tick's label


@themed
def draw_dimension_history(
    steps: NDArray, rate_per_dim: NDArray, *, steps_per_epoch: float, theme: str = "light"
) -> Figure:
    """Draw the rate of each latent dimension through a training as a heat map, the largest last rate on top.

    The brightest colour is that of the largest rate in the second half of the snapshots: a young model's may flare up.

    Arguments:
        steps: `(S,)`, rising; the axis is logarithmic, since a model changes most at first, and starts with step 0.
        rate_per_dim: `(S, D)` nats, averaged over examples.
        steps_per_epoch: Steps of one epoch, for the axis's labels.
        theme: "light" or "dark".

    Raises:
        VaelError: Shapes that do not agree, steps that do not rise, rates that are not finite, or an unknown theme.
    """
    look, sizes = find_theme(theme), expect_shape("rate_per_dim", rate_per_dim, "S", "D")
    expect_shape("steps", steps, sizes["S"])
    if steps[0] < 0 or (np.diff(steps) <= 0).any():
        raise VaelError(f"steps expects numbers ≥ 0 that rise, got {np.array2string(np.asarray(steps), threshold=8)}")
    if not np.isfinite(rate_per_dim).all():
        raise VaelError("draw_dimension_history expects finite rates, got NaN or infinity: leave those snapshots out")
    count, last = sizes["D"], rate_per_dim[-1]
    order = np.argsort(-last, kind="stable")
    figure, axes = new_axes(look, height=AROUND + min(max(ROW * count, LEAST), MOST))
    bright = max(float(rate_per_dim[sizes["S"] // 2 :].max()), DARK)
    colours = colormaps[look.sequential].copy()
    clipped = "max" if rate_per_dim.max() > bright else "neither"
    colours.colorbar_extend = clipped  # pyright: ignore[reportAttributeAccessIssue] (a word, which its stub calls bool)
    edges = _edges(_places(np.asarray(steps, float)))
    mesh = axes.pcolormesh(
        edges,
        np.arange(count + 1) - 0.5,
        rate_per_dim[:, order].T,
        cmap=colours,
        norm=Normalize(0, bright),
        rasterized=True,
    )
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.set(xlim=(edges[0], edges[-1]), ylim=(count - 0.5, -0.5))
    _name_epochs(axes, np.asarray(steps, float), steps_per_epoch)
    _name_dimensions(axes, order)
    add_colour_bar(figure, axes, mesh, name="rate (nats)", below=True)
    when, counted = _epoch_text(steps[-1] / steps_per_epoch), int((last > COUNTED).sum())
    add_title(figure, f"{last.sum():.1f} nats at epoch {when}, over {COUNTED} in {counted} of {count} dimensions")
    return figure


def _places(steps: NDArray) -> NDArray:
    """Return where steps stand: at their logarithm, step 0 as far before the first as the second is behind it."""
    positive = np.log(steps[steps > 0])
    if len(positive) == len(steps):
        return positive
    gap = positive[1] - positive[0] if len(positive) > 1 else 1.0
    return np.array([positive[0] - gap if len(positive) else 0.0, *positive])


def _edges(places: NDArray) -> NDArray:
    """Return the S + 1 edges of the columns around their S places."""
    if len(places) == 1:
        return places[0] + np.array([-0.5, 0.5])
    middles = (places[1:] + places[:-1]) / 2
    return np.array([2 * places[0] - middles[0], *middles, 2 * places[-1] - middles[-1]])


def _name_epochs(axes: Axes, steps: NDArray, steps_per_epoch: float) -> None:
    """Write the start, the end and as many round epochs between them as have room."""
    places, (left, right) = _places(steps), axes.get_xlim()
    epochs = steps / steps_per_epoch
    wanted = [(places[0], epochs[0]), (places[-1], epochs[-1])]
    wanted += [(math.log(epoch * steps_per_epoch), epoch) for epoch in _round_numbers(epochs[epochs > 0])]
    width = (right - left) / AXIS
    taken: list[tuple[float, float]] = []
    ticks: dict[float, str] = {}
    for place, epoch in wanted:
        name = _epoch_text(epoch)
        reach = (text_width(name, SMALL) / 2 + GAP) * width
        if all(place + reach <= start or end <= place - reach for start, end in taken):
            taken.append((place - reach, place + reach))
            ticks[place] = name
    axes.set_xticks(list(ticks), list(ticks.values()))
    axes.set_xlabel("epochs done, logarithmic")


def _round_numbers(epochs: NDArray) -> list[float]:
    """List the powers of ten between the least and the largest, then twice and five times them."""
    if not len(epochs):
        return []
    powers = range(math.floor(math.log10(epochs.min())), math.ceil(math.log10(epochs.max())) + 1)
    found = [digit * 10.0**power for digit in (1, 2, 5) for power in reversed(powers)]
    return [epoch for epoch in found if epochs.min() <= epoch <= epochs.max()]


def _epoch_text(epoch: float) -> str:
    return tick_text(float(f"{epoch:.3g}"))


def _name_dimensions(axes: Axes, order: NDArray) -> None:
    """Name the rows, or only count them where they are too thin for names."""
    axes.tick_params(axis="y", length=0)
    if len(order) <= NAMED:
        axes.set_yticks(range(len(order)), [f"z{dim}" for dim in order], fontsize=SMALL)
    else:
        axes.yaxis.set_major_locator(NullLocator())
        axes.set_ylabel(f"{len(order)} latent dimensions, sorted")
