"""Each likelihood's density is SciPy's, with the parameters that its features stand for."""

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.special import expit

from vael.errors import VaelError
from vael.likelihoods import LIKELIHOODS, Likelihood
from vael.likelihoods.heavy_tails import HyperbolicSecant
from vael.random import seeded
from vael.types import Domain, Observation

RNG = np.random.default_rng(0)
F = RNG.standard_normal((6, 2, 3))
COUNTS = RNG.poisson(4.0, (6, 3))
POSITIVE = RNG.lognormal(size=(6, 3))
REAL = 5 * RNG.standard_normal((6, 3))


def build(name: str, domain: Domain, num_levels: int = 0, **options: object) -> Likelihood:
    return LIKELIHOODS[name](Observation((3,), domain, num_levels), **options)


def log_prob(likelihood: Likelihood, x: np.ndarray, features: np.ndarray = F) -> np.ndarray:
    features = features[:, : likelihood.parameters_per_dim]
    return likelihood.double()(torch.from_numpy(features)).log_prob(torch.from_numpy(x).double()).detach().numpy()


def bent(features: np.ndarray, span: float) -> np.ndarray:
    return span * np.tanh(features / span)


def test_poisson_is_scipys():
    expected = stats.poisson.logpmf(COUNTS, np.exp(bent(F[:, 0], 20))).sum(-1)
    np.testing.assert_allclose(log_prob(build("poisson", "counts"), COUNTS), expected, rtol=1e-12)


def test_negative_binomial_is_scipys():
    mu, r = np.exp(bent(F[:, 0], 20)), np.exp(bent(F[:, 1], 20))
    expected = stats.nbinom.logpmf(COUNTS, r, r / (r + mu)).sum(-1)
    np.testing.assert_allclose(log_prob(build("negative-binomial", "counts"), COUNTS), expected, rtol=1e-10)


def test_negative_binomial_has_the_variance_it_states():
    features = torch.tensor([[[1.0], [0.5]]]).expand(100_000, 2, 1)
    mu, r = np.exp(bent(np.array(1.0), 20)), np.exp(bent(np.array(0.5), 20))
    likelihood = LIKELIHOODS["negative-binomial"](Observation((1,), "counts"))
    with seeded(0):
        drawn = likelihood(features).sample().numpy()
    assert drawn.mean() == pytest.approx(mu, rel=0.02)
    assert drawn.var() == pytest.approx(mu + mu**2 / r, rel=0.05)


def test_negative_binomial_becomes_the_poisson():
    features = F.copy()
    features[:, 1] = 400.0
    expected = log_prob(build("poisson", "counts"), COUNTS)
    np.testing.assert_allclose(
        log_prob(build("negative-binomial", "counts"), COUNTS, features), expected, rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("name", ["poisson", "negative-binomial"])
def test_large_counts_keep_their_digits_in_float32(name: str):
    # at a million the terms of log p are about 1e7, of which float32 holds whole numbers only
    likelihood = build(name, "counts")
    features = np.stack([np.full((1, 3), 17.0), np.full((1, 3), 3.0)], 1)[:, : likelihood.parameters_per_dim]
    x = np.array([[900_000, 1_000_000, 1_100_000]])
    exact = log_prob(likelihood, x, features)
    single = likelihood(torch.from_numpy(features).float()).log_prob(torch.from_numpy(x).float())
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single.detach(), exact, rtol=1e-6)


@pytest.mark.parametrize("num_levels", [2, 17, 256])
@pytest.mark.parametrize("concentration", [0.01, 1.0, 300.0])
def test_beta_binomial_is_scipys(num_levels: int, concentration: float):
    x = np.random.default_rng(1).integers(0, num_levels, (6, 3))
    c = np.exp(bent(F[:, 1] + np.log(concentration), 12))
    share = expit(F[:, 0])
    expected = stats.betabinom.logpmf(x, num_levels - 1, share * c, (1 - share) * c).sum(-1)
    likelihood = build("beta-binomial", "levels", num_levels, concentration=concentration)
    np.testing.assert_allclose(log_prob(likelihood, x), expected, rtol=1e-7, atol=1e-9)


def test_categorical_is_a_softmax():
    features = RNG.standard_normal((6, 5, 3))
    x = RNG.integers(0, 5, (6, 3))
    p = np.exp(features) / np.exp(features).sum(1, keepdims=True)
    expected = np.log(np.take_along_axis(p, x[:, None], 1)[:, 0]).sum(-1)
    np.testing.assert_allclose(log_prob(build("categorical", "levels", 5), x, features), expected, rtol=1e-12)


@pytest.mark.parametrize("sigma", [0.1, 1.0, 3.0])
def test_log_normal_is_scipys(sigma: float):
    expected = stats.lognorm.logpdf(POSITIVE, sigma, scale=np.exp(bent(F[:, 0], 80))).sum(-1)
    np.testing.assert_allclose(log_prob(build("log-normal", "positive", sigma=sigma), POSITIVE), expected, rtol=1e-6)


@pytest.mark.parametrize(("sigma", "df"), [(0.1, 4.0), (1.0, 1.5), (3.0, 1e6)])
def test_student_t_is_scipys(sigma: float, df: float):
    expected = stats.t.logpdf(REAL, df, F[:, 0], sigma).sum(-1)
    likelihood = build("student-t", "real", sigma=sigma, df=df)
    np.testing.assert_allclose(log_prob(likelihood, REAL), expected, rtol=1e-6)
    # the parameters are float32, the constants are not: lgamma(500,000) has no digit after the point in float32
    single = likelihood.float()(torch.from_numpy(F[:, :1]).float()).log_prob(torch.from_numpy(REAL).float())
    np.testing.assert_allclose(single.detach(), expected, rtol=2e-5)


@pytest.mark.parametrize("sigma", [0.1, 1.0, 3.0])
def test_hyperbolic_secant_is_scipys(sigma: float):
    scale = 2 * sigma / np.pi
    expected = stats.hypsecant.logpdf(REAL, F[:, 0], scale).sum(-1)
    np.testing.assert_allclose(log_prob(build("hyperbolic-secant", "real", sigma=sigma), REAL), expected, rtol=1e-6)


def test_draws_of_the_hyperbolic_secant_follow_scipys():
    likelihood = HyperbolicSecant(Observation((1,), "real"), sigma=0.5)
    with seeded(0):
        drawn = likelihood(torch.full((5000, 1, 1), 3.0)).sample().numpy().ravel()
    assert stats.kstest(drawn, stats.hypsecant(3.0, 1 / np.pi).cdf).pvalue > 1e-3


@pytest.mark.parametrize("name", ["student-t", "hyperbolic-secant", "log-normal", "laplace", "gaussian"])
def test_scales_are_learned_back_from_draws(name: str):
    # started at twice and four times the scale, the most likely one is that of the draws
    domain: Domain = "positive" if name == "log-normal" else "real"
    truth, learner = build(name, domain), build(name, domain)
    features = torch.zeros(4000, 1, 3)
    with seeded(0):
        x = truth(features).sample()
    with torch.no_grad():
        for param in learner.parameters():
            param.add_(1.0)
    optimizer = torch.optim.LBFGS(learner.parameters(), max_iter=80, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = -learner(features).log_prob(x).mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    for found, true in zip(learner.parameters(), truth.parameters(), strict=True):
        np.testing.assert_allclose(found.detach(), true.detach(), atol=0.15)


@pytest.mark.parametrize(
    ("name", "domain", "options", "words"),
    [
        ("student-t", "real", {"df": 1.0}, "df expects a number > 1, got 1.0"),
        ("student-t", "real", {"sigma": 0.0}, "sigma expects a number > 0, got 0.0"),
        ("hyperbolic-secant", "real", {"sigma": -1.0}, "sigma expects a number > 0, got -1.0"),
        ("log-normal", "positive", {"sigma": 0.0}, "sigma expects a number > 0, got 0.0"),
        ("beta-binomial", "levels", {"concentration": 0.0}, "concentration expects a number > 0, got 0.0"),
        ("logistic-mixture", "levels", {"num_components": 0}, "num_components ≥ 1"),
        ("logistic-mixture", "levels", {"sigma": 0.0}, "sigma > 0"),
    ],
)
def test_impossible_options_are_refused(name: str, domain: Domain, options: dict, words: str):
    with pytest.raises(VaelError, match=words):
        build(name, domain, 5, **options)
