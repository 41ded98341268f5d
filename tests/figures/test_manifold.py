import numpy as np
import pytest
from gallery import NAMES, pixels

from vael.errors import VaelError
from vael.figures import draw_manifold, draw_surfaces


def test_the_first_row_is_at_the_bottom_and_nothing_lies_between_images():
    images, z = pixels(3, 3, 4, 4), np.array([-1.5, 0.0, 2.0])
    figure = draw_manifold(images, x=z, y=z + 1)
    axes = figure.axes[0]
    shown = np.asarray(axes.images[0].get_array())
    np.testing.assert_array_equal(shown[-4:, :4], images[0, 0])
    np.testing.assert_array_equal(shown[:4, -4:], images[2, 2])
    assert shown.shape == (12, 12, 3)
    low, high = axes.get_ylim()
    assert low < high
    assert axes.images[0].origin == "upper"
    assert axes.images[0].get_extent() == pytest.approx((-0.5, 2.5, -0.5, 2.5))
    figure.draw_without_rendering()
    assert [text.get_text() for text in axes.get_xticklabels()] == ["−1.5", "0.0", "2.0"]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["−0.5", "1.0", "3.0"]
    assert list(axes.get_yticks()) == [0, 1, 2]


def test_ticks_are_few():
    z = np.linspace(-2, 2, 40)
    axes = draw_manifold(pixels(40, 40, 4, 4), x=z, y=z, names=("z3", "z7")).axes[0]
    assert (len(axes.get_xticks()), axes.get_xlabel(), axes.get_ylabel()) == (5, "z3", "z7")


def test_a_surface_lies_on_the_plane_as_the_images_do():
    z, values = np.linspace(-1, 1, 3), np.arange(18.0).reshape(2, 3, 3)
    figure = draw_surfaces(values, x=z, y=z, columns=["a", "b"])
    first = figure.axes[0]
    assert first.get_title(loc="left") == "a"
    np.testing.assert_array_equal(np.asarray(first.images[0].get_array()), values[0])
    assert first.get_ylim()[0] < first.get_ylim()[1]
    assert len(figure.axes) == 4  # each with its own bar of colours


@pytest.mark.parametrize(
    ("count", "panels", "note"), [(20, 20, ""), (21, 20, "1 more column is not shown"), (25, 20, "5 more")]
)
def test_more_than_twenty_columns_are_left_out_and_said_so(count: int, panels: int, note: str):
    z = np.linspace(-1, 1, 3)
    figure = draw_surfaces(np.zeros((count, 3, 3)), x=z, y=z, columns=NAMES[:count])
    assert len(figure.axes) == 2 * panels
    assert note in figure.get_supxlabel()


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda z: draw_manifold(pixels(3, 3, 4, 4), x=z[:2], y=z), r"x expects an array \(3\), got \(2,\)"),
        (lambda z: draw_manifold(pixels(3, 4, 4), x=z, y=z), r"expects an array \(rows, columns, H, W, 3\)"),
        (lambda z: draw_surfaces(np.zeros((2, 3, 3)), x=z, y=z, columns=["a"]), "columns expects one for each column"),
    ],
)
def test_mistakes_are_errors_of_one_line(draw, message: str):
    with pytest.raises(VaelError, match=message):
        draw(np.linspace(-1, 1, 3))
