"""Words and numbers in figures: how wide they are, where they break, how ticks are written."""

import math
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FuncFormatter

from vael.figures.theme import FONT, Theme

__all__ = ["NOTE", "SIZE", "SMALL", "plate", "shorten", "text_width", "tick_text", "ticks_as_text", "wrap_text"]

SIZE, SMALL, NOTE = 8.0, 7.0, 6.5  # points: titles and labels; ticks and legends; notes, the smallest


@lru_cache(maxsize=4096)
def text_width(text: str, size: float) -> float:
    """Return the width in points of one line of text set at `size` points."""
    return text_to_path.get_text_width_height_descent(text, FontProperties(family=FONT, size=size), ismath=False)[0]


def shorten(text: str, width: float, size: float = SMALL) -> str:
    """Cut a text that is wider than `width` points at `size`, with an ellipsis.

    >>> shorten("sepal length", 1000), shorten("sepal length", 30)
    ('sepal length', 'sepal l…')
    """
    text = text.replace("\n", " ")
    if text_width(text, size) <= width:
        return text
    end = next((end for end in range(len(text) - 1, 0, -1) if text_width(text[:end] + "…", size) <= width), 1)
    return text[:end].rstrip() + "…"


def wrap_text(text: str, width: float, size: float = NOTE) -> str:
    """Break a text into lines of at most `width` points at `size`, between words."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and text_width(longer, size) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return "\n".join(shorten(line, width, size) for line in lines)


def tick_text(value: float, _position: int | None = None) -> str:
    """Write a number in full where it is short, else as a power of ten; never as an offset.

    >>> [tick_text(value) for value in (-105.0, 0.0005, 0.1 + 0.2, 1e-5, 12500, 3e6)]
    ['−105', '0.0005', '0.3', '10⁻⁵', '12500', '3·10⁶']
    """
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        return np.format_float_positional(value, 6, fractional=False, trim="-").replace("-", "−")
    if not math.isfinite(value):
        return str(value)
    digits, power = f"{value:.3e}".split("e")
    digits = digits.rstrip("0").rstrip(".")
    raised = str(int(power)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return {"1": "", "-1": "−"}.get(digits, f"{digits}·").replace("-", "−") + f"10{raised}"


def ticks_as_text() -> FuncFormatter:
    """Return a fresh formatter for an axis (matplotlib ties each to its axis)."""
    return FuncFormatter(tick_text)


def plate(theme: Theme) -> dict[str, Any]:
    """Return the `bbox` of a text that lies on data: a plate of the background's colour that lets them shine through.

    A halo would be slimmer, but a text with one is saved as outlines, and could neither be searched nor edited.
    """
    return {
        "boxstyle": "round,pad=0.12,rounding_size=0.3",
        "facecolor": theme.background,
        "alpha": 0.75,
        "linewidth": 0,
    }
