import numpy as np
import pytest
from gallery import pixels
from numpy.typing import NDArray

from vael.errors import VaelError
from vael.figures import Figure, draw_image_rows, draw_images
from vael.figures.grid import in_rows, tile
from vael.figures.images import GAP, LARGEST


def picture(figure: Figure) -> NDArray[np.uint8]:
    return np.asarray(figure.axes[0].images[0].get_array())


@pytest.mark.parametrize("size", [(28, 28), (8, 8), (64, 48), (200, 200)])
def test_each_image_stands_in_its_place_enlarged_by_a_whole_number(size: tuple[int, int]):
    images = pixels(2, 3, *size)
    shown = picture(draw_image_rows(images))
    factor = max(1, round(112 / max(size)))
    height, width = size[0] * factor, size[1] * factor
    assert shown.shape == (2 * height + GAP, 3 * width + 2 * GAP, 3)
    for row, column in np.ndindex(2, 3):
        top, left = row * (height + GAP), column * (width + GAP)
        expected = np.kron(images[row, column], np.ones((factor, factor, 1), np.uint8))
        np.testing.assert_array_equal(shown[top : top + height, left : left + width], expected)


def test_muted_rows_fade_towards_the_background_and_their_names_too():
    images = np.zeros((2, 3, 8, 8, 3), np.uint8)
    figure = draw_image_rows(images, row_labels=["a", "b"], muted=[False, True])
    shown = picture(figure)
    assert (shown[:112, :112] == 0).all()
    assert (np.abs(shown[-112:, :112].astype(int) - 0.7 * 255) <= 1).all()
    first, second = (text.get_color() for text in figure.axes[0].get_yticklabels())
    assert first != second


@pytest.mark.parametrize("shape", [(2, 10), (1, 1), (8, 3), (3, 33)])
def test_pixels_are_square_and_fill_the_axes(shape: tuple[int, int]):
    figure = draw_image_rows(pixels(*shape, 8, 8), row_labels=["name"] * shape[0], title="Title", note="note")
    figure.draw_without_rendering()
    box, shown = figure.axes[0].get_window_extent(), picture(figure)
    assert box.height / box.width == pytest.approx(shown.shape[0] / shown.shape[1], rel=0.01)
    assert box.width <= shape[1] * LARGEST * figure.dpi * 1.01
    used = box.width / (figure.get_figwidth() * figure.dpi)
    assert used > 0.8 or box.width == pytest.approx(shape[1] * LARGEST * figure.dpi, rel=0.05)


def test_row_names_stand_at_the_middle_of_their_row_and_column_names_over_theirs():
    figure = draw_image_rows(pixels(3, 4, 28, 28), row_labels=list("abc"), column_labels=list("wxyz"))
    axes = figure.axes[0]
    assert list(axes.get_yticks()) == [55.5 + i * 116 for i in range(3)]
    assert list(axes.get_xticks()) == [55.5 + i * 116 for i in range(4)]
    figure.draw_without_rendering()
    assert all(text.get_rotation() == 0 for text in axes.get_xticklabels())


def test_column_names_that_would_touch_stand_upright():
    figure = draw_image_rows(pixels(1, 12, 8, 8), column_labels=[f"step {i}000" for i in range(12)])
    assert all(text.get_rotation() == 90 for text in figure.axes[0].get_xticklabels())


def test_images_are_laid_out_row_by_row_with_their_labels_below():
    figure = draw_images(pixels(5, 28, 28), columns=3, labels=list("abcde"))
    places = {text.get_text(): text.xy for text in figure.axes[0].texts}
    assert list(places) == list("abcde")
    assert places["a"][1] == places["c"][1] < places["d"][1] == places["e"][1]
    assert places["a"][0] == places["d"][0] < places["b"][0] == places["e"][0]
    assert picture(draw_images(pixels(5, 28, 28), columns=3)).shape == (2 * 112 + GAP, 3 * 112 + 2 * GAP, 3)


def test_rows_are_filled_up_and_tiled_with_gaps():
    rows = in_rows(pixels(5, 2, 2), columns=3, background=(1, 2, 3))
    assert rows.shape == (2, 3, 2, 2, 3)
    assert (rows[1, 2] == [1, 2, 3]).all()
    grid = tile(rows, gap=(1, 2), background=(7, 7, 7))
    assert grid.shape == (5, 10, 3)
    assert (grid[2] == 7).all()
    assert (grid[:, 2:4] == 7).all()


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: draw_images(pixels(3, 28)), r"images expects an array \(N, H, W, 3\), got \(3, 28, 3\)"),
        (lambda: draw_images(pixels(0, 8, 8)), "there is nothing to draw"),
        (lambda: draw_images(np.zeros((1, 8, 8, 3))), "expects uint8 pixels, got float64: vael.figures.as_pixels"),
        (lambda: draw_images(pixels(3, 8, 8), labels=["a"]), "labels expects one for each image, 3, got 1"),
        (
            lambda: draw_image_rows(pixels(2, 3, 8, 8), row_labels=["a"]),
            "row_labels expects one for each row, 2, got 1",
        ),
        (lambda: draw_image_rows(pixels(2, 3, 8, 8), column_labels=["a"]), "one for each column, 3, got 1"),
        (lambda: draw_image_rows(pixels(2, 3, 8, 8), muted=[True]), "muted expects one for each row, 2, got 1"),
    ],
)
def test_mistakes_are_errors_of_one_line(draw, message: str):
    with pytest.raises(VaelError, match=message):
        draw()
