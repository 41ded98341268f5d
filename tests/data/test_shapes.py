"""Shapes: every combination once, inside the picture, where and as large as its factors say."""

import numpy as np
import pytest

from vael.data import load
from vael.data.shapes import FACTORS, PLACES, draw_shapes, list_factors


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return draw_shapes()[:, 0]


def test_every_combination_is_there_once(images: np.ndarray) -> None:
    factors = list_factors()
    assert len(np.unique(factors, axis=0)) == len(factors) == len(images) == 12_000
    assert factors.max(0).tolist() == [count - 1 for count in FACTORS.values()]
    assert len(np.unique(images.reshape(12_000, -1), axis=0)) >= 11_984  # a few turned squares look the same


def test_shapes_lie_inside_where_their_factors_say(images: np.ndarray) -> None:
    assert not images[:, [0, -1]].any()
    assert not images[:, :, [0, -1]].any()
    factors, area = list_factors(), images.sum((1, 2))
    across = (images.sum(1) * np.arange(32)).sum(1) / area
    down = (images.sum(2) * np.arange(32)).sum(1) / area
    round_ones = factors[:, 0] < 2  # a heart's centre of mass is not its middle
    np.testing.assert_allclose(across[round_ones], PLACES[factors[round_ones, 3]], atol=0.5)
    np.testing.assert_allclose(down[round_ones], PLACES[factors[round_ones, 4]], atol=0.5)


def test_the_area_follows_the_scale(images: np.ndarray) -> None:
    factors, area = list_factors(), images.sum((1, 2))
    means = [
        [area[(factors[:, 0] == shape) & (factors[:, 1] == scale)].mean() for scale in range(5)] for shape in range(3)
    ]
    assert (np.diff(means) > 5).all()
    assert np.divide(means, means[0]).std(1).max() < 0.05  # the same growth for each shape


def test_the_source_gives_binary_images_with_the_shape_as_label() -> None:
    dataset = load("shapes")
    assert dataset.num_levels == 2
    assert dataset.shape == (1, 32, 32)
    assert dataset.classes == ("square", "ellipse", "heart")
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 9600, "valid": 1200, "test": 1200}
    assert dataset.fingerprint() == load("shapes").fingerprint()
