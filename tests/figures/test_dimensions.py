import numpy as np
import pytest
from matplotlib.colors import to_hex

from vael.errors import VaelError
from vael.figures import draw_dimensions, find_theme


def test_bars_are_sorted_and_inactive_ones_grey():
    figure = draw_dimensions(np.array([0.01, 3.0, 1.5]), np.array([False, True, True]))
    axes, look = figure.axes[0], find_theme("light")
    assert [bar.get_width() for bar in axes.patches] == [3.0, 1.5, 0.01]
    assert [to_hex(bar.get_facecolor()) for bar in axes.patches] == [look.colour(0), look.colour(0), look.faint]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["z1", "z2", "z0"]
    assert figure.get_suptitle() == "4.5 nats, 2 of 3 dimensions active"
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the largest on top


@pytest.mark.parametrize(("count", "is_named"), [(1, True), (32, True), (33, False), (128, False)])
def test_many_dimensions_have_thin_bars_without_names(count: int, is_named: bool):
    figure = draw_dimensions(np.arange(count, dtype=float), np.ones(count, bool))
    axes = figure.axes[0]
    assert len(axes.patches) == count
    figure.draw_without_rendering()
    assert any(text.get_text() == "z0" for text in axes.get_yticklabels()) == is_named
    assert figure.get_figheight() < 6


def test_lengths_must_agree():
    with pytest.raises(VaelError, match=r"active expects an array \(3\), got \(2,\)"):
        draw_dimensions(np.zeros(3), np.zeros(2, bool))
