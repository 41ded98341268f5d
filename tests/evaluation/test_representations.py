"""Labels in codes: separated clouds score 1, codes without labels chance, errors are those of repetitions."""

import itertools
from typing import Any

import numpy as np
import pytest

from vael.errors import VaelError
from vael.evaluation import representations
from vael.evaluation.examples import Labelled
from vael.evaluation.representations import match_accuracy, measure_representations, score_clusters, score_codes


def clouds(count: int, spread: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three clouds at the corners of a triangle, with their labels."""
    generator = np.random.Generator(np.random.PCG64(seed))
    labels = generator.integers(0, 3, count)
    corners = np.array([[0, 0], [1, 0], [0, 1]])
    return corners[labels] + spread * generator.normal(size=(count, 2)), labels


def test_separated_clouds_are_told_apart_by_all() -> None:
    found = score_codes(clouds(300, 0.05), clouds(200, 0.05, 1), seed=0)
    assert found.knn_accuracy == found.linear_accuracy == 1
    assert found.k_means.accuracy == found.mixture.accuracy == 1
    assert found.k_means.nmi == pytest.approx(1)
    assert found.mixture.ari == pytest.approx(1)
    assert found.k_means.accuracy_se == 0


def test_codes_without_labels_give_chance() -> None:
    (codes, _), (_, labels) = clouds(2000, 0.1), clouds(2000, 0.1, 5)
    found = score_codes((codes[:1000], labels[:1000]), (codes[1000:], labels[1000:]), seed=0)
    assert found.linear_accuracy == pytest.approx(1 / 3, abs=0.06)
    assert found.knn_accuracy == pytest.approx(1 / 3, abs=0.06)
    assert found.k_means.ari == pytest.approx(0, abs=0.02)
    assert found.largest_class == pytest.approx(1 / 3, abs=0.05)


def test_the_matching_is_the_best_of_all_permutations() -> None:
    generator = np.random.Generator(np.random.PCG64(2))
    labels, clusters = generator.integers(0, 4, 60), generator.integers(0, 4, 60)
    best = max(np.mean(np.array(order)[clusters] == labels) for order in itertools.permutations(range(4)))
    assert match_accuracy(labels, clusters) == pytest.approx(best)


def test_scores_of_clusters_are_those_of_a_table() -> None:
    """Clusters that merge two of three equal classes: I = H(cluster), by hand."""
    labels = np.repeat([0, 1, 2], 20)
    found = score_clusters(labels, (labels > 0).astype(int))
    merged = -(1 / 3) * np.log(1 / 3) - (2 / 3) * np.log(2 / 3)
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.nmi == pytest.approx(2 * merged / (merged + np.log(3)))


def test_the_errors_are_those_of_other_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(representations, "RESAMPLES", 30)
    train = clouds(200, 0.5)
    found = [score_codes(train, clouds(200, 0.5, seed), seed=0) for seed in range(1, 41)]
    for name in ("knn_accuracy", "linear_accuracy"):
        spread = np.std([getattr(one, name) for one in found])
        assert np.mean([getattr(one, f"{name}_se") for one in found]) == pytest.approx(spread, rel=0.5)
    for name in ("nmi", "ari"):
        spread = np.std([getattr(one.k_means, name) for one in found])
        assert np.mean([getattr(one.k_means, f"{name}_se") for one in found]) == pytest.approx(spread, rel=0.5)


def test_a_model_is_judged_by_its_codes(linear: Any) -> None:
    labels = (linear.data.raw[:, 0] > 0).long().numpy()
    examples = Labelled(linear.data, labels)
    found = measure_representations(linear.model, examples, examples, num_examples=300)
    assert found.num_train == found.num_test == 300
    assert found.linear_accuracy > 0.8
    with pytest.raises(VaelError, match="two classes"):
        measure_representations(linear.model, Labelled(linear.data, np.zeros(400, np.int64)), examples)
