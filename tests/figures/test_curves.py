import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from numpy.typing import NDArray

from vael.errors import VaelError
from vael.figures import Figure, draw_curves, find_theme


def panel(figure: Figure, title: str) -> Axes:
    return next(axes for axes in figure.axes if axes.get_title(loc="left") == title)


def fall(count: int) -> tuple[NDArray, NDArray]:
    """Return an ELBO that starts far below all that follows."""
    y = np.linspace(-120.0, -100.0, count)
    y[: count // 20] = -550
    return np.arange(count), y


def test_a_name_has_one_colour_in_every_panel():
    x = np.arange(5.0)
    lines = {"train": (x, x), "valid": (x, 2 * x)}
    figure = draw_curves({"a": lines, "b": {"valid": (x, x)}, "c": lines, "d": lines}, theme="dark")
    assert len(figure.axes) == 4
    second = find_theme("dark").colour(1)
    assert to_hex(panel(figure, "b").lines[0].get_color()) == second
    assert to_hex(panel(figure, "d").lines[1].get_color()) == second
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["train", "valid"]


def test_one_point_is_a_dot():
    (dot,) = draw_curves({"a": {"test": (np.array([3.0]), np.array([1.0]))}}).axes[0].lines
    assert dot.get_marker() == "o"


@pytest.mark.parametrize(("count", "is_hidden"), [(200, True), (20, True), (19, False)])
def test_untrained_points_do_not_ruin_the_range(count: int, is_hidden: bool):
    x, y = fall(count)
    y[0] = -550
    low, high = draw_curves({"ELBO (nats)": {"train": (x, y)}}).axes[0].get_ylim()
    assert (low > -200) == is_hidden
    assert (y[count // 20 :] >= low).all()  # no more than the first twentieth
    assert high > -100


def test_what_is_ordinary_is_shown_whole():
    x = np.arange(100.0)
    low, high = draw_curves({"rate": {"train": (x, x)}}).axes[0].get_ylim()
    assert low < 0
    assert high > 99


@pytest.mark.parametrize("value", [1e-3, 1.0, 0.0, -105.0])
def test_a_constant_has_an_axis_that_tells_its_size(value: float):
    figure = draw_curves({"learning rate": {"train": (np.arange(9), np.full(9, value))}})
    axes = figure.axes[0]
    figure.draw_without_rendering()
    low, high = axes.get_ylim()
    assert low <= 0 <= high
    assert low < value < high or value == 0
    assert axes.yaxis.get_major_formatter().get_offset() == ""


def test_numbers_that_are_not_finite_leave_gaps():
    y = np.array([np.nan, 1.0, np.inf, 3.0])
    assert draw_curves({"a": {"train": (np.arange(4), y)}}).axes[0].get_ylim() == pytest.approx((0.9, 3.1))


def test_markers_stand_in_every_panel_and_in_the_legend():
    x = np.arange(5.0)
    figure = draw_curves({"a": {"train": (x, x)}, "b": {"train": (x, x)}}, markers={"best": 2.0, "warm": 1.0})
    for axes in figure.axes:
        assert [list(line.get_xdata()) for line in axes.lines[1:]] == [[2, 2], [1, 1]]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["train", "best", "warm"]


@pytest.mark.parametrize("panels", [{}, {"a": {}}])
def test_nothing_to_draw_is_refused(panels: dict):
    with pytest.raises(VaelError, match="draw_curves expects panels with lines"):
        draw_curves(panels)


def test_lengths_must_agree():
    with pytest.raises(VaelError, match=r"y of 'train' in 'a' expects an array \(3\), got \(2,\)"):
        draw_curves({"a": {"train": (np.arange(3), np.arange(2))}})
