"""Columns of tables, a panel each: data and samples, originals and reconstructions, and walks."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from vael.errors import VaelError
from vael.figures.canvas import Figure, add_legend, themed
from vael.figures.checks import expect_length, expect_shape
from vael.figures.lettering import SMALL, shorten
from vael.figures.panels import MOST, small_multiples
from vael.figures.scatter import point_alpha
from vael.figures.theme import find_theme

__all__ = ["draw_agreement", "draw_columns", "draw_paths"]

PER_ROW = 5
HEIGHT = 1.35  # inches, of a panel
BINS = 30
TAIL = 0.25  # percent of the values at either end that may fall outside the bins
STYLES = ("-", "--", "-.", ":")


@themed
def draw_columns(data: NDArray, samples: NDArray, *, columns: Sequence[str], theme: str = "light") -> Figure:
    """Draw how each column is distributed, in the data and in what the model makes up.

    Arguments:
        data: `(N, F)`.
        samples: `(M, F)`.
        columns: The F names; the first 20 are drawn.
        theme: "light" or "dark".

    Raises:
        VaelError: Shapes that do not agree, or an unknown theme.
    """
    look, sizes = find_theme(theme), expect_shape("data", data, "N", "F")
    expect_shape("samples", samples, "M", sizes["F"])
    expect_length("columns", columns, sizes["F"], "column of the table")
    styles: list[dict[str, Any]] = [{"color": look.faint}, {"histtype": "step", "color": look.colour(6)}]
    figure, panels = small_multiples(columns, look, per_row=PER_ROW, height=HEIGHT)
    for axes, *values in zip(panels, data.T[:MOST], samples.T[:MOST], strict=True):
        known = [column[np.isfinite(column)] for column in values]
        edges = _bins(np.concatenate(known))
        for column, style in zip(known, styles, strict=True):
            axes.hist(column, edges.tolist(), weights=np.full(len(column), 1 / max(len(column), 1)), **style)
        axes.set_yticks([])
        axes.spines.left.set_visible(False)
    add_legend(figure, [Patch(color=look.faint), Line2D([], [], color=look.colour(6))], ["data", "samples"])
    return figure


def _bins(values: NDArray) -> NDArray:
    """Return bins for the bulk of the values: one for each where they are few, so that whole numbers stay whole."""
    known = np.unique(values)
    if 1 < len(known) <= BINS:
        middles = (known[1:] + known[:-1]) / 2
        return np.array([2 * known[0] - middles[0], *middles, 2 * known[-1] - middles[-1]])
    low, high = np.percentile(values, [TAIL, 100 - TAIL]) if len(values) else (0.0, 1.0)
    return np.linspace(low, high, BINS + 1) if high > low else np.linspace(low - 0.5, high + 0.5, BINS + 1)


@themed
def draw_agreement(
    original: NDArray, reconstruction: NDArray, *, columns: Sequence[str], theme: str = "light"
) -> Figure:
    """Draw each column's reconstruction over its original, with R², the share of the variance that survives.

    Arguments:
        original: `(N, F)`.
        reconstruction: `(N, F)`.
        columns: The F names; the first 20 are drawn.
        theme: "light" or "dark".

    Raises:
        VaelError: Shapes that do not agree, or an unknown theme.
    """
    look, sizes = find_theme(theme), expect_shape("original", original, "N", "F")
    expect_shape("reconstruction", reconstruction, sizes["N"], sizes["F"])
    expect_length("columns", columns, sizes["F"], "column of the table")
    shares = [_explained(x, y) for x, y in zip(original.T[:MOST], reconstruction.T[:MOST], strict=True)]
    figure, panels = small_multiples(columns, look, per_row=PER_ROW, height=1.6)
    for axes, share, x, y in zip(panels, shares, original.T[:MOST], reconstruction.T[:MOST], strict=True):
        axes.set_title(f"{axes.get_title(loc='left')}\nR² {share}")
        known = np.isfinite(x) & np.isfinite(y)
        ends = _range(np.concatenate([x[known], y[known]]))
        axes.plot(ends, ends, color=look.muted, linewidth=0.7)
        axes.scatter(x, y, s=3, linewidths=0, color=look.colour(0), alpha=point_alpha(len(x)), rasterized=True)
        axes.set(xlim=ends, ylim=ends, aspect="equal")
    for i, axes in enumerate(panels):
        axes.set_xlabel("original" if i + PER_ROW >= len(panels) else "", fontsize=SMALL)
        axes.set_ylabel("reconstruction" if i % PER_ROW == 0 else "", fontsize=SMALL)
    return figure


@themed
def draw_paths(
    x_values: NDArray,
    paths: Mapping[str, NDArray],
    *,
    columns: Sequence[str],
    ends: tuple[str, str] = ("", ""),
    theme: str = "light",
) -> Figure:
    """Draw how each column changes along walks between two examples.

    Arguments:
        x_values: `(S,)`, how far each step is.
        paths: A walk's name → `(S, F)`.
        columns: The F names; the first 20 are drawn.
        ends: What the walk's two ends are called.
        theme: "light" or "dark".

    Raises:
        VaelError: No walk, shapes that do not agree, or an unknown theme.
    """
    look, steps = find_theme(theme), expect_shape("x_values", x_values, "S")["S"]
    if not paths:
        raise VaelError("draw_paths expects at least one path, got none")
    for name, values in paths.items():
        expect_shape(f"path '{name}'", values, steps, len(columns))
    figure, panels = small_multiples(columns, look, per_row=PER_ROW, height=HEIGHT)
    styles: list[Any] = [STYLES[i % len(STYLES)] for i in range(len(paths))]
    for f, axes in enumerate(panels):
        for i, values in enumerate(paths.values()):
            axes.plot(x_values, values[:, f], color=look.colour(i), linestyle=styles[i])
        axes.set_ylim(_range(np.concatenate([values[:, f] for values in paths.values()])))
        if any(ends):
            axes.set_xticks([x_values[0], x_values[-1]], [shorten(end, 38) for end in ends])
            for text, side in zip(axes.get_xticklabels(), ("left", "right"), strict=True):
                text.set_horizontalalignment(side)
    if len(paths) > 1:
        lines = [Line2D([], [], color=look.colour(i), linestyle=style) for i, style in enumerate(styles)]
        add_legend(figure, lines, list(paths))
    return figure


def _explained(x: NDArray, y: NDArray) -> str:
    """Write R² = 1 − Σ(x − y)² / Σ(x − mean x)²."""
    known = np.isfinite(x) & np.isfinite(y)
    spread = float(((x[known] - x[known].mean()) ** 2).sum()) if known.any() else 0.0
    return f"{1 - float(((x[known] - y[known]) ** 2).sum()) / spread:.2f}".replace("-", "−") if spread else "–"


def _range(values: NDArray) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    margin = 0.06 * (high - low)
    return (low - margin, high + margin) if margin else (low - 0.5, high + 0.5)
