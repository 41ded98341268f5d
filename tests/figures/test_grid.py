from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vael.errors import VaelError
from vael.figures import as_pixels, image_grid, pair_grid, save_image
from vael.figures.grid import BACKGROUND, GAP, PAIR_GAP


def draw(count: int, height: int, width: int) -> np.ndarray:
    """Return images without the background's grey."""
    return np.random.default_rng(0).integers(BACKGROUND + 1, 256, (count, height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("value", "scale", "level"),
    [(0, 1, 0), (1, 1, 255), (0.5, 1, 128), (-3, 1, 0), (7, 1, 255), (8, 16, 128), (16, 16, 255), (255, 255, 255)],
)
def test_values_become_levels_and_what_lies_outside_is_cut(value: float, scale: float, level: int):
    pixels = as_pixels(np.full((1, 1, 1, 1), value, np.float32), scale=scale)
    assert pixels.dtype == np.uint8
    assert pixels.tolist() == [[[[level] * 3]]]


@pytest.mark.parametrize(
    ("channels", "expected"),
    [(1, [10, 10, 10]), (2, [10, 20, 0]), (3, [10, 20, 30]), (4, [10, 20, 30])],
    ids=["grey", "two", "rgb", "four"],
)
def test_any_number_of_channels_becomes_three(channels: int, expected: list[int]):
    x = np.arange(1, channels + 1).reshape(1, channels, 1, 1) * np.full((2, 1, 4, 5), 10.0)
    pixels = as_pixels(x, scale=255)
    assert pixels.shape == (2, 4, 5, 3)
    assert (pixels == expected).all()


def test_height_stays_height():
    x = np.arange(6).reshape(1, 1, 2, 3)
    assert as_pixels(x, scale=255)[0, :, :, 0].tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("columns", [1, 2, 3, 5])
def test_each_image_stands_in_its_cell_row_by_row(columns: int):
    images = draw(5, 60, 70)  # too large to be enlarged
    grid = image_grid(images, columns=columns)
    rows = -(-5 // columns)
    assert grid.shape == (rows * (60 + GAP) + GAP, columns * (70 + GAP) + GAP, 3)
    for i, image in enumerate(images):
        row, column = divmod(i, columns)
        top, left = GAP + row * (60 + GAP), GAP + column * (70 + GAP)
        np.testing.assert_array_equal(grid[top : top + 60, left : left + 70], image)
    assert (grid != BACKGROUND).sum() == images.size  # all else is background


@pytest.mark.parametrize(("count", "rows", "columns"), [(1, 1, 1), (4, 2, 2), (5, 2, 3), (9, 3, 3), (10, 3, 4)])
def test_a_grid_is_about_square(count: int, rows: int, columns: int):
    assert image_grid(draw(count, 60, 60)).shape == (rows * 62 + 2, columns * 62 + 2, 3)


@pytest.mark.parametrize(("size", "factor"), [((8, 8), 7), ((28, 28), 2), ((28, 14), 2), ((29, 3), 1), ((100, 9), 1)])
def test_small_images_are_enlarged_by_a_whole_number(size: tuple[int, int], factor: int):
    images = draw(1, *size)
    inside = image_grid(images)[GAP:-GAP, GAP:-GAP]
    np.testing.assert_array_equal(inside, np.kron(images[0], np.ones((factor, factor, 1), np.uint8)))


def test_more_columns_than_images_leave_no_empty_ones():
    np.testing.assert_array_equal(image_grid(draw(3, 60, 60), columns=9), image_grid(draw(3, 60, 60), columns=3))


def test_each_image_stands_over_its_partner():
    above = draw(5, 60, 60)
    below = above[::-1].copy()
    grid = pair_grid(above, below, columns=3)
    pair_height = 2 * 62 + 2
    first, second = grid[:pair_height], grid[pair_height + PAIR_GAP :]
    np.testing.assert_array_equal(first, image_grid(np.concatenate([above[:3], below[:3]]), columns=3))
    np.testing.assert_array_equal(
        second[:, : 2 * 62 + 2], image_grid(np.concatenate([above[3:], below[3:]]), columns=2)
    )
    assert (second[:, 2 * 62 + 2 :] == BACKGROUND).all()
    assert (grid[pair_height : pair_height + PAIR_GAP] == BACKGROUND).all()
    assert len(grid) == 2 * pair_height + PAIR_GAP


def test_a_saved_picture_is_read_back_pixel_by_pixel(tmp_path: Path):
    grid = image_grid(draw(3, 9, 8))
    path = tmp_path / "new" / "folder" / "grid.png"
    save_image(path, grid)
    with Image.open(path) as picture:
        np.testing.assert_array_equal(np.asarray(picture), grid)


@pytest.mark.parametrize("name", ["grid.docx", "grid"])
def test_an_ending_that_is_no_pictures_is_refused(tmp_path: Path, name: str):
    with pytest.raises(VaelError, match=f"expects an ending such as .png, got '{name}'"):
        save_image(tmp_path / name, draw(1, 4, 4)[0])


def test_a_picture_that_cannot_be_written_is_an_error_of_one_line(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(VaelError, match=r"cannot write .*grid\.png") as error:
        save_image(tmp_path / "file" / "grid.png", draw(1, 4, 4)[0])
    assert "\n" not in str(error.value)
