import numpy as np
import pytest
from matplotlib.colors import to_hex
from numpy.typing import NDArray

from vael.errors import VaelError
from vael.figures import draw_amounts, draw_embedding, find_theme

POINTS = np.array([[0.0, 0.0], [1.0, 1.0], [4.0, -2.0], [4.2, -2.2]])


def clusters(count: int) -> tuple[NDArray, list[str]]:
    numbers = np.arange(40 * count) % count
    places = np.stack([numbers % 7, numbers // 7], axis=1) * 10.0
    return places + np.random.default_rng(0).normal(size=(len(numbers), 2)), [str(i) for i in numbers]


def test_a_class_keeps_its_colour_and_numbers_are_sorted_as_numbers():
    figure = draw_embedding(POINTS, labels=["10", "2", "2", "1"])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["1", "2", "10"]
    (dots,) = figure.axes[0].collections
    colours = {
        tuple(place): to_hex(colour) for place, colour in zip(dots.get_offsets(), dots.get_facecolors(), strict=True)
    }
    palette = find_theme("light").palette
    assert [colours[tuple(place)] for place in POINTS] == [palette[2], palette[1], palette[1], palette[0]]
    assert dots.get_rasterized()


def test_both_axes_have_one_scale():
    for limits in (None, 3.0):
        figure = draw_embedding(*clusters(3)[:1], labels=clusters(3)[1], limits=limits)
        figure.draw_without_rendering()
        axes = figure.axes[0]
        x, y = axes.transData.transform([[1, 0], [0, 1]]) - axes.transData.transform([0, 0])
        assert x[0] == pytest.approx(y[1], rel=1e-3)


def test_limits_hold_for_every_frame():
    axes = draw_embedding(POINTS, limits=2.5).axes[0]
    assert (axes.get_xlim(), axes.get_ylim()) == ((-2.5, 2.5), (-2.5, 2.5))


def test_names_stand_at_the_medians():
    points, labels = clusters(5)
    figure = draw_embedding(points, labels=labels)
    for text in figure.axes[0].texts:
        inside = points[np.array(labels) == text.get_text()]
        assert text.get_position() == pytest.approx(np.median(inside, axis=0))
    assert len(figure.axes[0].texts) == 5


def test_names_of_classes_in_one_place_step_aside():
    points, _ = clusters(1)
    figure = draw_embedding(points, labels=[str(i % 2) for i in range(len(points))])
    (one, other) = (text.get_position() for text in figure.axes[0].texts)
    assert one != other


@pytest.mark.parametrize(("count", "is_named"), [(20, True), (21, False)])
def test_more_than_twenty_classes_have_colours_and_markers_but_no_names(count: int, is_named: bool):
    points, labels = clusters(count)
    figure = draw_embedding(points, labels=labels)
    assert bool(figure.legends) == is_named
    assert ("21 classes, too many to name" in figure.get_supxlabel()) != is_named
    assert len(figure.axes[0].collections) == -(-count // 10)  # one a marker


def test_points_without_labels_need_no_legend_and_gaps_are_left_out():
    points = np.vstack([POINTS, [[np.nan, 0]]])
    figure = draw_embedding(points, axes=("PC 1", "PC 2"), title="Plane")
    assert not figure.legends
    assert len(figure.axes[0].collections[0].get_offsets()) == 4
    assert (figure.axes[0].get_xlabel(), figure.get_suptitle()) == ("PC 1", "Plane")


def test_amounts_have_a_bar_of_colours_and_the_highest_lie_on_top():
    figure = draw_amounts(POINTS, np.array([3.0, np.nan, 1.0, 2.0]), name="rate (nats)")
    (dots,) = figure.axes[0].collections
    assert dots.get_array().tolist() == [1, 2, 3]
    np.testing.assert_array_equal(dots.get_offsets(), POINTS[[2, 3, 0]])
    assert figure.axes[1].get_ylabel() == "rate (nats)"


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: draw_embedding(np.zeros((3, 3))), r"points expects an array \(N, 2\), got \(3, 3\)"),
        (lambda: draw_embedding(POINTS, labels=["a"]), "labels expects one for each point, 4, got 1"),
        (lambda: draw_embedding(POINTS * np.nan), "points expects finite numbers, got none"),
        (lambda: draw_amounts(POINTS, np.zeros(3), name="a"), r"values expects an array \(4\), got \(3,\)"),
        (lambda: draw_amounts(POINTS, np.full(4, np.nan), name="a"), "expect finite numbers, got none"),
    ],
)
def test_mistakes_are_errors_of_one_line(draw, message: str):
    with pytest.raises(VaelError, match=message):
        draw()
