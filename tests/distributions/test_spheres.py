"""The uniform and the von Mises–Fisher distribution, against SciPy, and integrals over circle and sphere."""

import math

import mpmath
import numpy as np
import pytest
import torch
from scipy import integrate, special
from scipy.stats import vonmises_fisher
from torch.distributions import kl_divergence

from vael.distributions.bessel import log_bessel
from vael.distributions.uniform_sphere import UniformSphere, log_sphere_area
from vael.distributions.von_mises_fisher import VonMisesFisher
from vael.random import seeded

DIMS = [2, 3, 5, 20]
KAPPAS = [1e-3, 0.5, 10.0, 300.0]
RULE = np.polynomial.legendre.leggauss(400)


def direction(num_dims: int) -> torch.Tensor:
    mu = np.random.default_rng(num_dims).standard_normal(num_dims)
    return torch.from_numpy(mu / np.linalg.norm(mu))


def build(num_dims: int, kappa: float) -> VonMisesFisher:
    return VonMisesFisher(direction(num_dims), torch.tensor(kappa, dtype=torch.float64))


@pytest.mark.parametrize("order", [0, 0.5, 1, 9, 23.5, 60])
def test_bessel_functions_are_mpmaths(order: float):
    x = torch.tensor([1e-3, 0.3, 1, 10, 30, 100, 1e4], dtype=torch.float64)
    log_i, ratio = log_bessel(order, x)
    values = [[mpmath.besseli(order + shift, at) for at in x.tolist()] for shift in (0, 1)]
    expected = [float(mpmath.log(value)) for value in values[0]]
    np.testing.assert_allclose(log_i, expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(ratio, [float(up / low) for low, up in zip(*values, strict=True)], rtol=1e-9)


@pytest.mark.parametrize("num_dims", DIMS)
def test_the_area_is_that_of_scipys_ball(num_dims: int):
    radius = 1 + 1e-6
    volumes = [math.pi ** (num_dims / 2) / special.gamma(num_dims / 2 + 1) * r**num_dims for r in (2 - radius, radius)]
    assert math.isclose(math.exp(log_sphere_area(num_dims)), (volumes[1] - volumes[0]) / 2e-6, rel_tol=1e-6)
    assert math.isclose(float(UniformSphere(num_dims).entropy()), log_sphere_area(num_dims), rel_tol=1e-6)


@pytest.mark.parametrize("num_dims", DIMS)
def test_uniform_draws_lie_on_the_sphere_and_have_its_moments(num_dims: int):
    law = UniformSphere(num_dims)
    with seeded(0):
        z = law.sample(torch.Size((20_000,)))
    torch.testing.assert_close(z.norm(dim=-1), torch.ones(20_000))
    assert bool((z.mean(0).abs() < 4.5 * (law.variance / len(z)).sqrt()).all())
    error = z.square().std(0) / len(z) ** 0.5
    assert bool(((z.square().mean(0) - law.variance).abs() < 4.5 * error).all())
    assert law.log_prob(z).shape == (20_000,)


@pytest.mark.parametrize("kappa", KAPPAS)
def test_the_density_integrates_to_one_on_circle_and_sphere(kappa: float):
    angles = np.linspace(-math.pi, math.pi, 20_001)[:-1]
    circle = torch.from_numpy(np.stack([np.cos(angles), np.sin(angles)], -1))
    assert math.isclose(build(2, kappa).log_prob(circle).exp().mean() * 2 * math.pi, 1, rel_tol=1e-8)
    heights, turns = RULE[0], np.linspace(0, 2 * math.pi, 401)[:-1]
    radii = np.sqrt(1 - heights**2)[:, None]
    parts = [radii * np.cos(turns), radii * np.sin(turns), heights[:, None] + 0 * turns]
    density = build(3, kappa).log_prob(torch.from_numpy(np.stack(parts, -1))).exp().numpy()
    assert math.isclose((density.mean(1) * RULE[1]).sum() * 2 * math.pi, 1, rel_tol=1e-6)


@pytest.mark.parametrize("kappa", KAPPAS)
@pytest.mark.parametrize("num_dims", DIMS)
def test_density_and_entropy_are_scipys(num_dims: int, kappa: float):
    q = build(num_dims, kappa)
    witness = vonmises_fisher(direction(num_dims).numpy(), kappa)  # pyright: ignore[reportArgumentType]
    z = witness.rvs(50, random_state=0)
    np.testing.assert_allclose(q.log_prob(torch.from_numpy(z)), witness.logpdf(z), rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(q.entropy(), witness.entropy(), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("kappa", KAPPAS)
@pytest.mark.parametrize("num_dims", DIMS)
def test_draws_have_the_moments_and_the_divergence(num_dims: int, kappa: float):
    q = build(num_dims, kappa)
    with seeded(0):
        z = q.sample(torch.Size((20_000,)))
    torch.testing.assert_close(z.norm(dim=-1), torch.ones(20_000, dtype=torch.float64))
    ratio = special.ive(num_dims / 2, kappa) / special.ive(num_dims / 2 - 1, kappa)  # A(κ)
    error = (q.variance / len(z)).sqrt()
    assert bool(((z.mean(0) - ratio * q.loc).abs() < 4.5 * error).all())
    squares = (z - ratio * q.loc).square()
    assert bool(((squares.mean(0) - q.variance).abs() < 4.5 * squares.std(0) / len(z) ** 0.5).all())
    uniform = UniformSphere(num_dims)
    ratios = q.log_prob(z) - uniform.log_prob(z)
    assert abs(ratios.mean() - kl_divergence(q, uniform)) < 4.5 * ratios.std() / len(z) ** 0.5 + 1e-9


@pytest.mark.parametrize("kappa", KAPPAS)
def test_angles_follow_the_cumulative_distribution(kappa: float):
    """Where SciPy's own draws would say little: in three dimensions the cumulative is known."""
    q = build(3, kappa)
    with seeded(0):
        cosine = (q.sample(torch.Size((20_000,))) @ q.loc).sort().values
    cumulative = (
        torch.expm1(kappa * (cosine + 1)) / math.expm1(2 * kappa) if kappa < 100 else (kappa * (cosine - 1)).exp()
    )
    steps = torch.linspace(0, 1, 20_000, dtype=torch.float64)
    assert (cumulative - steps).abs().max() < 1.95 / 20_000**0.5  # Kolmogorov's bound at 0.1 %


@pytest.mark.parametrize("kappa", [0.5, 10.0, 300.0])
@pytest.mark.parametrize("num_dims", DIMS)
def test_draws_move_with_their_concentration_at_a_fixed_cumulative(num_dims: int, kappa: float):
    """∂z/∂κ of single draws, against finite differences of the cumulative by quadrature."""
    q = build(num_dims, kappa)
    leaf = torch.full((6,), kappa, dtype=torch.float64, requires_grad=True)
    with seeded(0):
        z = VonMisesFisher(direction(num_dims).expand(6, -1), leaf).rsample()
    (slope,) = torch.autograd.grad((z @ q.loc).sum(), leaf)
    for height, found in zip((z @ q.loc).tolist(), slope.tolist(), strict=True):
        theta, change = math.acos(height), kappa * 1e-4
        moved = _cumulative(theta, kappa + change, num_dims) - _cumulative(theta, kappa - change, num_dims)
        density = _cumulative(theta + 1e-5, kappa, num_dims) - _cumulative(theta - 1e-5, kappa, num_dims)
        expected = math.sin(theta) * (moved / (2 * change)) / (density / 2e-5)
        assert math.isclose(found, expected, rel_tol=1e-3)


def _cumulative(theta: float, kappa: float, num_dims: int) -> float:
    """Return P(angle ≤ θ)."""

    def mass(end: float) -> float:
        s = end / 2 * (RULE[0] + 1)
        return end / 2 * float((RULE[1] * np.sin(s) ** (num_dims - 2) * np.exp(kappa * (np.cos(s) - 1))).sum())

    return mass(theta) / mass(min(math.pi, 40 * math.sqrt(num_dims / kappa)))


@pytest.mark.parametrize("num_dims", [2, 3, 6])
def test_gradients_of_an_expectation_are_those_of_the_integral(num_dims: int):
    """E z = A(κ) μ: its derivatives by both parameters, against the mean over draws."""
    kappa, weight = 4.0, torch.from_numpy(np.random.default_rng(1).standard_normal(num_dims))
    free = torch.from_numpy(np.random.default_rng(num_dims).standard_normal(num_dims))
    size = 40_000
    frees = free.expand(size, -1).clone().requires_grad_()
    kappas = torch.full((size,), kappa, dtype=torch.float64, requires_grad=True)
    with seeded(0):
        z = VonMisesFisher(frees / frees.norm(dim=-1, keepdim=True), kappas).rsample()
    by_free, by_kappa = torch.autograd.grad((z @ weight).sum(), [frees, kappas])
    leaf = free.clone().requires_grad_()
    ratio = special.ive(num_dims / 2, kappa) / special.ive(num_dims / 2 - 1, kappa)
    (expected,) = torch.autograd.grad(ratio * (leaf / leaf.norm()) @ weight, leaf)
    assert bool(((by_free.mean(0) - expected).abs() < 4.5 * by_free.std(0) / size**0.5).all())
    slope = (1 - ratio**2 - (num_dims - 1) * ratio / kappa) * float(free / free.norm() @ weight)
    assert abs(by_kappa.mean() - slope) < 4.5 * by_kappa.std() / size**0.5
    assert by_kappa.std() / size**0.5 < 0.05 * abs(slope)  # otherwise this says nothing


@pytest.mark.parametrize("num_dims", DIMS)
def test_derivatives_of_density_and_divergence_are_finite_differences(num_dims: int):
    uniform, z = UniformSphere(num_dims), direction(num_dims + 1)[:num_dims]
    z = z / z.norm()

    def both(kappa: torch.Tensor) -> torch.Tensor:
        q = VonMisesFisher(direction(num_dims), kappa)
        return torch.stack([q.log_prob(z), kl_divergence(q, uniform)])

    kappa = torch.tensor(7.0, dtype=torch.float64, requires_grad=True)
    found = [torch.autograd.grad(both(kappa)[i], kappa)[0] for i in range(2)]
    expected = (both(kappa.detach() + 1e-3) - both(kappa.detach() - 1e-3)) / 2e-3
    torch.testing.assert_close(torch.stack(found), expected, rtol=1e-5, atol=1e-6)


def test_a_divergence_of_nearly_uniform_directions_is_nearly_nothing():
    for num_dims in DIMS:
        q = VonMisesFisher(direction(num_dims), torch.tensor(1e-3, dtype=torch.float64))
        assert math.isclose(kl_divergence(q, UniformSphere(num_dims)), 1e-6 / (2 * num_dims), abs_tol=1e-9)


def test_a_large_concentration_is_nearly_a_normal_around_the_direction():
    q = build(4, 1e6)
    normal = integrate.quad(lambda x: math.exp(-x * x / 2), -10, 10)[0]  # √(2π)
    assert math.isclose(float(q.log_prob(q.loc)), 3 * math.log(1e3 / normal), rel_tol=1e-5)
