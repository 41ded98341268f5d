from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from torch.distributions import MultivariateNormal

from vael.posteriors import POSTERIORS, Posterior
from vael.random import seeded

NORMALS = ["diagonal-normal", "full-normal"]
DIMS = [1, 2, 5]

OPTIONS: dict[str, dict[str, Any]] = {
    "categorical": {"num_categories": 3},
    "vector-quantised": {"num_vectors": 2, "codebook_size": 5, "num_stages": 2},
}
"""What a member needs besides its defaults to be small."""

SIZES = {"von-mises-fisher": [2, 3, 5], "categorical": [3, 6, 15], "vector-quantised": [2, 4, 10]}
"""The latent dimensions of those that do not take any."""

CASES = [(name, dim) for name in POSTERIORS for dim in SIZES.get(name, DIMS)]


def build(name: str, latent_dim: int) -> Posterior:
    with seeded(0):
        return POSTERIORS[name](7, latent_dim, **OPTIONS.get(name, {}))


def draw_features(batch: int = 4) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).standard_normal((batch, 7))).float()


@pytest.mark.parametrize(("name", "latent_dim"), CASES)
def test_features_become_a_distribution_over_latents(name: str, latent_dim: int):
    q_z = build(name, latent_dim)(draw_features())
    assert q_z.batch_shape == (4,)
    assert q_z.event_shape == (latent_dim,)
    assert q_z.mean.shape == (4, latent_dim)
    with seeded(0):
        z = q_z.rsample(torch.Size((3,)))
    assert z.shape == (3, 4, latent_dim)
    assert q_z.log_prob(z).shape == (3, 4)
    assert q_z.rsample().shape == (4, latent_dim)


@pytest.mark.parametrize(("name", "latent_dim"), CASES)
def test_gradient_of_samples_reaches_every_parameter(name: str, latent_dim: int):
    posterior = build(name, latent_dim)
    with seeded(0):
        z = posterior(draw_features()).rsample(torch.Size((30,)))
    weight = torch.linspace(1, 2, latent_dim)  # the sum of squares of a direction is always 1
    (z.square() * weight).sum().backward()
    for key, param in posterior.named_parameters():
        assert param.grad is not None, key
        is_masked = param.grad == 0  # an autoregressive network has weights that its mask switches off
        has_mask = name in ("iaf", "spline-flow") and "hyper" in key
        assert bool((~is_masked).any() if has_mask else (~is_masked).all()), key


@pytest.mark.parametrize(("name", "latent_dim"), CASES)
def test_draws_live_on_the_support(name: str, latent_dim: int):
    posterior = build(name, latent_dim).eval()
    q_z = posterior(draw_features())
    with seeded(0):
        z = q_z.rsample(torch.Size((30,))).detach()
    if posterior.support == "sphere":
        torch.testing.assert_close(z.norm(dim=-1), torch.ones(30, 4))
    elif name == "categorical":
        assert bool(((z == 0) | (z == 1)).all())
        assert bool((z.sum(-1) == latent_dim // 3).all())


@pytest.mark.parametrize("is_autocast", [False, True], ids=["float32", "bfloat16"])
@pytest.mark.parametrize(("name", "latent_dim"), CASES)
def test_extreme_features_stay_finite(name: str, latent_dim: int, is_autocast: bool):
    posterior = build(name, latent_dim)
    with torch.autocast("cpu", torch.bfloat16, enabled=is_autocast), seeded(0):
        features = (100 * draw_features()).to(torch.bfloat16 if is_autocast else torch.float32)
        q_z = posterior(features)
        z = q_z.rsample(torch.Size((3,)))
        assert z.dtype == torch.float32
        numbers = [z, q_z.mean]
        if posterior.has_density:
            numbers.append(q_z.stddev)
        if posterior.has_density and name != "full-normal":  # whose density has to undo L, which may be singular here
            numbers.append(q_z.log_prob(z))
    for tensor in numbers:
        assert tensor.dtype == torch.float32
        assert bool(torch.isfinite(tensor).all())
    z.abs().mean().backward()
    assert all(param.grad is None or bool(torch.isfinite(param.grad).all()) for param in posterior.parameters())


@pytest.mark.parametrize("latent_dim", DIMS)
@pytest.mark.parametrize("name", NORMALS)
def test_log_prob_is_scipys(name: str, latent_dim: int):
    posterior = build(name, latent_dim)
    features = draw_features()
    out = (features @ posterior.get_parameter("head.weight").T + posterior.get_parameter("head.bias")).detach().numpy()
    q_z = posterior(features)
    with seeded(0):
        z = q_z.sample(torch.Size((3,)))
    for i in range(len(features)):
        mu, log_scale = out[i, :latent_dim], out[i, latent_dim : 2 * latent_dim]
        if name == "diagonal-normal":  # the network gives log σ²
            lower = np.diag(np.exp(0.5 * log_scale))
        else:  # the network gives the logarithm of L's diagonal, then what lies below it row by row
            lower = np.diag(np.exp(log_scale))
            lower[np.tril_indices(latent_dim, -1)] = out[i, 2 * latent_dim :]
        # SciPy's annotations take the default of cov for its type
        expected = multivariate_normal.logpdf(z[:, i].numpy(), mu, lower @ lower.T)  # pyright: ignore[reportArgumentType]
        np.testing.assert_allclose(q_z.log_prob(z)[:, i].detach(), expected, rtol=1e-4, atol=1e-4)  # float32


@pytest.mark.parametrize("name", NORMALS)
def test_samples_have_the_moments_of_the_distribution(name: str):
    q_z = build(name, 3)(draw_features())
    with seeded(1):
        z = q_z.sample(torch.Size((40_000,))).numpy()
    if isinstance(q_z, MultivariateNormal):
        covariance = q_z.covariance_matrix.detach().numpy()
    else:
        covariance = torch.diag_embed(q_z.variance).detach().numpy()
    variances = np.diagonal(covariance, axis1=1, axis2=2)
    for i in range(4):
        # four standard errors of a mean, and five of a covariance: √((Σᵢᵢ Σⱼⱼ + Σᵢⱼ²)/N)
        mean_error = np.sqrt(variances[i] / len(z))
        assert (np.abs(z[:, i].mean(0) - q_z.mean[i].detach().numpy()) < 4 * mean_error).all()
        error = np.sqrt((np.outer(variances[i], variances[i]) + covariance[i] ** 2) / len(z))
        assert (np.abs(np.cov(z[:, i].T) - covariance[i]) < 5 * error).all()


def test_latents_of_a_full_normal_are_correlated():
    q_z = build("full-normal", 3)(draw_features())
    assert isinstance(q_z, MultivariateNormal)
    covariance = q_z.covariance_matrix.detach()
    assert bool((covariance[:, 1, 0].abs() > 1e-3).all())


def test_a_point_is_drawn_as_itself():
    q_z = build("point", 3)(draw_features())
    with seeded(0):
        before = torch.get_rng_state()
        z = q_z.rsample(torch.Size((2,)))
        assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(z, q_z.mean.expand(2, 4, 3))


def test_only_a_point_has_no_density():
    assert [name for name, kind in POSTERIORS.items() if not kind.has_density] == ["point"]
    q_z = build("point", 3)(draw_features())
    assert bool((q_z.log_prob(q_z.mean) == torch.inf).all())
    assert bool((q_z.log_prob(q_z.mean + 1) == -torch.inf).all())


@pytest.mark.parametrize(("name", "latent_dim"), CASES)
def test_state_survives_saving(name: str, latent_dim: int):
    trained, fresh = build(name, latent_dim), POSTERIORS[name](7, latent_dim, **OPTIONS.get(name, {}))
    fresh.load_state_dict(trained.state_dict())
    assert torch.equal(trained(draw_features()).mean, fresh(draw_features()).mean)
