"""What every figure promises, whatever it shows: nothing cut off, nothing written over, its own size and colours."""

import functools
import itertools

import matplotlib as mpl
import matplotlib.colors
import pytest
from gallery import GALLERY
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from vael.errors import VaelError
from vael.figures import THEMES, Figure, figure_pixels

EVERY = pytest.mark.parametrize(
    ("name", "theme"), list(itertools.product(GALLERY, THEMES)), ids=lambda value: value.replace(" ", "_")
)
TOLERANCE = 0.7  # pixels


@functools.cache
def drawn(name: str, theme: str) -> Figure:
    """Draw each figure once for all that is asked of it."""
    return GALLERY[name](theme)


def texts_of(figure: Figure) -> list[Text]:
    """Return every text that is seen."""
    figure.draw_without_rendering()
    found = figure.findobj(lambda artist: isinstance(artist, Text) and artist.get_visible())
    return [text for text in found if isinstance(text, Text) and text.get_text().strip()]


def box_of(text: Text) -> Bbox:
    return Text.get_window_extent(text)  # a label alone, without the line that leads to it


def in_ticks(figure: Figure, text: Text) -> bool:
    """Tell ticks outside their axis's range, which matplotlib keeps but does not draw."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            for tick in axis.get_major_ticks():
                if text in (tick.label1, tick.label2):
                    low, high = sorted(axis.get_view_interval())
                    reach = 1e-6 * (high - low)
                    drawn = tick.label1.get_visible() if text is tick.label1 else tick.label2.get_visible()
                    return drawn and low - reach <= tick.get_loc() <= high + reach
    return True


@EVERY
def test_no_text_is_cut_off_or_written_over(name: str, theme: str):
    figure = drawn(name, theme)
    texts = [text for text in texts_of(figure) if in_ticks(figure, text)]
    boxes = [(text.get_text(), box_of(text)) for text in texts]
    width, height = figure.get_size_inches() * figure.dpi
    for words, box in boxes:
        assert -TOLERANCE <= box.x0 < box.x1 <= width + TOLERANCE, f"'{words}' leaves the figure sideways: {box}"
        assert -TOLERANCE <= box.y0 < box.y1 <= height + TOLERANCE, f"'{words}' leaves the figure: {box}"
    for (one, box), (other, another) in itertools.combinations(boxes, 2):
        shared = Bbox.intersection(box, another)
        assert shared is None or min(shared.width, shared.height) <= TOLERANCE, (
            f"'{one}' and '{other}' lie on each other"
        )


@EVERY
def test_a_figure_is_one_or_two_columns_wide_and_its_letters_can_be_read(name: str, theme: str):
    figure = drawn(name, theme)
    assert figure.get_figwidth() in (3.5, 7.0)
    assert min(float(text.get_fontsize()) for text in texts_of(figure)) >= 6.5
    assert mpl.colors.to_hex(figure.get_facecolor()) == THEMES[theme].background


@pytest.mark.parametrize("name", GALLERY)
def test_a_figure_has_its_own_settings_and_leaves_none_behind(name: str):
    before = dict(mpl.rcParams)
    expected = figure_pixels(GALLERY[name]("dark"), dpi=40)
    assert dict(mpl.rcParams) == before
    with mpl.rc_context({"axes.grid": False, "font.size": 20, "axes.facecolor": "red", "lines.linewidth": 9}):
        figure = GALLERY[name]("dark")
    assert (figure_pixels(figure, dpi=40) == expected).all()


@pytest.mark.parametrize("name", GALLERY)
def test_an_unknown_theme_is_refused(name: str):
    with pytest.raises(VaelError, match=r"unknown theme 'drak': did you mean 'dark'\? \(known: dark, light\)"):
        GALLERY[name]("drak")
