"""The mixture of logistics: SciPy's bins, a plain loop for PixelCNN++'s formula, every colour of a tiny palette."""

import itertools

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import chisquare, logistic

from vael.likelihoods.logistic_mixture import LogisticMixture
from vael.random import seeded
from vael.types import Observation

NUM_LEVELS = 4
COLOUR = Observation((3, 1, 1), "levels", NUM_LEVELS)
PALETTE = torch.tensor(list(itertools.product(range(NUM_LEVELS), repeat=3)), dtype=torch.float64).view(-1, 3, 1, 1)


def draw_features(likelihood: LogisticMixture, *lead: int) -> torch.Tensor:
    shape = (*lead, likelihood.parameters_per_dim, *likelihood.observation.shape)
    return torch.from_numpy(2 * np.random.default_rng(0).standard_normal(shape))


def log_mass(level: int, mu: float, log_s: float, num_levels: int) -> float:
    """SciPy's log mass of a level's bin, from whichever tail loses no digits."""
    half = 1 / (num_levels - 1)
    center = 2 * half * level - 1
    low = -np.inf if level == 0 else center - half
    high = np.inf if level == num_levels - 1 else center + half
    law = logistic(mu, np.exp(log_s))
    mass = law.cdf(high) - law.cdf(low) if high <= mu else law.sf(low) - law.sf(high)
    return float(np.log(mass))


def log_prob_by_hand(features: np.ndarray, x: np.ndarray, num_components: int, num_levels: int, sigma: float) -> float:
    """Add up PixelCNN++'s formula pixel by pixel, `features` `(4M, 3, H, W)`, x `(3, H, W)`."""
    logits, mu, log_s, free = features.reshape(4, num_components, *x.shape)
    total = 0.0
    for row, column in itertools.product(range(x.shape[1]), range(x.shape[2])):
        weights = logits[:, :, row, column].sum(1)
        log_weights = weights - logsumexp(weights)
        r, g, _ = 2 * x[:, row, column] / (num_levels - 1) - 1
        terms = []
        for m in range(num_components):
            c1, c2, c3 = np.tanh(free[m, :, row, column])
            start = (2 * m + 1) / num_components - 1 + mu[m, :, row, column]
            places = [start[0], start[1] + c1 * r, start[2] + c2 * r + c3 * g]
            scales = 8 * np.tanh((log_s[m, :, row, column] + np.log(sigma)) / 8)
            bins = zip(x[:, row, column], places, scales, strict=True)
            masses = [log_mass(int(level), place, scale, num_levels) for level, place, scale in bins]
            terms.append(log_weights[m] + sum(masses))
        total += float(np.logaddexp.reduce(terms))
    return total


@pytest.mark.parametrize("num_levels", [4, 17, 256])
def test_colours_follow_the_formula_of_pixelcnn(num_levels: int):
    likelihood = LogisticMixture(Observation((3, 2, 3), "levels", num_levels), num_components=3, sigma=0.2)
    features = draw_features(likelihood, 2)
    x = np.random.default_rng(1).integers(0, num_levels, (2, 3, 2, 3))
    expected = [log_prob_by_hand(one, k, 3, num_levels, 0.2) for one, k in zip(features.numpy(), x, strict=True)]
    np.testing.assert_allclose(likelihood(features).log_prob(torch.from_numpy(x).double()), expected, rtol=1e-6)


@pytest.mark.parametrize("num_components", [1, 2, 5])
def test_the_probabilities_of_all_colours_sum_to_one(num_components: int):
    likelihood = LogisticMixture(COLOUR, num_components=num_components)
    log_p = likelihood(draw_features(likelihood)).log_prob(PALETTE)
    assert log_p.shape == (NUM_LEVELS**3,)
    assert float(log_p.exp().sum()) == pytest.approx(1.0, abs=1e-12)


def test_channels_of_a_pixel_depend_on_each_other():
    likelihood = LogisticMixture(COLOUR, num_components=2, sigma=0.3)
    features = draw_features(likelihood)
    p = likelihood(features).log_prob(PALETTE).exp().view(NUM_LEVELS, NUM_LEVELS, NUM_LEVELS)
    alone = p.sum((1, 2))[:, None, None] * p.sum((0, 2))[None, :, None] * p.sum((0, 1))[None, None, :]
    assert float((p - alone).abs().sum()) > 0.1


def test_draws_of_colours_follow_their_probabilities():
    likelihood = LogisticMixture(COLOUR, num_components=2, sigma=0.5)
    features = draw_features(likelihood) / 4
    p_x = likelihood(features)
    with seeded(0):
        drawn = p_x.sample(torch.Size((60_000,)))
    codes = (drawn.view(-1, 3) @ torch.tensor([16.0, 4.0, 1.0], dtype=drawn.dtype)).long()
    expected = p_x.log_prob(PALETTE).exp().numpy() * len(drawn)
    assert expected.min() > 5  # as the χ² law asks
    assert chisquare(np.bincount(codes, minlength=64), expected).pvalue > 1e-3


def test_the_conditional_cdfs_multiply_to_the_joint_probabilities():
    likelihood = LogisticMixture(COLOUR, num_components=3)
    p_x = likelihood(draw_features(likelihood))
    cdf_above = p_x.cdf(PALETTE)
    # P(x_c ≤ k | x_<c) and P(x_c ≤ k − 1 | x_<c) share the true x_<c: one channel is lowered at a time
    log_p = torch.zeros(len(PALETTE), dtype=torch.float64)
    for channel in range(3):
        lower = PALETTE.clone()
        lower[:, channel] = (lower[:, channel] - 1).clamp(min=0)
        under = p_x.cdf(lower)[:, channel] * (PALETTE[:, channel] > 0)
        log_p += torch.log(cdf_above[:, channel] - under).flatten()
    # differences of cdfs carry an absolute error of one rounding of 1
    torch.testing.assert_close(log_p.exp(), p_x.log_prob(PALETTE).exp(), rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("shape", [(5,), (1, 2, 3)], ids=str)
def test_numbers_without_colour_are_independent_mixtures(shape: tuple[int, ...]):
    likelihood = LogisticMixture(Observation(shape, "levels", 17), num_components=2, sigma=0.2)
    assert likelihood.parameters_per_dim == 6
    features = draw_features(likelihood).numpy()
    x = np.random.default_rng(1).integers(0, 17, shape)
    logits, mu, log_s = features.reshape(3, 2, *shape)
    expected = 0.0
    for place in np.ndindex(*shape):
        at = (slice(None), *place)
        masses = [
            log_mass(int(x[place]), m - 0.5 + mu[at][m], 8 * np.tanh((log_s[at][m] + np.log(0.2)) / 8), 17)
            for m in range(2)
        ]
        expected += float(logsumexp(logits[at] - np.logaddexp(*logits[at]) + masses))  # pyright: ignore[reportArgumentType]
    found = likelihood(torch.from_numpy(features)).log_prob(torch.from_numpy(x).double())
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_gradients_reach_every_feature_of_a_colour():
    likelihood = LogisticMixture(COLOUR, num_components=2)
    features = draw_features(likelihood, 6).requires_grad_()
    likelihood(features).log_prob(PALETTE[20:26]).sum().backward()
    grad = features.grad
    assert grad is not None
    assert bool(torch.isfinite(grad).all())
    assert bool((grad != 0).any(0).all())


def test_gradients_are_finite_differences():
    likelihood = LogisticMixture(COLOUR, num_components=2, sigma=0.5)
    features = draw_features(likelihood, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda f: likelihood(f).log_prob(PALETTE[[7, 50]]), (features,))


def test_a_sure_mixture_shows_its_component_and_the_channels_that_follow_it():
    # one component far ahead, at red = 0, green = red + tanh(1)·red', blue from both
    likelihood = LogisticMixture(Observation((3, 1, 1), "levels", 256), num_components=1)
    features = torch.zeros(4, 3, 1, 1)
    features[1] = torch.tensor([0.5, 0.1, -0.2]).view(3, 1, 1)
    features[2] = -3.0
    features[3] = torch.tensor([0.3, -0.4, 0.8]).view(3, 1, 1)
    c = np.tanh([0.3, -0.4, 0.8])
    green = 0.1 + c[0] * 0.5
    places = np.array([0.5, green, -0.2 + c[1] * 0.5 + c[2] * green])
    p_x = likelihood(features)
    np.testing.assert_allclose(p_x.mean.flatten(), np.rint((places + 1) * 255 / 2))
    with seeded(0):
        drawn = p_x.sample(torch.Size((2000,)))
    np.testing.assert_allclose(drawn.mean(0).flatten(), p_x.mean.flatten(), atol=1.0)
