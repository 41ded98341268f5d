"""Samples against data: the four shares by brute force, distances by closed forms, a network learnt and kept."""

from pathlib import Path

import numpy as np
import pytest
import torch

from vael.build import build_model
from vael.data import load
from vael.data.batches import DeviceData
from vael.data.treatments import find_treatment, observe
from vael.errors import VaelError
from vael.evaluation import features
from vael.evaluation.examples import Labelled
from vael.evaluation.features import learn_network, measure_accuracy
from vael.evaluation.samples import compare_features, frechet_distance, judge_samples, kernel_distance, mmd2
from vael.random import seeded
from vael.recipe import ModelRecipe, Part
from vael.types import Observation


def clouds(count: int, other: int, *, shift: float = 0.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.Generator(np.random.PCG64(seed))
    return generator.normal(size=(count, 3)), generator.normal(size=(other, 3)) + shift


def test_the_four_shares_are_those_of_the_papers_definitions() -> None:
    """Loops over all pairs; `prdc`'s and Kynkäänniemi's formulas written out."""
    real, made = clouds(40, 30, shift=0.7)

    def radius(points: np.ndarray, i: int, k: int) -> float:
        return sorted(float(np.linalg.norm(points[i] - points[j])) for j in range(len(points)) if j != i)[k - 1]

    def holds(points: np.ndarray, i: int, k: int, other: np.ndarray) -> bool:
        return bool(np.linalg.norm(points[i] - other) <= radius(points, i, k))

    found = compare_features(real, made)
    assert found.precision == np.mean([any(holds(real, i, 3, y) for i in range(40)) for y in made])
    assert found.recall == np.mean([any(holds(made, j, 3, x) for j in range(30)) for x in real])
    assert found.density == pytest.approx(np.mean([sum(holds(real, i, 5, y) for i in range(40)) / 5 for y in made]))
    assert found.coverage == np.mean([any(holds(real, i, 5, y) for y in made) for i in range(40)])


def test_density_and_coverage_of_the_same_distribution_are_those_expected() -> None:
    """E density = 1 and E coverage = 1 − Π (N − i)/(2N − i) ≈ 1 − 2⁻⁵ (Naeem et al. 2020, section 3.3)."""
    found = [compare_features(*clouds(300, 300, seed=seed)) for seed in range(10)]
    assert np.mean([one.density for one in found]) == pytest.approx(1, abs=0.03)
    assert np.mean([one.coverage for one in found]) == pytest.approx(1 - 2**-5, abs=0.01)


def test_one_mode_is_precise_and_covers_little() -> None:
    real, made = clouds(200, 200)
    found = compare_features(real, made * 0.05)
    assert found.precision == 1
    assert found.recall < 0.1
    assert found.coverage < 0.2


def test_mmd_is_the_sum_over_pairs_and_unbiased() -> None:
    first, second = clouds(6, 5, shift=0.5)

    def kernel(x: np.ndarray, y: np.ndarray) -> float:
        return float((x @ y / 3 + 1) ** 3)

    within = np.mean([kernel(first[i], first[j]) for i in range(6) for j in range(6) if i != j])
    beyond = np.mean([kernel(second[i], second[j]) for i in range(5) for j in range(5) if i != j])
    across = np.mean([kernel(x, y) for x in first for y in second])
    assert mmd2(first, second) == pytest.approx(within + beyond - 2 * across)
    same = [mmd2(*clouds(20, 20, seed=seed)) for seed in range(400)]
    assert np.mean(same) == pytest.approx(0, abs=4 * float(np.std(same)) / 20)


def test_the_kernel_distances_error_is_that_of_repetitions() -> None:
    found = [kernel_distance(*clouds(200, 200, shift=0.5, seed=seed)) for seed in range(60)]
    spread, stated = np.std([value for value, _ in found]), np.mean([error for _, error in found])
    assert stated == pytest.approx(spread, rel=0.35)


def test_the_frechet_distance_is_that_of_the_normals() -> None:
    """Commuting covariances: Σ (√a − √b)² + |shift|²; any covariances: SciPy's matrix root."""
    from scipy.linalg import sqrtm

    first, second = clouds(500, 400, shift=0.3)
    second = second @ np.array([[2.0, 0.3, 0], [0, 1, 0.5], [0, 0, 0.4]])
    s, t = np.cov(first.T), np.cov(second.T)
    expected = ((first.mean(0) - second.mean(0)) ** 2).sum() + np.trace(s + t - 2 * np.real(np.asarray(sqrtm(s @ t))))
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(first, 3 * first + 1) == pytest.approx(
        4 * np.trace(s) + ((2 * first.mean(0) + 1) ** 2).sum()
    )


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "MAX_STEPS", 150)


@pytest.fixture(scope="module")
def digits() -> tuple[Observation, Labelled, Labelled]:
    dataset = load("digits")
    treatment = find_treatment("levels", dataset.num_levels)
    parts = []
    for name in ("train", "test"):
        split = dataset.splits[name]
        assert split.labels is not None
        parts.append(Labelled(DeviceData.of(split, treatment, torch.device("cpu")), split.labels))
    return observe(dataset, treatment), parts[0], parts[1]


def test_the_class_network_learns_and_is_kept(
    digits: tuple[Observation, Labelled, Labelled], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    observation, train, test = digits
    network = learn_network(observation, train, cache=tmp_path)
    assert measure_accuracy(network, test) > 0.9
    (kept,) = tmp_path.glob("*.safetensors")
    kept.with_name(f"other_{kept.name}").write_bytes(b"")
    monkeypatch.setattr(features, "_train", lambda *words: pytest.fail("trained again"))
    again = learn_network(observation, train, cache=tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), again.parameters(), strict=True))


def test_a_damaged_cache_is_replaced(digits: tuple[Observation, Labelled, Labelled], tmp_path: Path) -> None:
    observation, train, _ = digits
    few = Labelled(DeviceData(train.data.raw[:100], train.data.treatment), train.labels[:100])
    learn_network(observation, few, cache=tmp_path)
    (kept,) = tmp_path.glob("*.safetensors")
    whole = kept.read_bytes()
    kept.write_bytes(whole[:100])
    learn_network(observation, few, cache=tmp_path)
    assert kept.read_bytes() == whole


def test_real_digits_are_closer_than_an_untrained_models(digits: tuple[Observation, Labelled, Labelled]) -> None:
    observation, train, test = digits
    network = learn_network(observation, train)
    with seeded(0):
        model = build_model(ModelRecipe(latent_dim=4, likelihood=Part("discretized-logistic")), observation)
    found = judge_samples(model, test.data, network, train=train.data)
    assert found.train is not None
    assert found.num_examples == 180
    assert found.samples.kernel_distance > 5 * found.samples.kernel_distance_se
    assert abs(found.train.kernel_distance) < 0.2 * found.samples.kernel_distance
    assert found.train.frechet_distance < 0.3 * found.samples.frechet_distance
    assert found.train.coverage > 0.8 > found.samples.coverage
    assert found == judge_samples(model, test.data, network, train=train.data)


def test_too_few_examples_and_one_class_are_refused(digits: tuple[Observation, Labelled, Labelled]) -> None:
    observation, train, _ = digits
    few = DeviceData(train.data.raw[:10], train.data.treatment)
    with pytest.raises(VaelError, match="two classes"):
        learn_network(observation, Labelled(few, np.zeros(10, np.int64)))
    network = features.ClassNetwork(observation, 2)
    model = build_model(ModelRecipe(latent_dim=2), Observation((1, 8, 8), "unit"))
    with pytest.raises(VaelError, match="20 examples"):
        judge_samples(model, few, network)
    with pytest.raises(VaelError, match="one for each of 10"):
        Labelled(few, np.zeros(9, np.int64))
