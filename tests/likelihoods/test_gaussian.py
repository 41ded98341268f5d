import numpy as np
import pytest
import torch
from scipy.special import expit
from scipy.stats import laplace, norm

from vael.errors import VaelError
from vael.likelihoods.gaussian import Gaussian
from vael.likelihoods.laplace import Laplace
from vael.types import Domain, Observation

REAL = Observation((2, 3, 2), "real")
RNG = np.random.default_rng(0)
FEATURES = RNG.standard_normal((5, 1, *REAL.shape))
X = RNG.standard_normal((5, *REAL.shape))


def log_prob(likelihood: Gaussian | Laplace) -> np.ndarray:
    p_x = likelihood.double()(torch.from_numpy(FEATURES))
    return p_x.log_prob(torch.from_numpy(X)).detach().numpy()


@pytest.mark.parametrize("variance", ["fixed", "shared", "per-dimension"])
@pytest.mark.parametrize("sigma", [0.01, 1.0, 3.0])
def test_density_is_scipys(variance, sigma: float):
    expected = norm.logpdf(X, FEATURES[:, 0], sigma).sum((1, 2, 3))
    # log σ is kept in float32
    np.testing.assert_allclose(log_prob(Gaussian(REAL, variance=variance, sigma=sigma)), expected, rtol=1e-6)


def test_each_dimension_has_its_own_scale():
    likelihood = Gaussian(REAL, variance="per-dimension").double()
    sigma = np.exp(RNG.standard_normal(REAL.shape))
    with torch.no_grad():
        likelihood.log_sigma.copy_(torch.from_numpy(np.log(sigma)))
    np.testing.assert_allclose(log_prob(likelihood), norm.logpdf(X, FEATURES[:, 0], sigma).sum((1, 2, 3)), rtol=1e-10)


def test_laplace_density_is_scipys():
    expected = laplace.logpdf(X, FEATURES[:, 0], 0.4).sum((1, 2, 3))
    np.testing.assert_allclose(log_prob(Laplace(REAL, scale=0.4)), expected, rtol=1e-6)


@pytest.mark.parametrize(("variance", "learned"), [("fixed", 0), ("shared", 1), ("per-dimension", 12)])
def test_variance_says_how_many_scales_are_learned(variance, learned: int):
    likelihood = Gaussian(REAL, variance=variance)
    assert sum(param.numel() for param in likelihood.parameters() if param.requires_grad) == learned


@pytest.mark.parametrize(
    ("domain", "link", "logistic"),
    [
        ("unit", "auto", True),
        ("real", "auto", False),
        ("unit", "identity", False),
        ("real", "logistic", True),
    ],
)
@pytest.mark.parametrize("kind", [Gaussian, Laplace])
def test_link_turns_features_into_the_mean(kind: type[Gaussian] | type[Laplace], domain: Domain, link, logistic: bool):
    mean = kind(Observation(REAL.shape, domain), link=link)(torch.from_numpy(FEATURES)).mean
    expected = expit(FEATURES[:, 0]) if logistic else FEATURES[:, 0]
    np.testing.assert_allclose(mean.detach(), expected, rtol=1e-12)


@pytest.mark.parametrize("sigma", [0.0, -1.0])
def test_a_sigma_that_is_not_positive_is_refused(sigma: float):
    with pytest.raises(VaelError, match=f"sigma expects a number > 0, got {sigma}"):
        Gaussian(REAL, sigma=sigma)


def test_learned_sigma_converges_to_the_residuals_own():
    # the maximum-likelihood σ is the root of the mean squared error
    likelihood = Gaussian(REAL).double()
    mu, x = torch.from_numpy(FEATURES), torch.from_numpy(X)
    optimizer = torch.optim.LBFGS(likelihood.parameters(), max_iter=50, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = -likelihood(mu).log_prob(x).mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert float(likelihood.log_sigma.detach().exp()) == pytest.approx(
        np.sqrt(np.mean((X - FEATURES[:, 0]) ** 2)), rel=1e-5
    )
