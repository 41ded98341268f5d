import sys

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_score
from sklearn.neighbors import KNeighborsRegressor

from vael.errors import VaelError
from vael.tasks import project
from vael.tasks.project.neighbourhood import Neighbourhood


def cloud(count: int = 200, dim: int = 5) -> np.ndarray:
    chance = np.random.default_rng(0)
    return (3 + chance.normal(size=(count, dim)) @ chance.normal(size=(dim, dim))).astype(np.float32)


def map_of(count: int = 60, dim: int = 6) -> Neighbourhood:
    """Return a map as t-SNE's, whose points are any."""
    points = np.random.default_rng(2).normal(scale=10, size=(count, 2)).astype(np.float32)
    return Neighbourhood(points, ("t-SNE 1", "t-SNE 2"), "tsne", dim, cloud(count, dim))


def test_the_principal_plane_is_scikit_learns():
    latents = np.random.default_rng(0).normal(size=(200, 5)) @ np.random.default_rng(1).normal(size=(5, 5))
    found, peer = project(latents.astype(np.float32), method="pca"), PCA(2).fit(latents)
    np.testing.assert_allclose(np.abs(found.points), np.abs(peer.transform(latents)), rtol=1e-4, atol=1e-4)
    shares = [f"PC {i + 1} ({share:.0%})" for i, share in enumerate(peer.explained_variance_ratio_)]
    assert list(found.axes) == shares


def test_t_sne_keeps_clusters_together_and_repeats():
    centres = np.random.default_rng(0).normal(scale=20, size=(3, 6)).repeat(30, 0)
    latents = (centres + np.random.default_rng(1).normal(size=centres.shape)).astype(np.float32)
    found = project(latents, method="tsne")
    assert silhouette_score(found.points, np.arange(3).repeat(30)) > 0.7
    np.testing.assert_array_equal(found.points, project(latents, method="tsne").points)


@pytest.mark.parametrize(
    ("shape", "method", "message"),
    [
        ((2, 4), "pca", "at least 3 examples"),
        ((9, 1), "pca", "does not fit a latent of 1 dimensions"),
        ((9, 3), "direct", "does not fit a latent of 3 dimensions: use pca, tsne or umap"),
        ((9, 3), "tnse", "did you mean 'tsne'"),
        ((9, 3), "umap", "pip install umap-learn"),
    ],
)
def test_a_projection_that_cannot_be_is_refused(shape, method, message: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(VaelError, match=message):
        project(np.zeros(shape, np.float32), method=method)


@pytest.mark.parametrize(
    ("dim", "method", "words"),
    [
        (2, "direct", "exact"),
        (5, "pca", "the plane of the first two principal components, the rest at its mean"),
        (5, "tsne", "a blend of the 8 nearest examples"),
    ],
)
def test_known_latents_lie_on_their_own_points(dim: int, method, words: str):
    latents = cloud(40, dim)
    found = project(latents, method=method)
    np.testing.assert_array_equal(found.place(latents[::3]), found.points[::3])
    assert found.inverse == words
    assert found.place(latents[:0]).shape == (0, 2)
    assert found.invert(found.points[:0]).shape == (0, dim)
    assert found.invert(found.points[:4]).dtype == found.place(latents[:4]).dtype == np.float32


def test_the_plane_itself_comes_back_as_it_is():
    latents, points = cloud(10, 2), np.array([[1.5, -2.0]], np.float32)
    np.testing.assert_array_equal(project(latents, method="direct").invert(points), points)


def test_the_principal_planes_ways_are_scikit_learns():
    latents, others = cloud(), cloud(7) * 2
    found, peer = project(latents, method="pca"), PCA(2).fit(latents)
    signs = np.sign((found.points * peer.transform(latents)).sum(0))
    np.testing.assert_allclose(found.place(others), peer.transform(others) * signs, rtol=1e-4, atol=1e-4)
    points = np.array([[0, 0], [1, -2], [30, 4]], np.float32)
    np.testing.assert_allclose(found.invert(points), peer.inverse_transform(points * signs), rtol=1e-4, atol=1e-4)


def inverse_square(distances: np.ndarray) -> np.ndarray:
    return 1 / distances**2


def test_a_map_blends_its_eight_nearest_by_the_inverse_squares_of_the_distances():
    found, chance = map_of(), np.random.default_rng(3)
    peer = KNeighborsRegressor(8, weights=inverse_square)  # pyright: ignore[reportArgumentType] (a function may stand)
    latents = chance.normal(3, 2, (9, 6)).astype(np.float32)
    np.testing.assert_allclose(found.place(latents), peer.fit(found.latents, found.points).predict(latents), rtol=1e-4)
    points = chance.normal(0, 10, (9, 2)).astype(np.float32)
    np.testing.assert_allclose(found.invert(points), peer.fit(found.points, found.latents).predict(points), rtol=1e-4)


def test_on_a_point_of_the_map_its_own_latent_comes_back():
    found = map_of()
    np.testing.assert_array_equal(found.invert(found.points), found.latents)
    np.testing.assert_array_equal(found.place(found.latents), found.points)


def test_examples_on_one_point_share_it():
    found = map_of()
    found.points[1] = found.points[0]
    np.testing.assert_allclose(found.invert(found.points[:1])[0], found.latents[:2].mean(0), rtol=1e-6)


def test_a_map_of_few_examples_blends_them_all():
    found = map_of(3)
    distances = np.linalg.norm(found.points - np.array([1.0, 1.0]), axis=1)
    expected = np.average(found.latents, axis=0, weights=1 / distances**2)
    np.testing.assert_allclose(found.invert([[1.0, 1.0]])[0], expected, rtol=1e-5)


WRONG = {
    "width": (np.zeros((1, 3)), "expects 2 finite numbers, got 3"),
    "nan": (np.array([[0.0, np.nan]]), "got 1 NaN or infinite"),
    "axes": (np.zeros(2), r"expects an array \(M, 2\)"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_lies_on_no_map_is_refused(case: str):
    values, message = WRONG[case]
    found = project(cloud(10, 2), method="direct")
    with pytest.raises(VaelError, match=message):
        found.place(values)
    with pytest.raises(VaelError, match=message):
        found.invert(values)
