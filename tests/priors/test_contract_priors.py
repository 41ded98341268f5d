"""What every prior promises, over a table of all of them."""

import itertools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from scipy.integrate import cumulative_trapezoid, trapezoid
from scipy.special import gammaln
from scipy.stats import kstest
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal
from torch.fx.experimental.proxy_tensor import make_fx

from vael.errors import VaelError
from vael.priors import PRIORS, Prior
from vael.random import seeded
from vael.types import Observation

BINARY = Observation((1, 2, 3), "binary", 2)


@dataclass(frozen=True)
class Case:
    name: str
    latent_dim: int = 6
    context_dim: int = 0
    options: dict[str, Any] = field(default_factory=dict)

    def build(self, latent_dim: int | None = None) -> Prior:
        with seeded(0):
            return PRIORS[self.name](latent_dim or self.latent_dim, BINARY, self.context_dim, **self.options)


CASES = {
    "standard-normal": Case("standard-normal"),
    "gaussian-mixture": Case("gaussian-mixture", options={"num_components": 5}),
    "vamp": Case("vamp", options={"num_components": 4}),
    "vamp-weighted": Case("vamp", options={"num_components": 4, "learned_weights": True}),
    "coupling": Case("flow", options={"transforms": 2, "hidden_features": (8,)}),
    "autoregressive": Case("flow", options={"kind": "autoregressive", "transforms": 2, "hidden_features": (8,)}),
    "spline": Case("flow", options={"kind": "spline", "transforms": 2, "hidden_features": (8, 8)}),
    "coupling-label": Case("flow", context_dim=3, options={"transforms": 2, "hidden_features": (8,)}),
    "second-stage": Case("second-stage", options={"hidden_features": (8,)}),
    "conditional-normal": Case("conditional-normal", context_dim=3),
    "uniform-sphere": Case("uniform-sphere"),
    "uniform-categorical": Case("uniform-categorical", options={"num_categories": 2}),
    "autoregressive-categorical": Case("autoregressive-categorical", options={"num_categories": 2}),
}
DENSITIES = [name for name, case in CASES.items() if PRIORS[case.name].support == "real" and name != "second-stage"]
LABELS = torch.tensor([0, 2, 1, 1])


class LinearEncoder:
    """q(z | x) = N(Wx, ½² I), W fixed: stands in for a model."""

    def __init__(self, latent_dim: int) -> None:
        rng = np.random.default_rng(latent_dim)
        self.weight = torch.from_numpy(rng.standard_normal((6, latent_dim))).float()

    def __call__(self, x: Tensor) -> Distribution:
        mu = x.flatten(1) @ self.weight
        return Independent(Normal(mu, torch.full_like(mu, 0.5), validate_args=False), 1, validate_args=False)


def distribution(prior: Prior) -> Distribution:
    context = torch.eye(prior.context_dim)[LABELS] if prior.context_dim else None
    return prior(LinearEncoder(prior.latent_dim), context)


def shake(prior: Prior, size: float = 0.3) -> Prior:
    """Move all parameters away from the symmetric places where they start."""
    with seeded(1), torch.no_grad():
        for param in prior.parameters():
            param.add_(size * torch.randn_like(param))
    return prior


def test_every_prior_is_in_the_table() -> None:
    assert {case.name for case in CASES.values()} == set(PRIORS)


@pytest.mark.parametrize("name", CASES)
def test_shapes_are_those_of_the_contract(name: str) -> None:
    prior = CASES[name].build()
    p_z = distribution(prior)
    batch = (4,) if prior.context_dim else ()
    assert p_z.batch_shape == batch
    assert p_z.event_shape == (6,)
    with seeded(0):
        z = p_z.sample(torch.Size((5,)))
        assert p_z.sample(torch.Size()).shape == (*batch, 6)
    assert z.shape == (5, *batch, 6)
    assert z.dtype == torch.float32
    assert not z.requires_grad
    assert p_z.log_prob(z).shape == (5, *batch)
    many = z.expand(7, 5, 4, 6) if batch else z.unsqueeze(1).expand(7, 5, 4, 6).contiguous()
    assert p_z.log_prob(many).shape == (7, 5, 4)
    assert p_z.log_prob(many).dtype == torch.float32


@pytest.mark.parametrize("name", CASES)
def test_gradient_of_the_density_reaches_every_parameter(name: str) -> None:
    prior = shake(CASES[name].build())
    p_z = distribution(prior)
    with seeded(0):
        z = p_z.sample(torch.Size((64,)))
        p_z.log_prob(z).sum().backward() if list(prior.parameters()) else None
    for key, param in prior.named_parameters():
        if param.requires_grad:
            assert param.grad is not None, key
            assert bool((param.grad != 0).any()), key


@pytest.mark.parametrize("name", CASES)
def test_state_survives_saving(name: str) -> None:
    trained, fresh = shake(CASES[name].build()), CASES[name].build()
    fresh.load_state_dict(trained.state_dict())
    with seeded(0):
        z = distribution(trained).sample(torch.Size((3,)))
    with seeded(0):
        expected = distribution(trained).log_prob(z)
    with seeded(0):
        assert torch.equal(distribution(fresh).log_prob(z), expected)


@pytest.mark.parametrize("name", CASES)
def test_the_density_can_be_traced_into_one_graph(name: str) -> None:
    """As the compiled step does: on fake tensors, the parameters as inputs."""
    prior = shake(CASES[name].build())
    with seeded(0):
        z = distribution(prior).sample(torch.Size((8,)))
    names = [key for key, _ in prior.named_parameters()] + [key for key, _ in prior.named_buffers()]
    context = torch.eye(3)[LABELS] if prior.context_dim else None

    def density(z: Tensor, *tensors: Tensor) -> Tensor:
        weights = dict(zip(names, tensors, strict=True))
        p_z = torch.func.functional_call(prior, weights, (LinearEncoder(prior.latent_dim), context))
        return p_z.log_prob(z)

    tensors = [param.detach() for param in prior.parameters()] + list(prior.buffers())
    graph = make_fx(density, tracing_mode="fake", _allow_non_fake_inputs=True)(z, *tensors)
    with seeded(0):
        expected = density(z, *tensors)
    with seeded(0):
        torch.testing.assert_close(graph(z, *tensors), expected)


@pytest.mark.parametrize("name", [*DENSITIES, "autoregressive-categorical", "uniform-categorical"])
def test_the_density_is_the_same_under_bfloat16(name: str) -> None:
    prior = shake(CASES[name].build())
    with seeded(0):
        z = distribution(prior).sample(torch.Size((8,)))
    if name.startswith("vamp"):  # the encoder's own products are not the prior's
        encode, cached = LinearEncoder(6), {}
        expected = prior(lambda x: cached.setdefault(0, encode(x)), None).log_prob(z)
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(prior(lambda x: cached[0], None).log_prob(z), expected)
        return
    expected = distribution(prior).log_prob(z)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(distribution(prior).log_prob(z), expected)


def on_a_line(prior: Prior, label: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The density of a one-dimensional prior on a fine grid."""
    grid = torch.linspace(-12, 12, 24_001).unsqueeze(-1)
    context = torch.eye(prior.context_dim)[[label]] if prior.context_dim else None
    p_z = prior(LinearEncoder(1), context)
    with torch.no_grad():
        log_prob = p_z.log_prob(grid.unsqueeze(1) if prior.context_dim else grid)
    return grid[:, 0].double().numpy(), log_prob.flatten().double().exp().numpy()


@pytest.mark.parametrize("name", DENSITIES)
def test_the_density_on_a_line_integrates_to_one_and_is_that_of_the_draws(name: str) -> None:
    prior = shake(CASES[name].build(1))
    grid, density = on_a_line(prior)
    assert trapezoid(density, grid) == pytest.approx(1, abs=2e-4)
    with seeded(2):
        p_z = prior(LinearEncoder(1), torch.eye(3)[[0]] if prior.context_dim else None)
        z = p_z.sample(torch.Size((4000,))).flatten().numpy()
    cdf = cumulative_trapezoid(density, grid, initial=0)
    assert kstest(z, lambda at: np.interp(at, grid, cdf)).pvalue > 1e-3


@pytest.mark.parametrize("name", DENSITIES)
def test_the_density_on_a_plane_integrates_to_one_and_has_the_moments_of_the_draws(name: str) -> None:
    prior = shake(CASES[name].build(2), 0.15)  # more would carry mass out of the grid
    axis = torch.linspace(-10, 10, 401)
    points = torch.cartesian_prod(axis, axis)
    context = torch.eye(3)[[1]] if prior.context_dim else None
    p_z = prior(LinearEncoder(2), context)
    with torch.no_grad():
        density = p_z.log_prob(points.unsqueeze(1) if prior.context_dim else points).flatten().double().exp()
    cell = float(axis[1] - axis[0]) ** 2
    assert float(density.sum()) * cell == pytest.approx(1, abs=2e-3)
    with seeded(3):
        z = p_z.sample(torch.Size((20_000,))).reshape(-1, 2).double()
    for power in ([1, 0], [0, 1], [2, 0], [1, 1], [0, 2]):
        exact = float((density * points.double().pow(torch.tensor(power)).prod(-1)).sum()) * cell
        drawn = z.pow(torch.tensor(power)).prod(-1)
        assert abs(float(drawn.mean()) - exact) < 5 * float(drawn.std()) / len(z) ** 0.5 + 2e-3


@pytest.mark.parametrize("num_categories", [2, 3])
@pytest.mark.parametrize("name", ["uniform-categorical", "autoregressive-categorical"])
def test_the_probabilities_of_all_one_hot_rows_sum_to_one_and_are_those_of_the_draws(
    name: str, num_categories: int
) -> None:
    case = Case(name, 3 * num_categories, options={"num_categories": num_categories})
    prior = shake(case.build(), 0.7)
    p_z = distribution(prior)
    numbers = torch.tensor(list(itertools.product(range(num_categories), repeat=3)))
    rows = torch.nn.functional.one_hot(numbers, num_categories).flatten(1).float()
    probs = p_z.log_prob(rows).detach().double().exp().numpy()
    assert probs.sum() == pytest.approx(1, abs=1e-5)
    with seeded(4):
        drawn = p_z.sample(torch.Size((20_000,))).reshape(-1, 3, num_categories)
    assert bool((drawn.sum(-1) == 1).all())
    index = drawn.argmax(-1) @ torch.tensor([num_categories**2, num_categories, 1])
    counts = np.bincount(index.numpy(), minlength=len(rows))
    error = np.sqrt(probs * (1 - probs) * 20_000)
    assert (np.abs(counts - 20_000 * probs) < 5 * error + 1).all()


def test_a_single_categorical_variable_needs_no_network() -> None:
    prior = shake(Case("autoregressive-categorical", 4, options={"num_categories": 4}).build())
    p_z = distribution(prior)
    assert float(p_z.log_prob(torch.eye(4)).detach().exp().sum()) == pytest.approx(1, abs=1e-5)
    with seeded(0):
        assert p_z.sample(torch.Size((2, 3))).shape == (2, 3, 4)


@pytest.mark.parametrize("latent_dim", [2, 3, 10])
def test_the_uniform_density_on_the_sphere_is_one_over_its_area(latent_dim: int) -> None:
    p_z = distribution(PRIORS["uniform-sphere"](latent_dim, BINARY))
    with seeded(0):
        z = p_z.sample(torch.Size((4,)))
    log_area = np.log(2) + latent_dim / 2 * np.log(np.pi) - gammaln(latent_dim / 2)
    np.testing.assert_allclose(p_z.log_prob(z), -log_area, rtol=1e-6)
    np.testing.assert_allclose(z.norm(dim=-1), 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "latent_dim", "context_dim", "options", "words"),
    [
        ("gaussian-mixture", 2, 0, {"num_components": 0}, "num_components expects an integer ≥ 1"),
        ("vamp", 2, 0, {"num_components": 0}, "num_components expects an integer ≥ 1"),
        ("vamp", 2, 3, {}, "use model.prior=conditional-normal|flow"),
        ("flow", 2, 0, {"transforms": 0}, "transforms ≥ 1"),
        ("flow", 2, 0, {"hidden_features": ()}, "hidden_features of widths ≥ 1"),
        ("second-stage", 2, 0, {"num_samples": 0}, "num_samples expects"),
        ("second-stage", 2, 0, {"hidden_features": (0,)}, "hidden_features expects widths ≥ 1"),
        ("conditional-normal", 2, 0, {}, "use model.condition=label"),
        ("uniform-sphere", 1, 0, {}, "latent_dim ≥ 2"),
        ("uniform-categorical", 7, 0, {"num_categories": 2}, "that divides model.latent_dim = 7, got 2"),
        ("uniform-categorical", 6, 0, {"num_categories": 1}, "integer ≥ 2"),
        ("autoregressive-categorical", 6, 0, {"num_categories": 4}, "that divides model.latent_dim = 6"),
        ("autoregressive-categorical", 20, 0, {"hidden_features": 0}, "hidden_features expects an integer ≥ 1"),
    ],
)
def test_what_makes_no_sense_is_refused(
    name: str, latent_dim: int, context_dim: int, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(VaelError) as error:
        PRIORS[name](latent_dim, BINARY, context_dim, **options)
    assert words in str(error.value)
