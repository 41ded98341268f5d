"""Colours: two themes, one for white paper and one for dark screens.

Classes are coloured by Petroff's ten (Accessible color sequences for data visualization, Matthew A. Petroff 2021,
https://arxiv.org/abs/2107.02270), which stay apart under the three kinds of colour blindness and in grey. On white,
four of them fall short of the contrast of 3 : 1 that lines and dots need (WCAG 2.2, 1.4.11), so the light theme moves
them, hues kept, to the nearest colours that reach it and stay apart; the dark theme lightens three.
"""

from dataclasses import dataclass

from vael.errors import unknown_name

__all__ = ["FONT", "THEMES", "Theme", "find_theme"]

FONT = "DejaVu Sans"  # ships with matplotlib, so that a figure looks the same on every machine
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


@dataclass(frozen=True)
class Theme:
    """Hold the colours of a figure.

    Arguments:
        name: What the argument `theme` of the draw functions calls it.
        background: Behind everything.
        ink: Titles and labels; at least 7 : 1 against the background (WCAG 2.2, 1.4.6).
        muted: Tick labels, notes and whatever steps back; at least 4.5 : 1.
        faint: Bars and lines that only accompany.
        grid_line: Grid lines.
        palette: Ten colours for classes, each at least 3 : 1 against the background.
        sequential: The colour map of amounts.
        diverging: The colour map of signed amounts.
    """

    name: str
    background: str
    ink: str
    muted: str
    faint: str
    grid_line: str
    palette: tuple[str, ...]
    sequential: str = "cividis"
    diverging: str = "PuOr_r"

    def colour(self, number: int) -> str:
        """Return the colour of the class `number`; they repeat after ten."""
        return self.palette[number % len(self.palette)]

    def marker(self, number: int) -> str:
        """Return the marker of the class `number`: another one each time the colours repeat."""
        return MARKERS[number // len(self.palette) % len(MARKERS)]


LIGHT = Theme(
    name="light",
    background="#ffffff",
    ink="#1b1d21",
    muted="#62666e",
    faint="#c3c6cb",
    grid_line="#e6e7ea",
    palette=(
        *("#3494e1", "#d57f0f", "#bd1e01", "#859799", "#832db6"),
        *("#a86b58", "#ce5811", "#a99066", "#646875", "#1987a2"),
    ),
)
DARK = Theme(
    name="dark",
    background="#14161a",
    ink="#eceef1",
    muted="#a3a8b1",
    faint="#4c515b",
    grid_line="#2b2f36",
    palette=(
        *("#3f90da", "#ffa90e", "#c9301a", "#94a4a2", "#9a4ccb"),
        *("#a96b59", "#e76300", "#b9ac70", "#777b88", "#92dadd"),
    ),
    diverging="managua_r",  # dark in the middle, as the background is
)
THEMES: dict[str, Theme] = {theme.name: theme for theme in (LIGHT, DARK)}


def find_theme(name: str) -> Theme:
    """Return the theme called `name`.

    Raises:
        VaelError: There is none.

    >>> find_theme("dark").background
    '#14161a'
    """
    if name not in THEMES:
        raise unknown_name("theme", name, THEMES)
    return THEMES[name]
