"""The sheet that everything is drawn on: its settings, its notes and legends, and its way into a file.

A figure is made under the house's own settings, whatever the caller's matplotlib is set to, and leaves no trace in
them; pyplot is never loaded, so figures are freed like any other object.
"""

import functools
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib as mpl
import matplotlib.figure
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from numpy.typing import NDArray
from PIL import Image

from vael.errors import VaelError
from vael.figures.lettering import NOTE, SIZE, SMALL, shorten, text_width, wrap_text
from vael.figures.theme import FONT, Theme, find_theme

__all__ = [
    "COLUMN",
    "FORMATS",
    "PAGE",
    "Figure",
    "add_legend",
    "add_note",
    "add_title",
    "figure_pixels",
    "fit_height",
    "new_figure",
    "save_figure",
    "themed",
]

COLUMN, PAGE = 3.5, 7.0  # inches: the width of one printed column, and of two
FORMATS = ("png", "svg", "pdf")
POINTS = 72  # an inch
EDGE = 6.0  # points kept free at either side of titles and notes
SAVING: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "vael",  # names inside the file are a function of the figure alone
    "pdf.fonttype": 42,  # whole fonts, which journals ask for
    "savefig.bbox": None,
    "savefig.facecolor": "auto",
    "savefig.transparent": False,
}

P = ParamSpec("P")


class Figure(matplotlib.figure.Figure):
    """A figure of matplotlib's that shows itself in any notebook."""

    def _repr_png_(self) -> bytes:
        return _png(self, dpi=160, bbox_inches="tight")


def settings(theme: Theme) -> dict[Any, Any]:
    """Return what matplotlib calls rcParams, for one theme."""
    muted = ("axes.edgecolor", "xtick.color", "ytick.color", "xtick.labelcolor", "ytick.labelcolor")
    ink = ("text.color", "axes.labelcolor", "axes.titlecolor")
    small = ("xtick.labelsize", "ytick.labelsize", "legend.fontsize")
    return {
        **dict.fromkeys(muted, theme.muted),
        **dict.fromkeys(ink, theme.ink),
        **dict.fromkeys(small, SMALL),
        **dict.fromkeys(("font.size", "axes.titlesize", "axes.labelsize", "figure.titlesize"), SIZE),
        **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), theme.background),
        **dict.fromkeys(("axes.spines.top", "axes.spines.right", "legend.frameon", "text.usetex"), False),
        **dict.fromkeys(("axes.linewidth", "xtick.major.width", "ytick.major.width", "grid.linewidth"), 0.5),
        **dict.fromkeys(("xtick.major.size", "ytick.major.size"), 2.5),
        **dict.fromkeys(("figure.constrained_layout.w_pad", "figure.constrained_layout.h_pad"), 0.04),
        "text.parse_math": False,  # a column may be called "US$"
        "font.family": FONT,
        "axes.titlelocation": "left",
        "axes.titlepad": 4,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": theme.grid_line,
        "lines.linewidth": 1.2,
        "patch.linewidth": 1.0,
        "hatch.linewidth": 0.5,
        "legend.labelcolor": theme.ink,
        "legend.handlelength": 1.6,
        "legend.labelspacing": 0.35,
        "legend.borderaxespad": 0.2,
    }


def themed(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Let a function draw under the settings of its argument `theme`.

    Raises:
        VaelError: There is no such theme.
    """

    @functools.wraps(draw)
    def inside(*args: P.args, **kwargs: P.kwargs) -> Figure:
        theme = find_theme(str(kwargs.get("theme", "light")))
        with mpl.rc_context(settings(theme)):
            return draw(*args, **kwargs)

    return inside


def new_figure(theme: Theme, *, width: float, height: float) -> Figure:
    """Return an empty sheet, `width` × `height` inches, that lays its axes out so that nothing is cut off."""
    return Figure(figsize=(width, height), facecolor=theme.background, layout="constrained")


def fit_height(figure: Figure, axes: Axes, ratio: float, *, widest: float = PAGE) -> None:
    """Set the figure's height so that the axes, as wide as it leaves them, are `ratio` times as high as wide.

    Arguments:
        figure: The figure, with everything on it.
        axes: Its only axes.
        ratio: Height over width.
        widest: The axes are no wider than that, in inches.
    """
    aspect = axes.get_aspect()
    axes.set_aspect("auto")  # else the axes shrink inside their box, and their labels are measured at the wrong place
    figure.draw_without_rendering()
    axes.set_aspect(aspect)
    width, height = figure.get_size_inches()
    box = axes.get_position(original=True)
    figure.set_size_inches(width, height * (1 - box.height) + min(width * box.width, widest) * ratio)


def add_title(figure: Figure, text: str) -> None:
    """Write a title above everything, if there is one."""
    if text:
        width = figure.get_figwidth() * POINTS - 2 * EDGE
        figure.suptitle(wrap_text(text, width, SIZE), x=_edge(figure), ha="left")


def add_note(figure: Figure, text: str, theme: Theme) -> None:
    """Write a note below everything, small and muted, if there is one."""
    if text:
        lines = wrap_text(text, figure.get_figwidth() * POINTS - 2 * EDGE)
        figure.supxlabel(lines, x=_edge(figure), ha="left", fontsize=NOTE, color=theme.muted)


def _edge(figure: Figure) -> float:
    return EDGE / (figure.get_figwidth() * POINTS)


def add_legend(figure: Figure, handles: Sequence[Artist], names: Sequence[str]) -> None:
    """Write one legend for all panels above them, in as many columns as have room."""
    width = figure.get_figwidth() * POINTS - 2 * EDGE
    names = [shorten(name, width - 40) for name in names]
    widest = max(text_width(name, SMALL) for name in names) + 40  # the line, and the space around it
    columns = max(1, min(len(names), int(width // widest)))
    figure.legend(handles, names, loc="outside upper left", ncols=columns, columnspacing=1.5, borderaxespad=0.5)


def _png(figure: Figure, **options: Any) -> bytes:
    file = io.BytesIO()
    with mpl.rc_context(SAVING):
        figure.savefig(file, format="png", **options)
    return file.getvalue()


def figure_pixels(figure: Figure, *, dpi: int = 120) -> NDArray[np.uint8]:
    """Render a figure as `(H, W, 3)` uint8, always of the same size: the figure's inches times `dpi`."""
    with Image.open(io.BytesIO(_png(figure, dpi=dpi))) as picture:
        return np.asarray(picture.convert("RGB"))


def save_figure(figure: Figure, path: Path) -> None:
    """Save a figure in the format of the path's ending; the same figure gives the same bytes.

    Raises:
        VaelError: The ending is none of .png, .svg and .pdf, or the file cannot be written.
    """
    ending = path.suffix.lower().removeprefix(".")
    if ending not in FORMATS:
        raise VaelError(f"a figure expects .png, .svg or .pdf, got '{path.name}'")
    dates = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with mpl.rc_context(SAVING):
            figure.savefig(path, format=ending, dpi=220, metadata=dates[ending])
    except OSError as error:
        raise VaelError(f"cannot write {path}: {error.strerror or error}") from None
