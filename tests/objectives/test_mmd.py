"""Divergences between samples against double loops, closed forms and SciPy."""

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment

from vael.build import build_model, build_objective
from vael.errors import VaelError
from vael.models import VAE
from vael.objectives.base import code_of
from vael.objectives.mmd import KERNELS, MMD, mmd_squared, sliced_wasserstein_squared
from vael.random import seeded
from vael.recipe import ModelRecipe, Part, Recipe
from vael.types import Batch, Observation

STEP = torch.tensor(0.0)
SMALL = Part("mlp", {"hidden_features": [8]})
OBSERVATION = Observation((5,), "binary", 2)
BATCH = Batch(torch.rand(7, 5, generator=torch.Generator().manual_seed(0)).round())
RNG = np.random.default_rng(0)


def build(posterior: str = "diagonal-normal") -> VAE:
    with seeded(0):
        return build_model(ModelRecipe(3, SMALL, SMALL, Part("bernoulli"), posterior=Part(posterior)), OBSERVATION)


def by_loops(z: np.ndarray, y: np.ndarray, kernel: str, scales: tuple[float, ...]) -> float:
    def k(a: np.ndarray, b: np.ndarray, scale: float) -> float:
        ratio = ((a - b) ** 2).sum() / (2 * len(a) * scale)
        return 1 / (1 + ratio) if kernel == "imq" else np.exp(-ratio)

    count, total = len(z), 0.0
    for scale in scales:
        same = [k(p[i], p[j], scale) for p in (z, y) for i in range(count) for j in range(count) if i != j]
        across = [k(a, b, scale) for a in z for b in y]
        total += np.sum(same) / (count * (count - 1)) - 2 * np.mean(across)
    return total / len(scales)


@pytest.mark.parametrize("kernel", ["imq", "rbf"])
@pytest.mark.parametrize("scales", [(1.0,), (0.2, 3.0)])
def test_discrepancy_is_that_of_two_loops(kernel: str, scales: tuple[float, ...]):
    z, y = RNG.standard_normal((6, 3)), RNG.standard_normal((6, 3)) + 1
    got = mmd_squared(torch.from_numpy(z), torch.from_numpy(y), KERNELS[kernel], scales)
    assert float(got) == pytest.approx(by_loops(z, y, kernel, scales), rel=1e-6)


@pytest.mark.parametrize("shift", [0.0, 1.5])
def test_discrepancy_is_unbiased(shift: float):
    """E k of two standard normals a shift m apart is (D/(D + 2))^(D/2) exp(−m²/(2(D + 2))) for exp(−r²/2D)."""
    dims, count = 2, 8
    values = []
    for _ in range(4000):
        z, y = torch.from_numpy(RNG.standard_normal((2, count, dims)))
        y = y + shift / np.sqrt(dims)
        values.append(float(mmd_squared(z, y, KERNELS["rbf"], (1.0,))))
    peak = (dims / (dims + 2)) ** (dims / 2)
    expected = 2 * peak * (1 - np.exp(-(shift**2) / (2 * (dims + 2))))
    assert np.mean(values) == pytest.approx(expected, abs=4 * np.std(values) / np.sqrt(len(values)))
    assert np.std(values) < 0.2


def test_in_one_dimension_the_sliced_distance_is_the_best_assignments():
    z, y = RNG.standard_normal((9, 1)), RNG.standard_normal((9, 1)) * 2
    cost = (z - y.T) ** 2
    rows, columns = linear_sum_assignment(cost)
    got = sliced_wasserstein_squared(torch.from_numpy(z), torch.from_numpy(y), torch.ones(1, 1, dtype=torch.float64))
    assert float(got) == pytest.approx(cost[rows, columns].mean())


def test_the_sliced_distance_of_a_shift_is_its_square_by_the_dimensions():
    z = torch.from_numpy(RNG.standard_normal((50, 4)))
    shift = torch.tensor([3.0, 0.0, -1.0, 0.5], dtype=torch.float64)
    directions = torch.from_numpy(RNG.standard_normal((4, 40_000)))
    got = sliced_wasserstein_squared(z, z + shift, directions / directions.norm(dim=0))
    assert float(got) == pytest.approx(float(shift.square().sum() / 4), rel=0.02)


@pytest.mark.parametrize("divergence", ["mmd", "sliced-wasserstein"])
@pytest.mark.parametrize(("posterior", "beta"), [("diagonal-normal", 0.25), ("diagonal-normal", 0.0), ("point", 0.0)])
def test_value_weighs_rate_and_divergence(divergence, posterior: str, beta: float):
    model = build(posterior)
    objective = MMD(weight=20.0, beta=beta, divergence=divergence)
    with seeded(2):
        got = objective(model, BATCH, STEP)
    with seeded(2):
        inference = model.infer(BATCH)
        divergence_nats = objective._between(code_of(inference), model.draw(7))
    rate = inference.rate.mean() if model.has_density else torch.zeros(())
    torch.testing.assert_close(got.value, inference.distortion.mean() + beta * rate + 20 * divergence_nats)
    torch.testing.assert_close(got.rate, rate.detach())


@pytest.mark.parametrize("divergence", ["mmd", "sliced-wasserstein"])
def test_the_divergence_pulls_codes_to_the_prior(divergence):
    objective = MMD(divergence=divergence)
    z = (torch.randn(64, 2, generator=torch.Generator().manual_seed(0)) * 0.3 + 3).requires_grad_()
    optimizer = torch.optim.Adam([z], 0.1)
    with seeded(0):
        for _ in range(300):
            optimizer.zero_grad()
            objective._between(z, torch.randn(64, 2)).backward()
            optimizer.step()
    quartiles = torch.quantile(z.detach(), torch.tensor([0.25, 0.5, 0.75]), 0)  # a kernel lets go of a far-off few
    expected = torch.tensor([-0.6745, 0.0, 0.6745]).unsqueeze(1).expand(3, 2)
    torch.testing.assert_close(quartiles, expected, rtol=0, atol=0.4)


def test_one_example_is_no_division_by_zero():
    assert torch.isfinite(MMD()(build(), Batch(BATCH.x[:1]), STEP).value)


def test_a_weight_on_the_rate_needs_a_density():
    recipe = Recipe(model=ModelRecipe(3, SMALL, SMALL, Part("bernoulli"), posterior=Part("point")))
    fine = recipe.override({"objective": "mmd"})
    assert build_objective(fine, build("point"), 10) == MMD()
    with pytest.raises(VaelError, match="objective 'mmd' needs a density, posterior 'point' has none"):
        build_objective(recipe.override({"objective": "mmd", "objective.beta": 1.0}), build("point"), 10)


@pytest.mark.parametrize("options", [{"weight": -1.0}, {"beta": -1.0}, {"scales": ()}, {"scales": (0.0,)}])
def test_weights_that_make_no_sense_are_refused(options: dict):
    with pytest.raises(VaelError, match="mmd expects"):
        MMD(**options)
