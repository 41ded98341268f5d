"""Fitting priors to codes, against a density that is known."""

import numpy as np
import pytest
import torch
from sklearn.mixture import GaussianMixture as Estimator
from sklearn.neighbors import NearestNeighbors

from vael.distributions.normal_mixture import NormalMixture
from vael.errors import VaelError
from vael.priors import PRIORS
from vael.priors.fitting import Codes, fit_by_likelihood, fit_kernel, fit_mixture, held_out_density
from vael.priors.flow import Flow
from vael.priors.gaussian_mixture import GaussianMixture
from vael.priors.second_stage import SecondStage
from vael.random import seeded
from vael.types import Observation

TABLE = Observation((3,), "real")
TRUTH = NormalMixture(
    torch.tensor([[30.0, 0.1], [36.0, 0.3]]), torch.tensor([[0.0, -3.0], [0.5, -3.5]]), torch.tensor([0.0, 0.7])
)
"""Two lumps, far from zero and of unlike widths: a fit that does not standardise fails."""


def draw_codes(count: int = 2000) -> Codes:
    with seeded(0):
        held_out = TRUTH.sample(torch.Size((1000,)))
        fixed = TRUTH.sample(torch.Size((count,)))
    return Codes(lambda: fixed, held_out)


def density_of(prior: GaussianMixture | Flow | SecondStage, codes: Codes) -> float:
    return held_out_density(prior(lambda x: TRUTH, None), codes)


@pytest.fixture(scope="module")
def best() -> float:
    return held_out_density(TRUTH, draw_codes())


def test_a_mixture_of_the_right_size_finds_the_truth(best: float) -> None:
    codes = draw_codes()
    prior = GaussianMixture(2, TABLE, num_components=2)
    fit_mixture(prior, codes, epochs=20, seed=0)
    assert density_of(prior, codes) == pytest.approx(best, abs=0.02)
    order = prior.mu[:, 0].argsort()
    torch.testing.assert_close(prior.mu[order], TRUTH.mu, rtol=0.02, atol=0.02)
    torch.testing.assert_close(prior.log_sigma[order], TRUTH.log_sigma, rtol=0, atol=0.1)
    weights = torch.softmax(prior.log_weights, 0)[order]
    torch.testing.assert_close(weights, torch.softmax(torch.tensor([0.0, 0.7]), 0), rtol=0, atol=0.05)


def test_a_mixture_stops_when_the_held_out_codes_say_so(best: float) -> None:
    prior = GaussianMixture(2, TABLE, num_components=40)
    codes = draw_codes(120)
    fit_mixture(prior, codes, epochs=1000, seed=0)
    stopped = density_of(prior, codes)
    assert stopped < best
    estimator = Estimator(40, covariance_type="diag", reg_covar=1e-6, max_iter=1000, random_state=0)
    spread = codes.draw().std(0)
    unstopped = estimator.fit(codes.draw() / spread).score(codes.held_out / spread) - float(spread.log().sum())
    assert unstopped < stopped - 0.3


def test_kernels_sit_on_codes_and_come_near_the_truth(best: float) -> None:
    codes = draw_codes()
    prior = GaussianMixture(2, TABLE, num_components=1500)
    fit_kernel(prior, codes)
    assert best - 0.15 < density_of(prior, codes) < best
    rows = codes.draw()[:1500]
    torch.testing.assert_close(prior.mu.detach(), rows, rtol=1e-4, atol=1e-4)
    spread = codes.draw().std(0).numpy()
    scaled = rows.numpy() / spread
    distances = NearestNeighbors(n_neighbors=6).fit(scaled).kneighbors(scaled)[0][:, -1]
    factor = prior.log_sigma.detach().exp().numpy() / (distances[:, None] * spread)
    np.testing.assert_allclose(factor, factor[0, 0], rtol=1e-3)  # one factor for all codes and dimensions


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("flow", {"kind": "spline", "transforms": 2, "hidden_features": (32,)}),
        ("second-stage", {"hidden_features": (32,)}),
    ],
)
def test_climbing_the_likelihood_comes_near_the_truth(name: str, options: dict, best: float) -> None:
    codes = draw_codes()
    with seeded(0):
        prior = PRIORS[name](2, TABLE, **options)
        alone = GaussianMixture(2, TABLE, num_components=1)
    assert isinstance(prior, (Flow, SecondStage))
    fit_mixture(alone, codes, epochs=1, seed=0)
    told = []
    fit_by_likelihood(prior, codes, epochs=15, seed=0, on_epoch=lambda *report: told.append(report))
    found = density_of(prior, codes)
    assert density_of(alone, codes) + 0.1 < found < best + 0.05
    assert found == pytest.approx(max(density for _, density in told), abs=1e-4)  # the best pass is kept
    assert [epoch for epoch, _ in told] == list(range(1, len(told) + 1))


def test_the_same_seed_fits_the_same_flow() -> None:
    found = []
    for _ in range(2):
        with seeded(0):
            prior = Flow(2, TABLE, hidden_features=(8,))
        fit_by_likelihood(prior, draw_codes(300), epochs=2, seed=5)
        found.append(density_of(prior, draw_codes()))
    assert found[0] == found[1]


def test_more_components_than_codes_are_refused() -> None:
    prior = GaussianMixture(2, TABLE, num_components=40)
    for fit in (fit_kernel, lambda *parts: fit_mixture(*parts, epochs=1, seed=0)):
        with pytest.raises(VaelError, match="40 components expect as many codes, got 30"):
            fit(prior, draw_codes(30))
