"""The formulas of single priors, each against a witness that was computed in another way."""

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from sklearn.mixture import GaussianMixture as Estimator
from torch import Tensor
from torch.distributions import Categorical, Distribution, Independent, MixtureSameFamily, MultivariateNormal, Normal

from vael.distributions import pieces
from vael.distributions.mixture import Mixture, mix
from vael.distributions.normal_mixture import NormalMixture
from vael.priors.conditional_normal import ConditionalNormal
from vael.priors.flow import Flow
from vael.priors.gaussian_mixture import GaussianMixture
from vael.priors.second_stage import SecondStage
from vael.priors.vamp import Vamp
from vael.random import seeded
from vael.types import Domain, Observation

PIXELS = Observation((1, 2, 3), "binary", 2)


def draw_mixture(num_components: int, dims: int, *, sigma: float = 1.0) -> tuple[Tensor, Tensor, Tensor]:
    rng = np.random.default_rng(dims)
    mu = torch.from_numpy(3 * rng.standard_normal((num_components, dims))).float()
    log_sigma = torch.from_numpy(0.3 * rng.standard_normal((num_components, dims)) + math.log(sigma)).float()
    return mu, log_sigma, torch.from_numpy(rng.standard_normal(num_components)).float()


def exact(mu: Tensor, log_sigma: Tensor, log_weights: Tensor) -> MixtureSameFamily:
    """torch's own, in float64: it builds the differences of each value and each component."""
    components = Independent(Normal(mu.double(), log_sigma.double().exp()), 1)
    return MixtureSameFamily(Categorical(logits=log_weights.double()), components)


@pytest.mark.parametrize("sigma", [1.0, 1e-3])
@pytest.mark.parametrize("dims", [1, 2, 20])
def test_matrix_products_lose_nothing_against_differences(dims: int, sigma: float) -> None:
    parts = draw_mixture(30, dims, sigma=sigma)
    with seeded(0):
        z = NormalMixture(*parts).sample(torch.Size((50, 4)))
    z = torch.cat([z, 10 * torch.randn(10, 4, dims, generator=torch.Generator().manual_seed(0))])
    expected = exact(*parts).log_prob(z.double())
    np.testing.assert_allclose(NormalMixture(*parts).log_prob(z), expected, rtol=3e-7, atol=1e-5)


def test_the_gradient_of_a_mixture_is_torchs() -> None:
    mine, theirs = ([part.clone().requires_grad_() for part in draw_mixture(7, 3)] for _ in range(2))
    z = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    NormalMixture(*mine).log_prob(z).sum().backward()
    exact(*theirs).log_prob(z.double()).sum().backward()
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-4, atol=1e-4)


def test_pieces_of_a_density_are_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = draw_mixture(30, 4)
    z = torch.randn(50, 3, 4, generator=torch.Generator().manual_seed(0))
    flow = Flow(4, PIXELS, hidden_features=(8,))(lambda x: None, None)  # pyright: ignore[reportArgumentType]
    whole = NormalMixture(*parts).log_prob(z), flow.log_prob(z)
    monkeypatch.setattr(pieces, "CELLS_AT_ONCE", 400)
    torch.testing.assert_close(NormalMixture(*parts).log_prob(z), whole[0])
    torch.testing.assert_close(flow.log_prob(z), whole[1])


def test_moments_of_a_mixture_are_torchs() -> None:
    parts = draw_mixture(7, 3)
    np.testing.assert_allclose(NormalMixture(*parts).mean, exact(*parts).mean, rtol=1e-5)
    np.testing.assert_allclose(NormalMixture(*parts).variance, exact(*parts).variance, rtol=1e-5)


def test_scikit_learn_says_the_same_of_a_mixture() -> None:
    mu, log_sigma, log_weights = draw_mixture(5, 3)
    estimator = Estimator(5, covariance_type="diag")
    estimator.means_, estimator.covariances_ = mu.double().numpy(), torch.exp(2 * log_sigma.double()).numpy()
    estimator.weights_ = torch.softmax(log_weights.double(), 0).numpy()
    estimator.precisions_cholesky_ = 1 / np.sqrt(estimator.covariances_)
    z = torch.randn(40, 3, generator=torch.Generator().manual_seed(0)) * 3
    mine = NormalMixture(mu, log_sigma, log_weights).log_prob(z)
    np.testing.assert_allclose(mine, estimator.score_samples(z.double().numpy()), rtol=1e-5)


def test_a_fresh_mixture_has_about_the_moments_of_the_standard_normal() -> None:
    with seeded(0):
        p_z = GaussianMixture(3, PIXELS, num_components=5000)(lambda x: None, None)  # pyright: ignore[reportArgumentType]
    assert isinstance(p_z, NormalMixture)
    np.testing.assert_allclose(p_z.mean.detach(), 0, atol=0.05)
    np.testing.assert_allclose(p_z.variance.detach(), 1, atol=0.05)


def factorised(x: Tensor) -> Distribution:
    rows = x.flatten(1)
    return Independent(Normal(rows[:, :2], rows[:, 2:4].square() + 0.1), 1)


def correlated(x: Tensor) -> Distribution:
    rows = x.flatten(1)
    lower = torch.diag_embed(rows[:, 2:4].square() + 0.5)
    lower[:, 1, 0] = rows[:, 4]
    return MultivariateNormal(rows[:, :2], scale_tril=lower)


@pytest.mark.parametrize("learned_weights", [False, True])
@pytest.mark.parametrize("encode", [factorised, correlated])
def test_a_vamp_prior_is_the_mean_of_its_posteriors(encode, learned_weights: bool) -> None:
    with seeded(0):
        prior = Vamp(2, PIXELS, num_components=4, learned_weights=learned_weights)
        if learned_weights:
            torch.nn.init.normal_(prior.log_weights)
        p_z = prior(encode, None)
        z = p_z.sample(torch.Size((6,)))
    densities = []
    for u in prior.as_observations():
        q_u = encode(u.unsqueeze(0))
        covariance = torch.diag_embed(q_u.variance) if encode is factorised else q_u.covariance_matrix
        mean, covariance = q_u.mean[0].detach().numpy(), covariance[0].detach().numpy()
        # SciPy's annotations take the default of cov for its type
        densities.append(multivariate_normal.logpdf(z.numpy(), mean, covariance))  # pyright: ignore[reportArgumentType]
    log_weights = torch.log_softmax(prior.log_weights, 0).detach().numpy()
    expected = np.asarray(logsumexp(np.stack(densities) + log_weights[:, None], axis=0))
    np.testing.assert_allclose(p_z.log_prob(z).detach(), expected, rtol=1e-4)
    assert prior.log_weights.requires_grad == learned_weights


@pytest.mark.parametrize(
    ("domain", "num_levels", "low", "high"),
    [("binary", 2, 0, 1), ("unit", 0, 0, 1), ("levels", 17, 0, 16), ("real", 0, -np.inf, np.inf)],
)
def test_pseudo_inputs_lie_where_x_lies(domain: Domain, num_levels: int, low: float, high: float) -> None:
    with seeded(0):
        u = Vamp(2, Observation((1, 4, 4), domain, num_levels), num_components=50).as_observations().detach()
    assert u.shape == (50, 1, 4, 4)
    assert float(u.min()) >= low
    assert float(u.max()) <= high
    assert float(u.max()) - float(u.min()) > 0.5 * min(high - low, 2)  # not all alike


def test_any_kind_of_posterior_can_be_mixed() -> None:
    with seeded(0):
        components = correlated(torch.randn(5, 1, 2, 3))
        mixture = mix(torch.zeros(5), components)
        assert isinstance(mixture, Mixture)
        z = mixture.sample(torch.Size((20_000,)))
    np.testing.assert_allclose(z.mean(0), mixture.mean, atol=0.06)
    np.testing.assert_allclose(z.var(0), mixture.variance, rtol=0.05)


@pytest.mark.parametrize("context_dim", [0, 2])
@pytest.mark.parametrize("kind", ["coupling", "autoregressive", "spline"])
def test_a_flow_is_its_map_with_autograds_determinant(kind, context_dim: int) -> None:
    with seeded(0):
        prior = Flow(3, PIXELS, context_dim, kind=kind, transforms=3, hidden_features=(8, 8)).double()
        for param in prior.parameters():
            torch.nn.init.normal_(param, std=0.5)
        prior.center, prior.spread = torch.tensor([1.0, -2, 0.5]).double(), torch.tensor([0.5, 2, 1.5]).double()
        context = torch.eye(2).double()[[1]] if context_dim else None
        p_z = prior(lambda x: None, context)  # pyright: ignore[reportArgumentType]
        noise = torch.randn(7, *(1,) * bool(context_dim), 3).double()
    assert isinstance(p_z, Distribution)
    f = p_z.transform  # pyright: ignore[reportAttributeAccessIssue]
    z = f.inv(noise)
    torch.testing.assert_close(f(z), noise, rtol=1e-6, atol=1e-6)
    for i in range(len(z)):
        jacobian = torch.autograd.functional.jacobian(f, z[i]).reshape(3, 3)
        log_det = np.linalg.slogdet(jacobian.numpy())[1]
        expected = -0.5 * float(noise[i].square().sum()) - 1.5 * math.log(2 * math.pi) + log_det
        assert float(p_z.log_prob(z[i]).detach().sum()) == pytest.approx(expected, abs=2e-4)  # computed in float32


def test_a_fresh_flow_is_about_the_standard_normal() -> None:
    for kind in ("coupling", "autoregressive", "spline"):
        for dims in (1, 8):
            with seeded(0):
                p_z = Flow(dims, PIXELS, kind=kind)(lambda x: None, None)  # pyright: ignore[reportArgumentType]
                z = torch.randn(200, dims)
            expected = Independent(Normal(torch.zeros(dims), 1.0), 1).log_prob(z)
            assert float((p_z.log_prob(z) - expected).detach().abs().mean()) < 0.2


def test_loading_zuko_leaves_torchs_checks_on() -> None:
    code = """
from torch.distributions import Distribution, Normal
before = Distribution._validate_args
from vael.distributions.normalizing_flow import load_zuko
load_zuko()
assert before and Distribution._validate_args
try:
    Normal(0.0, -1.0)
except ValueError:
    print("checked")
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=120)
    assert done.stdout == "checked\n"


def test_flows_of_a_label_differ_from_label_to_label() -> None:
    with seeded(0):
        prior = Flow(2, PIXELS, 3)
        for param in prior.parameters():
            torch.nn.init.normal_(param, std=0.3)
        p_z = prior(lambda x: None, torch.eye(3))  # pyright: ignore[reportArgumentType]
    densities = p_z.log_prob(torch.ones(3, 2)).detach()
    assert len(set(densities.tolist())) == 3


def test_a_conditional_normal_has_the_moments_of_its_label_and_an_exact_rate() -> None:
    prior = ConditionalNormal(2, PIXELS, 3)
    with seeded(0):
        torch.nn.init.normal_(prior.mu)
        torch.nn.init.normal_(prior.log_sigma)
    p_z = prior(lambda x: None, torch.eye(3)[[2, 0]])  # pyright: ignore[reportArgumentType]
    torch.testing.assert_close(p_z.mean, prior.mu[[2, 0]])
    torch.testing.assert_close(p_z.stddev, prior.log_sigma[[2, 0]].exp())
    q_z = Independent(Normal(torch.ones(2, 2), 0.5), 1)
    with seeded(1):
        z = q_z.sample(torch.Size((40_000,)))
    ratio = q_z.log_prob(z) - p_z.log_prob(z)
    rate = torch.distributions.kl_divergence(q_z, p_z)
    assert bool(((ratio.mean(0) - rate).abs() < 5 * ratio.std(0) / 200).all())


def linear_second_stage(num_samples: int) -> tuple[SecondStage, Distribution]:
    """With no hidden layer p(z) = N(b, WWᵀ + Γ²) exactly."""
    with seeded(0):
        prior = SecondStage(2, PIXELS, hidden_features=(), num_samples=num_samples)
    with torch.no_grad():
        prior.log_gamma.copy_(torch.tensor([-0.3, -0.6]))
        prior.center.copy_(torch.tensor([1.0, -1.0]))
        prior.spread.copy_(torch.tensor([2.0, 0.5]))
    layer = next(module for module in prior.decoder.modules() if isinstance(module, torch.nn.Linear))
    weight, bias = layer.weight.detach(), layer.bias.detach()
    scale = torch.diag(prior.spread)
    covariance = scale @ (weight @ weight.T + torch.diag(torch.exp(2 * prior.log_gamma.detach()))) @ scale
    return prior, MultivariateNormal(prior.center + prior.spread * bias, covariance)


def test_a_second_stage_bounds_its_density_and_is_right_on_average() -> None:
    z = torch.tensor([[1.0, -1.0], [2.5, -0.8], [-0.5, -1.4]])
    gaps = []
    for num_samples in (1, 4, 64):
        prior, truth = linear_second_stage(num_samples)
        with torch.no_grad(), seeded(1):
            many = prior(lambda x: None, None).log_prob(z.expand(4000, 3, 2)).double()  # pyright: ignore[reportArgumentType]
        exact_density = truth.log_prob(z).double()
        mean, weights = many.mean(0), torch.exp(many - exact_density)
        assert bool((mean <= exact_density + 5 * many.std(0) / 4000**0.5).all())
        assert bool(((weights.mean(0) - 1).abs() < 5 * weights.std(0) / 4000**0.5).all())
        gaps.append(float((exact_density - mean).mean()))
    assert gaps[0] > gaps[1] > gaps[2] >= -1e-2


def test_a_second_stage_draws_from_its_density() -> None:
    prior, truth = linear_second_stage(1)
    with seeded(2):
        z = prior(lambda x: None, None).sample(torch.Size((20_000,)))  # pyright: ignore[reportArgumentType]
    assert isinstance(truth, MultivariateNormal)
    np.testing.assert_allclose(z.mean(0), truth.mean, atol=0.07)
    np.testing.assert_allclose(np.cov(z.numpy().T), truth.covariance_matrix, atol=0.12)
