import numpy as np
import pytest
import torch
from torch.distributions import Independent, MultivariateNormal, Normal
from torch.distributions import kl_divergence as torch_kl_divergence

from vael.distributions import Delta, kl_divergence
from vael.distributions.divergence import kl_per_dim
from vael.random import seeded

DIMS = [1, 2, 5]


def full_normal(dims: int) -> MultivariateNormal:
    rng = np.random.default_rng(dims)
    lower = np.tril(rng.standard_normal((4, dims, dims)), -1)
    lower += np.apply_along_axis(np.diag, -1, np.exp(0.5 * rng.standard_normal((4, dims))))
    return MultivariateNormal(torch.from_numpy(rng.standard_normal((4, dims))), scale_tril=torch.from_numpy(lower))


def factorised(dims: int, seed: int, *batch: int) -> Independent:
    rng = np.random.default_rng(seed)
    loc, log_scale = rng.standard_normal((2, *batch, dims))
    return Independent(Normal(torch.from_numpy(loc), torch.from_numpy(np.exp(0.5 * log_scale))), 1)


def as_full(p: Independent) -> MultivariateNormal:
    return MultivariateNormal(p.mean, scale_tril=torch.diag_embed(p.stddev))


def exact(q: Independent | MultivariateNormal, p: Independent | MultivariateNormal) -> torch.Tensor:
    kl = kl_divergence(q, p)
    assert kl is not None
    return kl


@pytest.mark.parametrize("dims", DIMS)
@pytest.mark.parametrize("batch", [(), (4,)], ids=["one-prior", "a-prior-each"])
def test_full_against_factorised_agrees_with_two_full_normals(dims: int, batch: tuple[int, ...]):
    q, p = full_normal(dims), factorised(dims, 9, *batch)
    torch.testing.assert_close(exact(q, p), torch_kl_divergence(q, as_full(p)), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dims", DIMS)
def test_two_factorised_normals_agree_with_two_full_normals(dims: int):
    q, p = factorised(dims, 3, 4), factorised(dims, 9)
    torch.testing.assert_close(exact(q, p), torch_kl_divergence(as_full(q), as_full(p)), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", ["full", "factorised"])
def test_divergence_is_the_mean_log_ratio(kind: str):
    q = full_normal(3) if kind == "full" else factorised(3, 3, 4)
    p = factorised(3, 9)
    with seeded(0):
        z = q.sample(torch.Size((20_000,)))
    ratio = q.log_prob(z) - p.log_prob(z)
    error = ratio.std(0) / len(z) ** 0.5
    assert bool(((ratio.mean(0) - exact(q, p)).abs() < 4 * error).all())
    assert bool((error < 0.1).all())  # otherwise this says nothing


@pytest.mark.parametrize("dims", DIMS)
def test_divergence_is_positive_and_zero_at_itself(dims: int):
    p = factorised(dims, 9)
    assert bool((exact(full_normal(dims), p) > 0).all())
    torch.testing.assert_close(exact(as_full(p), p), torch.zeros((), dtype=torch.float64), rtol=0, atol=1e-14)


def test_divergences_of_the_dimensions_add_up():
    q, p = factorised(5, 3, 4), factorised(5, 9)
    per_dim = kl_per_dim(q, p)
    assert per_dim is not None
    mu, sigma, m, s = q.mean.numpy(), q.stddev.numpy(), p.mean.numpy(), p.stddev.numpy()
    by_hand = np.log(s / sigma) + (sigma**2 + (mu - m) ** 2) / (2 * s**2) - 0.5
    np.testing.assert_allclose(per_dim, by_hand, rtol=1e-10)
    torch.testing.assert_close(per_dim.sum(-1), exact(q, p))


def test_a_pair_without_a_closed_form_gives_none():
    delta = Delta(torch.zeros(4, 3))
    assert kl_divergence(delta, factorised(3, 9)) is None
    assert kl_divergence(delta, delta) is None


def test_a_full_normal_has_no_divergence_a_dimension():
    assert kl_per_dim(full_normal(3), factorised(3, 9)) is None
