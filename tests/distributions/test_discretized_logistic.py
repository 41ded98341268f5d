import itertools

import numpy as np
import pytest
import torch
from scipy.stats import chisquare, logistic

from vael.distributions import DiscretizedLogistic
from vael.random import seeded

LEVELS = [2, 17, 256]
MUS = [-3.0, -1.0, -0.2, 0.0, 0.517, 1.0, 40.0]
LOG_SCALES = [-10.0, -6.0, -2.0, 0.0, 3.0, 10.0]
TABLE = list(itertools.product(LEVELS, MUS, LOG_SCALES))


def levels_of(num_levels: int) -> torch.Tensor:
    return torch.arange(num_levels, dtype=torch.float64)


def distribution(mu: float, log_s: float, num_levels: int, dtype: torch.dtype = torch.float64) -> DiscretizedLogistic:
    return DiscretizedLogistic(torch.tensor(mu, dtype=dtype), torch.tensor(log_s, dtype=dtype), num_levels)


def bin_edges(num_levels: int) -> np.ndarray:
    """Return the L + 1 edges on [−1, 1]; the outermost ones are infinite."""
    inner = (2 * np.arange(1, num_levels) - 1) / (num_levels - 1) - 1
    return np.concatenate([[-np.inf], inner, [np.inf]])


def masses(mu: float, log_s: float, num_levels: int) -> np.ndarray:
    """Return SciPy's mass of each bin, from whichever tail loses no digits."""
    edges, law = bin_edges(num_levels), logistic(mu, np.exp(log_s))
    return np.where(edges[1:] <= mu, np.diff(law.cdf(edges)), -np.diff(law.sf(edges)))


@pytest.mark.parametrize(("num_levels", "mu", "log_s"), TABLE)
def test_probabilities_of_all_levels_sum_to_one(num_levels: int, mu: float, log_s: float):
    total = distribution(mu, log_s, num_levels).log_prob(levels_of(num_levels)).exp().sum()
    assert float(total) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(("num_levels", "mu", "log_s"), TABLE)
def test_float32_probabilities_sum_to_one(num_levels: int, mu: float, log_s: float):
    # an edge is rounded to about 2⁻²⁴·max(1, |μ|) before it is divided by s, and the density at it is at most 1/(4s)
    rounding = 2**-24 * max(1.0, abs(mu)) * np.exp(-log_s)
    log_prob = distribution(mu, log_s, num_levels, torch.float32).log_prob(levels_of(num_levels).float())
    assert float(log_prob.double().exp().sum()) == pytest.approx(1.0, abs=2e-5 + 4 * rounding)


@pytest.mark.parametrize(("num_levels", "mu", "log_s"), TABLE)
def test_probabilities_are_differences_of_the_logistic_cdf(num_levels: int, mu: float, log_s: float):
    probs = distribution(mu, log_s, num_levels).log_prob(levels_of(num_levels)).exp().numpy()
    expected = masses(mu, log_s, num_levels)
    # differences of SciPy's cdf carry an absolute error of one rounding of 1
    np.testing.assert_allclose(probs, expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize(("num_levels", "mu", "log_s"), TABLE)
def test_log_probabilities_are_finite_where_probabilities_are_zero(num_levels: int, mu: float, log_s: float):
    log_prob = distribution(mu, log_s, num_levels).log_prob(levels_of(num_levels))
    assert bool(torch.isfinite(log_prob).all())
    assert bool((log_prob <= 0).all())


@pytest.mark.parametrize("num_levels", LEVELS)
def test_a_far_tail_falls_linearly_in_log_space(num_levels: int):
    # ten thousand scales away, log σ(−a) = −a: no clamp may cut it
    law = distribution(-2.0, -9.0, num_levels)
    lower_edge = 1 - 1 / (num_levels - 1)
    expected = -(lower_edge + 2.0) * np.exp(9.0)
    last = law.log_prob(torch.tensor(num_levels - 1.0, dtype=torch.float64))
    assert float(last) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("num_levels", "mu", "log_s"), TABLE)
def test_cdf_is_the_cumulative_sum_of_the_probabilities(num_levels: int, mu: float, log_s: float):
    law, levels = distribution(mu, log_s, num_levels), levels_of(num_levels)
    torch.testing.assert_close(law.cdf(levels), law.log_prob(levels).exp().cumsum(0), rtol=0, atol=1e-9)


@pytest.mark.parametrize("num_levels", LEVELS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
def test_cdf_rises_to_exactly_one(num_levels: int, dtype: torch.dtype):
    cdf = distribution(0.3, 2.0, num_levels, dtype).cdf(levels_of(num_levels).to(dtype))
    assert float(cdf[-1]) == 1.0
    assert bool((cdf.diff() >= 0).all())


@pytest.mark.parametrize(("num_levels", "mu"), list(itertools.product(LEVELS, [-3.0, 0.517, 1.0])))
@pytest.mark.parametrize("log_s", [-10.0, -2.0, 0.0, 10.0, 14.0])
def test_gradients_are_finite_in_float32(num_levels: int, mu: float, log_s: float):
    at = torch.tensor(mu, requires_grad=True)
    scale = torch.tensor(log_s, requires_grad=True)
    DiscretizedLogistic(at, scale, num_levels).log_prob(levels_of(num_levels).float()).sum().backward()
    assert at.grad is not None
    assert scale.grad is not None
    assert bool(torch.isfinite(at.grad))
    assert bool(torch.isfinite(scale.grad))


@pytest.mark.parametrize("num_levels", LEVELS)
def test_gradients_are_finite_differences(num_levels: int):
    mu = torch.tensor([-0.9, 0.1, 1.2], dtype=torch.float64, requires_grad=True)
    log_s = torch.tensor([-1.5, 0.0, 1.0], dtype=torch.float64, requires_grad=True)
    value = levels_of(num_levels)[:: max(1, num_levels // 8), None]
    assert torch.autograd.gradcheck(lambda m, s: DiscretizedLogistic(m, s, num_levels).log_prob(value), (mu, log_s))


@pytest.mark.parametrize(("mu", "log_s"), [(0.0, -1.0), (-0.9, -0.5), (2.0, 0.0)], ids=["inside", "low", "outside"])
def test_frequencies_of_samples_follow_the_probabilities(mu: float, log_s: float):
    with seeded(0):
        drawn = distribution(mu, log_s, 17).sample((40_000,)).numpy()
    assert set(np.unique(drawn)) <= set(range(17))
    counts = np.bincount(drawn.astype(int), minlength=17)
    expected = masses(mu, log_s, 17) * len(drawn)
    assert expected.min() > 5  # as the χ² law asks
    assert chisquare(counts, expected).pvalue > 1e-3


def test_samples_and_probabilities_have_the_batch_shape():
    law = DiscretizedLogistic(torch.zeros(3, 1), torch.zeros(4), 5)
    assert law.batch_shape == (3, 4)
    assert law.sample((2,)).shape == (2, 3, 4)
    assert law.log_prob(torch.zeros(2, 3, 4)).shape == (2, 3, 4)
    assert law.mean.shape == (3, 4)


@pytest.mark.parametrize(("mu", "level"), [(-1.0, 0), (-5.0, 0), (0.0, 8), (0.13, 9), (1.0, 16), (7.0, 16)])
def test_mean_is_the_level_nearest_to_the_location(mu: float, level: int):
    assert float(distribution(mu, -3.0, 17).mean) == level
