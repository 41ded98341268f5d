"""Disentanglement: perfect codes score 1, random ones near 0, turning the codes lowers the scores."""

import math
from typing import Any

import numpy as np
import pytest

from vael.data.batches import DeviceData
from vael.errors import VaelError
from vael.evaluation.disentanglement import (
    Factors,
    completeness_of,
    disentanglement_of,
    factor_vae_score,
    measure_disentanglement,
    mutual_information_gap,
    predictability_gap,
    score_factors,
)

SIZES = (3, 5, 8)


def every_factor() -> Factors:
    values = np.indices(SIZES).reshape(3, -1).T
    return Factors(np.repeat(values, 20, axis=0).astype(np.int64), ("shape", "scale", "turn"), ("shape",))


def turned(codes: np.ndarray, angle: float) -> np.ndarray:
    scaled = (codes - codes.mean(0)) / codes.std(0)
    cosine, sine = math.cos(angle), math.sin(angle)
    rotation = np.eye(3)
    rotation[1:, 1:] = [[cosine, -sine], [sine, cosine]]
    return scaled @ rotation


def test_perfect_codes_score_one() -> None:
    factors = every_factor()
    generator = np.random.Generator(np.random.PCG64(0))
    spare = generator.normal(size=(len(factors.values), 2))  # latents that stand for nothing
    codes = np.concatenate([spare[:, :1], factors.values[:, ::-1] * [-1.0, 2.0, 0.5], spare[:, 1:]], 1)
    found = score_factors(codes, factors)
    assert found.mig > 0.95  # the spare latents have a little mutual information by chance
    assert found.sap > 0.95
    assert found.dci_disentanglement > 0.99
    assert found.dci_completeness > 0.99
    assert found.dci_informativeness == 1
    assert found.factor_vae == 1


def test_random_codes_score_near_nothing() -> None:
    factors = every_factor()
    codes = np.random.Generator(np.random.PCG64(1)).normal(size=(len(factors.values), 4))
    found = score_factors(codes, factors)
    assert found.mig < 0.02
    assert found.sap < 0.05
    assert found.dci_disentanglement < 0.1
    assert found.factor_vae < 0.6
    assert found.dci_informativeness < 0.4


def test_turning_the_codes_lowers_the_scores() -> None:
    factors = every_factor()
    codes = factors.values + 0.01 * np.random.Generator(np.random.PCG64(2)).normal(size=factors.values.shape)
    straight, diagonal = (score_factors(turned(codes, angle), factors) for angle in (0.0, math.pi / 4))
    for name in ("mig", "sap", "dci_disentanglement", "dci_completeness"):
        assert getattr(diagonal, name) < getattr(straight, name) - 0.1
    assert diagonal.mig == pytest.approx(1 / 3, abs=0.05)  # the shape's gap is left, the two others have none


def test_mig_is_its_formula_by_brute_force() -> None:
    """Counts in 20 × v tables, Σ p log p/(p p), written out for two latents and two factors."""
    generator = np.random.Generator(np.random.PCG64(3))
    values = np.stack([generator.integers(0, 3, 500), generator.integers(0, 4, 500)], 1)
    codes = values @ np.array([[1.0, 0.3], [0.2, 1.0]]) + 0.2 * generator.normal(size=(500, 2))

    def information(code: np.ndarray, factor: np.ndarray) -> float:
        table = np.histogram2d(code, factor, bins=[20, int(factor.max()) + 1])[0] / 500
        outer = table.sum(1, keepdims=True) * table.sum(0)
        return float(sum(p * math.log(p / q) for p, q in zip(table.ravel(), outer.ravel(), strict=True) if p > 0))

    gaps = []
    for factor in values.T:
        share = np.bincount(factor) / 500
        low, high = sorted(information(code, factor) for code in codes.T)
        gaps.append((high - low) / -(share * np.log(share)).sum())
    assert mutual_information_gap(codes, values) == pytest.approx(np.mean(gaps))


def test_sap_of_ordered_factors_is_the_gap_of_squared_correlations() -> None:
    generator = np.random.Generator(np.random.PCG64(4))
    values = generator.integers(0, 5, (300, 1))
    codes = values + generator.normal(size=(300, 2)) * [0.5, 2.0]
    r2 = [np.corrcoef(code, values[:, 0])[0, 1] ** 2 for code in codes.T]
    assert predictability_gap(codes, Factors(values, ("scale",))) == pytest.approx(r2[0] - r2[1])


def test_dci_is_one_minus_the_weighted_entropies() -> None:
    importance = np.array([[0.9, 0.1], [0.0, 0.4], [0.1, 0.5]])

    def spread(shares: list[float]) -> float:
        return -sum(share * math.log(share) for share in shares if share) / math.log(len(shares))

    rows = [(1.0, spread([0.9, 0.1])), (0.4, spread([0.0, 1.0])), (0.6, spread([1 / 6, 5 / 6]))]
    assert disentanglement_of(importance) == pytest.approx(sum(weight * (1 - e) for weight, e in rows) / 2)
    columns = [(1.0, spread([0.9, 0.0, 0.1])), (1.0, spread([0.1, 0.4, 0.5]))]
    assert completeness_of(importance) == pytest.approx(sum(weight * (1 - e) for weight, e in columns) / 2)
    assert disentanglement_of(np.eye(3)) == 1
    assert disentanglement_of(np.ones((3, 3))) == pytest.approx(0)


def test_latents_that_never_vary_have_no_vote() -> None:
    factors = every_factor()
    codes = np.concatenate([factors.values, np.full((len(factors.values), 1), 1e-4)], 1)
    assert factor_vae_score(codes, factors.values)[0] == 1
    assert factor_vae_score(codes[:, 3:], factors.values) == (0.0, 0.0)


def test_a_model_is_scored_on_its_own_means(linear: Any) -> None:
    values = np.stack([np.arange(400) % 2, np.arange(400) % 3], 1)
    found = measure_disentanglement(linear.model, linear.data, Factors(values, ("a", "b")), num_examples=200)
    assert found.num_examples == 200
    assert found.mig < 0.2
    with pytest.raises(VaelError, match="one row for each"):
        measure_disentanglement(
            linear.model, DeviceData(linear.data.raw[:5], linear.data.treatment), Factors(values, ("a", "b"))
        )
    with pytest.raises(VaelError, match="constant factor 'b'"):
        score_factors(np.eye(4), Factors(np.array([[0, 1], [1, 1], [0, 1], [1, 1]]), ("a", "b")))
