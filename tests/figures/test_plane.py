import itertools

import numpy as np
import pytest
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from vael.errors import VaelError
from vael.figures import draw_plane


def test_diagonals_are_lines_of_one_elbo_and_say_which():
    axes = draw_plane(["a", "b"], np.array([10.0, 30.0]), np.array([90.0, 60.0])).axes[0]
    diagonals = [line for line in axes.lines if len(line.get_xdata()) == 2]
    totals = [line.get_xdata() + line.get_ydata() for line in diagonals]
    assert all(one == pytest.approx(other) for one, other in totals)
    named = {text.get_text() for text in axes.texts if text.get_text().startswith("ELBO")}
    assert len(named) >= 3
    assert named <= {f"ELBO −{one:g}" for one, _ in totals}


@pytest.mark.parametrize("seed", range(5))
def test_names_touch_neither_each_other_nor_points(seed: int):
    rate, distortion = np.random.default_rng(seed).uniform(5, 50, (2, 12))
    figure = draw_plane([f"run {i}" for i in range(12)], rate, distortion)
    axes = figure.axes[0]
    figure.draw_without_rendering()
    boxes = [Text.get_window_extent(text) for text in axes.texts if text.get_text().startswith("run")]
    assert len(boxes) == 12
    for one, other in itertools.combinations(boxes, 2):
        assert Bbox.intersection(one, other) is None
    for place in axes.transData.transform(np.stack([rate, distortion], axis=1)):
        assert not any(box.contains(*place) for box in boxes)


def test_groups_have_a_colour_a_marker_and_a_legend():
    figure = draw_plane(list("abc"), np.arange(3.0), np.arange(3.0), groups=["x", "y", "x"])
    dots = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 1]
    assert [dot.get_marker() for dot in dots] == ["o", "s", "o"]
    assert dots[0].get_color() == dots[2].get_color() != dots[1].get_color()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["x", "y"]
    assert not draw_plane(list("ab"), np.arange(2.0), np.arange(2.0), groups=["x", "x"]).legends


def test_one_run_stands_in_the_middle():
    axes = draw_plane(["basic"], np.array([25.0]), np.array([80.0])).axes[0]
    assert sum(axes.get_xlim()) / 2 == pytest.approx(25)
    assert sum(axes.get_ylim()) / 2 == pytest.approx(80)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], np.zeros(0), np.zeros(0)), "there is nothing to draw"),
        ((["a"], np.zeros(2), np.zeros(2)), "labels expects one for each run, 2, got 1"),
        ((["a"], np.zeros(1), np.zeros(2)), r"distortion expects an array \(1\), got \(2,\)"),
        ((["a"], np.array([np.nan]), np.zeros(1)), "finite nats, got NaN or infinity: leave runs without a rate out"),
    ],
)
def test_mistakes_are_errors_of_one_line(arguments, message: str):
    with pytest.raises(VaelError, match=message):
        draw_plane(*arguments)
