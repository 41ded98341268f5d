import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from vael.errors import VaelError
from vael.tasks import find_neighbours


def draw(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(("count", "dim", "k"), [(500, 20, 8), (500, 1, 3), (9, 4, 9), (130, 2, 100), (1, 3, 1)])
def test_neighbours_are_scikit_learns(count: int, dim: int, k: int):
    latents, queries = draw(count, dim), draw(12, dim, seed=1)
    found = find_neighbours(latents, queries, num_neighbours=k)
    distances, indices = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(latents).kneighbors(queries)
    np.testing.assert_array_equal(found.indices, indices)
    np.testing.assert_allclose(found.distances, distances, rtol=1e-5, atol=1e-6)
    assert (found.indices.dtype, found.distances.dtype) == (np.int64, np.float32)


def test_far_from_the_origin_nothing_cancels():
    chance = np.random.default_rng(0)
    latents = (1000 + chance.normal(scale=0.01, size=(300, 8))).astype(np.float32)
    found = find_neighbours(latents, latents[:5], num_neighbours=4)
    exact = np.linalg.norm(latents[:5, None].astype(np.float64) - latents, axis=-1)
    np.testing.assert_array_equal(np.sort(exact, 1)[:, :4].astype(np.float32), found.distances)
    np.testing.assert_array_equal(found.indices[:, 0], np.arange(5))


def test_many_queries_are_answered_in_parts(monkeypatch: pytest.MonkeyPatch):
    latents, queries = draw(50, 3), draw(23, 3, seed=1)
    whole = find_neighbours(latents, queries, skip=list(range(23)))
    monkeypatch.setattr("vael.tasks.neighbours.CELLS_AT_ONCE", 50 * 4)
    parts = find_neighbours(latents, queries, skip=list(range(23)))
    np.testing.assert_array_equal(whole.indices, parts.indices)
    np.testing.assert_allclose(whole.distances, parts.distances, rtol=1e-6)


def test_an_example_can_be_left_out_of_its_own_neighbours():
    latents = draw(40, 5)
    assert find_neighbours(latents, latents[[7]], num_neighbours=1).indices.tolist() == [[7]]
    assert find_neighbours(latents, latents[[7]], num_neighbours=1).distances.tolist() == [[0.0]]
    own = find_neighbours(latents, latents[[7, 9]], num_neighbours=39, skip=[7, 9])
    assert 7 not in own.indices[0]
    assert 9 not in own.indices[1]
    both = find_neighbours(latents, latents[[7, 9]], num_neighbours=8, skip=7)
    assert not (both.indices == 7).any()


def test_fewer_examples_give_fewer_neighbours():
    latents = draw(4, 2)
    assert find_neighbours(latents, latents[:1]).indices.shape == (1, 4)
    assert find_neighbours(latents, latents[:1], skip=0).indices.shape == (1, 3)
    assert find_neighbours(latents[:1], latents[:1], skip=0).indices.shape == (1, 0)
    assert find_neighbours(latents, latents[:0]).indices.shape == (0, 4)


def test_equal_latents_are_all_found():
    found = find_neighbours(np.zeros((200, 3), np.float32), np.zeros((1, 3)), num_neighbours=5)
    assert len(set(found.indices[0].tolist())) == 5
    assert (found.distances == 0).all()


WRONG = {
    "width": ({"queries": np.zeros((1, 3))}, "a latent expects 2 finite numbers, got 3"),
    "nan": ({"queries": np.full((1, 2), np.nan)}, "got 2 NaN or infinite"),
    "axes": ({"queries": np.zeros(2)}, r"queries \(B, 2\)"),
    "none": ({"queries": np.zeros((1, 2)), "num_neighbours": 0}, "num_neighbours ≥ 1, got .* and 0"),
    "skip": ({"queries": np.zeros((1, 2)), "skip": 5}, "skip expects examples of 0 … 4, got 5"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_search_is_refused(case: str):
    options, message = WRONG[case]
    with pytest.raises(VaelError, match=message):
        find_neighbours(draw(5, 2), **options)
