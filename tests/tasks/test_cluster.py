"""Clusters: responsibilities of a known mixture, scikit-learn on the same codes, what is refused, the command."""

import json
import math
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import ArrayLike
from scipy.stats import norm
from sklearn.cluster import KMeans
from sklearn.datasets import make_moons
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture as Mixture

import vael
from vael import tasks
from vael.build import build_model
from vael.cli import main
from vael.data.batches import DeviceData
from vael.data.treatments import find_treatment
from vael.errors import VaelError
from vael.evaluation.representations import match_accuracy
from vael.experiments import Run
from vael.models import OneLayerVAE
from vael.priors.gaussian_mixture import GaussianMixture
from vael.random import seeded
from vael.recipe import ModelRecipe, Part
from vael.types import Observation

MU = np.array([[-3.0, 0.0], [3.0, 1.0], [0.0, 4.0]])
SIGMA = np.array([[1.0, 0.5], [0.7, 1.5], [2.0, 1.0]])
WEIGHTS = np.array([0.2, 0.5, 0.3])
STDDEV = 0.4


def known(prior: str = "gaussian-mixture", *, stddev: float = STDDEV) -> OneLayerVAE:
    """A model of rows of two numbers whose q(z | x) is N(x, stddev²) and whose decoder gives z back."""
    nothing = Part("mlp", {"hidden_features": []})
    part = Part(prior, {"num_components": 3} if prior == "gaussian-mixture" else {})
    recipe = ModelRecipe(2, nothing, nothing, Part("gaussian"), prior=part)
    model = build_model(recipe, Observation((2,), "real", columns=("a", "b")))
    assert isinstance(model, OneLayerVAE)
    with torch.no_grad():
        for param in model.parameters():
            param.zero_()
        head = model.posterior.head
        assert isinstance(head, torch.nn.Linear)
        head.weight[:2] = torch.eye(2)
        head.bias[2:] = 2 * math.log(stddev)
        next(layer for layer in model.decoder.modules() if isinstance(layer, torch.nn.Linear)).weight.copy_(
            torch.eye(2)
        )
        if isinstance(model.prior, GaussianMixture):
            model.prior.mu.copy_(torch.from_numpy(MU))
            model.prior.log_sigma.copy_(torch.from_numpy(np.log(SIGMA)))
            model.prior.log_weights.copy_(torch.from_numpy(np.log(WEIGHTS) + 1))
    return model


def clouds(count: int = 300, seed: int = 0) -> tuple[DeviceData, np.ndarray]:
    chance = np.random.default_rng(seed)
    labels = chance.choice(3, size=count, p=WEIGHTS)
    rows = (MU[labels] + 0.5 * SIGMA[labels] * chance.normal(size=(count, 2))).astype(np.float32)
    return as_data(rows), labels


def as_data(rows: ArrayLike) -> DeviceData:
    return DeviceData(torch.from_numpy(np.asarray(rows, np.float32)), find_treatment("real", 0))


def same_groups(one: Any, other: Any) -> bool:
    return adjusted_rand_score(one, other) == 1


def test_responsibilities_are_the_softmax_of_the_mean_joint_log_density() -> None:
    """E_q log p(z, c) by SciPy's densities at the points of a Gauss–Hermite rule, which is exact for squares."""
    data, _ = clouds()
    found = tasks.cluster(known(), data)
    points, weights = np.polynomial.hermite_e.hermegauss(3)
    log_joint = np.zeros((len(data), 3))
    for (u, v), share in zip(
        np.stack(np.meshgrid(points, points), -1).reshape(-1, 2), np.outer(weights, weights).ravel(), strict=True
    ):
        z = data.raw.numpy() + STDDEV * np.array([u, v])
        parts = [norm.logpdf(z, mu, sigma).sum(-1) for mu, sigma in zip(MU, SIGMA, strict=True)]
        log_joint += share / weights.sum() ** 2 * (np.stack(parts, -1) + np.log(WEIGHTS))
    gamma = np.exp(log_joint - log_joint.max(1, keepdims=True))
    gamma /= gamma.sum(1, keepdims=True)
    order = np.argsort(-np.bincount(gamma.argmax(1), minlength=3), kind="stable")
    assert found.method == "prior"
    np.testing.assert_allclose(found.probabilities, gamma[:, order], atol=2e-6)
    np.testing.assert_allclose(found.centers, MU[order])
    np.testing.assert_allclose(found.decoded, MU[order], rtol=1e-6)


def test_of_all_distributions_over_components_the_responsibilities_diverge_least() -> None:
    """KL(q(c | x) ‖ p(c | z)), in expectation over draws of z, rises wherever one moves."""
    chance, rows = np.random.default_rng(1), np.array([[-1.0, 1.0], [0.5, 2.0], [1.5, 0.0]])
    found = tasks.cluster(known(stddev=0.8), as_data(rows))
    order = [int(np.flatnonzero((center == MU).all(1))[0]) for center in found.centers]
    z = rows[:, None] + 0.8 * chance.normal(size=(3, 20_000, 2))
    log_p = np.stack([norm.logpdf(z, MU[c], SIGMA[c]).sum(-1) + np.log(WEIGHTS[c]) for c in order], -1)
    mean = (log_p - np.log(np.exp(log_p).sum(-1, keepdims=True))).mean(1)

    def divergence(q: np.ndarray) -> np.ndarray:
        return (q * (np.log(q) - mean)).sum(-1)

    q = found.probabilities.astype(np.float64)
    for other in chance.dirichlet([1, 1, 1], 50):
        assert (divergence(q) <= divergence(0.9 * q + 0.1 * other) + 1e-3).all()


def test_without_spread_the_responsibilities_are_those_of_the_point() -> None:
    data, labels = clouds()
    found = tasks.cluster(known(stddev=1e-6), data)
    parts = [norm.pdf(data.raw.numpy(), mu, sigma).prod(-1) for mu, sigma in zip(MU, SIGMA, strict=True)]
    expected = np.stack(parts, -1) * WEIGHTS
    np.testing.assert_allclose(
        found.probabilities.max(1), (expected / expected.sum(1, keepdims=True)).max(1), rtol=1e-4
    )
    assert match_accuracy(labels, found.labels) > 0.95


@pytest.mark.parametrize("method", ["k-means", "gaussian-mixture"])
def test_fitted_clusters_are_scikit_learns_on_the_same_codes(method: Any) -> None:
    (data, _), (other, _) = clouds(), clouds(200, seed=1)
    found = tasks.cluster(known(), other, method=method, num_clusters=3, fitted_to=data, seed=4)
    rows, others = data.raw.double().numpy(), other.raw.double().numpy()
    options: dict[str, Any] = {"n_init": 10 if method == "k-means" else 2, "random_state": 4}
    estimator = KMeans(3, **options) if method == "k-means" else Mixture(3, **options)
    expected = estimator.fit(rows).predict(others)
    assert same_groups(found.labels, expected)
    centers = estimator.cluster_centers_ if isinstance(estimator, KMeans) else estimator.means_
    nearest = np.linalg.norm(found.centers[:, None] - np.asarray(centers), axis=-1).min(1)
    assert nearest.max() < 0.05


@pytest.mark.parametrize("method", tasks.CLUSTER_METHODS)
def test_what_holds_of_every_clustering(method: Any) -> None:
    data, _ = clouds()
    found = tasks.cluster(known(), data, method=method, num_clusters=3, num_members=7, seed=2)
    np.testing.assert_array_equal(found.labels, found.probabilities.argmax(1))
    np.testing.assert_allclose(found.probabilities.sum(1), 1, rtol=1e-5)
    assert found.sizes.tolist() == sorted(found.sizes.tolist(), reverse=True)
    assert found.sizes.sum() == len(data)
    assert (found.labels.dtype, found.probabilities.dtype, found.members.dtype) == (np.int64, np.float32, np.int64)
    assert (found.centers.shape, found.decoded.shape, found.members.shape) == ((3, 2), (3, 2), (3, 7))
    for number, (center, members) in enumerate(zip(found.centers, found.members, strict=True)):
        distances = np.linalg.norm(data.raw.numpy() - center, axis=1)
        assert (found.labels[members] == number).all()
        np.testing.assert_allclose(distances[members], np.sort(distances[found.labels == number])[:7], rtol=1e-6)
    again = tasks.cluster(known(), data, method=method, num_clusters=3, num_members=7, seed=2)
    np.testing.assert_array_equal(found.probabilities, again.probabilities)
    np.testing.assert_array_equal(found.members, again.members)


def test_the_method_is_the_prior_where_it_has_so_many_components() -> None:
    data, _ = clouds()
    assert tasks.cluster(known(), data, num_clusters=3).method == "prior"
    assert tasks.cluster(known(), data, num_clusters=4).method == "gaussian-mixture"
    found = tasks.cluster(known("standard-normal"), data)
    assert (found.method, len(found.centers)) == ("gaussian-mixture", 10)


def test_clusters_of_any_shape_are_groups_of_normals() -> None:
    """Two crescents that reach into each other: no two normals part them, sixteen grouped by their overlap do."""
    rows, labels = make_moons(1000, noise=0.06, random_state=0)
    data = as_data(2 * rows)
    found = tasks.cluster(known(), data, method="spectral", num_clusters=2)
    assert match_accuracy(labels, found.labels) > 0.99
    assert match_accuracy(labels, tasks.cluster(known(), data, method="gaussian-mixture", num_clusters=2).labels) < 0.95
    for number, center in enumerate(found.centers):  # in a dense place of its own crescent, not between the two
        distances = np.linalg.norm(2 * rows - center, axis=1)
        assert distances.min() < 0.15
        assert found.labels[distances.argmin()] == number


@pytest.mark.parametrize(("count", "num_clusters"), [(12, 3), (50, 2), (170, 1), (100, 5)])
def test_few_codes_and_single_groups_have_spectral_clusters_too(count: int, num_clusters: int) -> None:
    data, _ = clouds(count)
    found = tasks.cluster(known(), data, method="spectral", num_clusters=num_clusters)
    assert found.sizes.sum() == count
    assert len(found.centers) == num_clusters


def test_empty_clusters_single_ones_and_ties_are_told_as_they_are() -> None:
    far = as_data(MU[:1] + np.array([[0, 0], [0.1, 0], [0, 0.1], [0, 0]]))
    found = tasks.cluster(known(), far, num_members=3)
    assert found.sizes.tolist() == [4, 0, 0]
    assert found.members.tolist() == [[0, 3, 1], [-1, -1, -1], [-1, -1, -1]]
    assert found.majorities(["x", "y", "y", "y"])[0] == ("y", 0.75)
    assert found.majorities(["x", "y", "y", "y"])[1][0] == ""
    one = tasks.cluster(known(), far, method="gaussian-mixture", num_clusters=1)
    assert one.sizes.tolist() == [4]
    np.testing.assert_allclose(one.centers[0], far.raw.numpy().mean(0), rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "kmeans"}, "did you mean 'k-means'"),
        ({"num_clusters": 0}, "num_clusters expects an integer ≥ 1, got 0"),
        ({"method": "prior", "num_clusters": 5}, "the prior has 3 components"),
        ({"method": "k-means", "num_clusters": 3}, "as many different codes, got 2"),
        ({"num_members": 0}, "num_members ≥ 1"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(options: dict[str, Any], words: str) -> None:
    data = as_data([[0, 0], [0, 0], [1, 1]])
    with pytest.raises(VaelError, match=words):
        tasks.cluster(known(), data, **options)


def test_a_prior_without_components_and_codes_that_are_not_finite_are_refused() -> None:
    data, _ = clouds()
    with pytest.raises(VaelError, match="expects a gaussian-mixture prior"):
        tasks.cluster(known("standard-normal"), data, method="prior")
    with pytest.raises(VaelError, match="2 NaN or infinite"):
        tasks.cluster(known(), as_data([[0, 0], [np.nan, np.inf]]))
    small = Part("mlp", {"hidden_features": [4]})
    told = ModelRecipe(2, small, small, Part("gaussian"), condition="label")
    with seeded(0), pytest.raises(VaelError, match="not told the label"):
        tasks.cluster(build_model(told, Observation((2,), "real", classes=("a", "b"))), data)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    settings = {"training.epochs": 15, "training.snapshots": 0}
    return vael.train("digits", settings=settings, runs=tmp_path_factory.mktemp("runs"), name="groups")


def test_a_run_is_judged_by_its_labels_and_fitted_to_its_training_split(run: Run) -> None:
    found = run.cluster("k-means", 12, seed=1)
    labels = np.array(run.labels())
    assert found.agreement is not None
    assert found.agreement.accuracy == match_accuracy(labels, found.labels)
    assert found.agreement.ari == pytest.approx(adjusted_rand_score(labels, found.labels))
    options: dict[str, Any] = {"n_init": 10, "random_state": 1}
    expected = KMeans(12, **options).fit(run.embed("train").mean.astype(np.float64))
    assert same_groups(found.labels, expected.predict(run.embed().mean.astype(np.float64)))


def test_a_mixture_that_was_refitted_is_trained_jointly_from_there(run: Run) -> None:
    """Refit, then start from all of its weights: the third stage begins with the clusters of the second."""
    start = run.refit_prior("gaussian-mixture", settings={"num_components": 10}, name="start")
    settings = {"training.start_from": str(start.path), "training.epochs": 1, "training.learning_rate": 1e-6}
    joint = vael.train(recipe=str(start.path / "recipe.toml"), settings=settings, runs=run.path.parent, name="joint")
    origin = joint.info["started_from"]
    assert origin["tensors"] == origin["of"]
    before, after = start.cluster(), joint.cluster()
    assert before.method == after.method == "prior"
    assert adjusted_rand_score(before.labels, after.labels) > 0.9


def test_the_command_draws_tells_and_writes(run: Run, tmp_path: Path, command: Callable[..., str]) -> None:
    call = partial(command, "cluster", str(run.path))

    said = call()
    assert "10 clusters of 180 examples (test split) by gaussian-mixture" in said
    assert "accuracy" in said
    assert (run.path / "figures" / "clusters.png").stat().st_size > 1000
    told = json.loads(call("--method", "k-means", "--num-clusters", "4", "-o", "out.npz", "--json"))
    assert (told["num_clusters"], sum(told["sizes"])) == (4, 180)
    assert {"accuracy", "nmi", "ari"} <= told.keys()
    arrays = np.load("out.npz")
    assert arrays["probability"].shape == (180, 4)
    assert arrays["decoded"].shape == (4, 1, 8, 8)
    said = call("--method", "k-means", "--num-clusters", "300", "--output", "out.npz")
    empty = re.search(r"(\d+) more clusters are empty", said)
    assert empty
    assert len(re.findall(r"^ *\d+ +\d+ +\d", said, re.MULTILINE)) == 300 - int(empty[1]) <= 180
    call("--num-clusters", "3", "--output", "out.csv")
    header, *rows = Path("out.csv").read_text(encoding="utf-8").splitlines()
    assert header == "example,cluster,probability_0,probability_1,probability_2,label"
    assert len(rows) == 180
    assert "expects a gaussian-mixture prior" in call("--method", "prior", code=2)


def test_centres_of_a_table_are_told_in_the_units_of_its_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data, _ = clouds(200)
    rows = 1000 + 100 * data.raw.numpy()
    Path("table.csv").write_text("a,b\n" + "".join(f"{a:.2f},{b:.2f}\n" for a, b in rows), encoding="utf-8")
    made = vael.train("table.csv", settings={"training.epochs": 2, "training.snapshots": 0}, name="rows")
    for words, code in ((["--num-clusters", "2"], 0), (["--output", "x.png"], 2)):
        with pytest.raises(SystemExit) as stopped:
            main(["cluster", "rows", *words])
        assert (stopped.value.code or 0) == code
    said = capsys.readouterr().out
    assert "centre of cluster" in said
    assert (made.path / "clusters.csv").exists()
    units = made.in_file_units(made.cluster(num_clusters=2).decoded)
    assert np.abs(units - 1000).max() < 1000
    assert f"{units[0, 0]:.4g}" in said
