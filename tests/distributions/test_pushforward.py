"""Distributions pushed through maps: planar maps, and zuko's, against autograd's Jacobians and integrals."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal

from vael.distributions.planar import Planar
from vael.distributions.pushforward import Affine, Bijection, Pushforward
from vael.posteriors import POSTERIORS
from vael.random import seeded

FLOWS = ["planar-flow", "iaf", "spline-flow"]
DIMS = [1, 2, 5]


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


def planar(dim: int, *batch: int) -> Planar:
    return Planar(2 * numbers(*batch, dim), 2 * numbers(*batch, dim, seed=1), numbers(*batch, seed=2))


MAPS: dict[str, Callable[[int], Bijection]] = {
    "planar": planar,
    "affine": lambda dim: Affine(numbers(dim), numbers(dim, seed=1)),
}


def flow(name: str, dim: int, batch: int = 3, bend: float = 2.0) -> Pushforward:
    """Build the flow that a posterior returns, its weights `bend` times those at the start of a training."""
    with seeded(0):
        posterior = POSTERIORS[name](7, dim)
        for param in posterior.parameters():
            param.data *= bend
        q_z = posterior(numbers(batch, 7).float())
    assert isinstance(q_z, Pushforward)
    return q_z


@pytest.mark.parametrize("dim", DIMS)
@pytest.mark.parametrize("name", MAPS)
def test_maps_have_the_determinant_of_their_jacobian_and_an_inverse(name: str, dim: int):
    bijection = MAPS[name](dim)
    for x in 3 * numbers(20, dim, seed=5):
        y, log_det = bijection.call_and_ladj(x)
        jacobian = torch.autograd.functional.jacobian(lambda at: bijection.call_and_ladj(at)[0], x)
        torch.testing.assert_close(log_det, torch.linalg.slogdet(jacobian).logabsdet)
        torch.testing.assert_close(bijection.inv(y), x, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("inner", [-100.0, -3.0, 0.0, 50.0])
def test_a_planar_map_is_invertible_whatever_its_numbers(inner: float):
    w = torch.tensor([1.0, 0.5], dtype=torch.float64)
    bijection = Planar(inner * w / w.square().sum(), w, torch.zeros((), dtype=torch.float64))
    x = numbers(50, 2)
    y, log_det = bijection.call_and_ladj(x)
    assert bool(torch.isfinite(log_det).all())
    torch.testing.assert_close(bijection.inv(y), x, rtol=1e-5, atol=1e-5)


def test_the_inverse_of_a_planar_map_has_the_gradient_of_its_numbers():
    """By finite differences."""
    y, direction = numbers(4, 2, seed=7), numbers(2, seed=8)

    def inverse(u: torch.Tensor) -> torch.Tensor:
        return Planar(u, 2 * numbers(2, seed=1), numbers(1, seed=2)[0]).inv(y).square().sum()

    leaf = numbers(2).requires_grad_()
    (found,) = torch.autograd.grad(inverse(leaf), leaf)
    change = 1e-5 * direction
    slope = (inverse(leaf.detach() + change) - inverse(leaf.detach() - change)) / 2e-5
    torch.testing.assert_close(found @ direction, slope, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("dim", DIMS)
@pytest.mark.parametrize("name", FLOWS)
def test_the_density_of_a_draw_is_the_change_of_variables(name: str, dim: int):
    """The determinant by autograd, one draw at a time."""
    q_z = flow(name, dim, batch=1)
    with seeded(1):
        u = q_z.base.sample()
    with seeded(1):
        z = q_z.rsample()
    jacobian = torch.autograd.functional.jacobian(lambda at: q_z._push(at)[0], u).reshape(dim, dim)
    expected = q_z.base.log_prob(u) - torch.linalg.slogdet(jacobian).logabsdet
    torch.testing.assert_close(q_z.log_prob(z), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dim", DIMS)
@pytest.mark.parametrize("name", FLOWS)
def test_the_density_of_any_z_is_that_of_the_same_draw(name: str, dim: int):
    q_z = flow(name, dim)
    with seeded(1):
        z = q_z.rsample(torch.Size((50,)))
    drawn = q_z.log_prob(z)
    assert q_z.log_prob(z) is drawn  # at no cost
    torch.testing.assert_close(q_z.log_prob(z.clone()), drawn, rtol=1e-3, atol=2e-2)  # of a squeezing map
    with seeded(2):
        q_z.rsample()
    torch.testing.assert_close(q_z.log_prob(z), drawn, rtol=1e-3, atol=2e-2)  # the last draw is another one by now


@pytest.mark.parametrize("name", FLOWS)
def test_the_density_integrates_to_one(name: str):
    q_z = flow(name, 1)
    spread = torch.linspace(-7, 7, 4_001).view(-1, 1, 1) * q_z.base.stddev
    line = q_z._push(q_z.base.mean + spread)[0].detach()  # dense where z is squeezed
    mass = torch.trapezoid(q_z.log_prob(line).exp(), line.squeeze(-1), dim=0)
    torch.testing.assert_close(mass.abs(), torch.ones(3), rtol=5e-3, atol=0)
    axis = torch.linspace(-12, 12, 481)
    plane = torch.cartesian_prod(axis, axis)
    mass = flow(name, 2, batch=1, bend=1.0).log_prob(plane[:, None]).exp().sum(0) * (axis[1] - axis[0]) ** 2
    torch.testing.assert_close(mass, torch.ones(1), rtol=1e-2, atol=0)


@pytest.mark.parametrize("name", FLOWS)
def test_draws_and_density_have_the_gradient_of_their_features(name: str):
    """By finite differences on the same noise."""
    with seeded(0):
        posterior = POSTERIORS[name](7, 3)

    def value(features: torch.Tensor) -> torch.Tensor:
        q_z = posterior(features)
        with seeded(1):
            z = q_z.rsample()
        return q_z.log_prob(z).sum() + z.square().sum()

    features = numbers(2, 7).float().requires_grad_()
    (found,) = torch.autograd.grad(value(features), features)
    change = 1e-2 * numbers(2, 7, seed=3).float()
    slope = (value(features.detach() + change) - value(features.detach() - change)) / 2
    torch.testing.assert_close((found * change).sum(), slope, rtol=2e-2, atol=1e-3)


@pytest.mark.parametrize("name", FLOWS)
def test_the_standard_deviation_is_that_of_many_draws_and_draws_nothing(name: str):
    q_z = flow(name, 2)
    before = torch.get_rng_state()
    stddev = q_z.stddev
    assert torch.equal(torch.get_rng_state(), before)
    with seeded(1):
        many = q_z.sample(torch.Size((20_000,))).std(0)
    torch.testing.assert_close(stddev.detach(), many, rtol=0.35, atol=0)  # of 128 draws


def test_an_affine_push_is_a_normal():
    mu, log_sigma = numbers(4, 3), numbers(4, 3, seed=1)
    base = Independent(Normal(torch.zeros(4, 3).double(), torch.ones(4, 3).double()), 1)
    witness = Independent(Normal(mu, log_sigma.exp()), 1)
    pushed, z = Pushforward(base, [Affine(mu, log_sigma)]), numbers(6, 4, 3, seed=2)
    torch.testing.assert_close(pushed.log_prob(z.float()), witness.log_prob(z.float()), check_dtype=False)
    torch.testing.assert_close(pushed.mean, mu)
