from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from vael.likelihoods import LIKELIHOODS, Likelihood
from vael.random import seeded
from vael.types import DOMAINS, Domain, Observation

LEVELS: dict[Domain, int] = {"binary": 2, "levels": 17}
SHAPES = [(4,), (1, 3, 2), (3, 2, 5)]


@dataclass(frozen=True)
class Case:
    name: str
    options: dict[str, Any] = field(default_factory=dict)

    def build(self, shape: tuple[int, ...], domain: Domain) -> Likelihood:
        return LIKELIHOODS[self.name](Observation(shape, domain, LEVELS.get(domain, 0)), **self.options)


CASES = [
    *(Case(name) for name, kind in LIKELIHOODS.items() if not kind.is_of_images),
    Case("gaussian", {"variance": "fixed", "sigma": 0.3}),
    Case("gaussian", {"variance": "per-dimension", "sigma": 2.0}),
    Case("gaussian", {"link": "identity"}),
    Case("gaussian", {"link": "logistic"}),
    Case("laplace", {"scale": 0.2, "link": "logistic"}),
    Case("optimal-gaussian", {"link": "identity"}),
    Case("discretized-logistic", {"sigma": 0.02}),
    Case("logistic-mixture", {"num_components": 2, "sigma": 0.02}),
    Case("beta-binomial", {"concentration": 0.5}),
    Case("log-normal", {"variance": "per-dimension", "sigma": 0.3}),
    Case("student-t", {"variance": "per-dimension", "df": 2.5, "link": "logistic"}),
    Case("hyperbolic-secant", {"variance": "fixed", "sigma": 0.5}),
]


def pairs(table: str) -> list:
    """Return each case with each of the domains in a table of its class (`domains` or `densities`)."""
    return [
        pytest.param(case, domain, id="-".join([case.name, *map(str, case.options.values()), domain]))
        for case in CASES
        for domain in getattr(LIKELIHOODS[case.name], table)
    ]


def draw_features(likelihood: Likelihood, *lead: int, scale: float = 2.0) -> torch.Tensor:
    shape = (*lead, likelihood.parameters_per_dim, *likelihood.observation.shape)
    return torch.from_numpy(scale * np.random.default_rng(0).standard_normal(shape)).float()


def draw_x(observation: Observation, *lead: int) -> torch.Tensor:
    rng = np.random.default_rng(1)
    draws: dict[str, Callable[[tuple[int, ...]], Any]] = {
        "unit": rng.random,
        "real": rng.standard_normal,
        "counts": lambda size: rng.poisson(3.0, size),
        "positive": lambda size: rng.lognormal(size=size),
    }
    draw = draws.get(observation.domain, lambda size: rng.integers(0, observation.num_levels, size))
    return torch.from_numpy(np.asarray(draw((*lead, *observation.shape)))).float()


def features_of_one_dim(likelihood: Likelihood, location: float) -> torch.Tensor:
    rest = [0.3] * (likelihood.parameters_per_dim - 1)
    return torch.tensor([location, *rest], dtype=torch.float64).reshape(-1, 1)


def sum_of_counts(likelihood: Likelihood, location: float) -> float:
    """Add the probabilities of counts to where the tail is nothing; larger rates would know no end."""
    x = torch.arange(40_000, dtype=torch.float64).unsqueeze(-1)
    log_p = likelihood(features_of_one_dim(likelihood, min(location, 6.0))).log_prob(x)
    return float(log_p.exp().sum())


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_densities_are_among_the_domains(name: str):
    kind = LIKELIHOODS[name]
    assert kind.densities
    assert set(kind.densities) <= set(kind.domains) <= set(DOMAINS)


def test_every_domain_has_a_likelihood_with_a_density():
    assert {domain for kind in LIKELIHOODS.values() for domain in kind.densities} == set(DOMAINS)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("case", "domain"), pairs("domains"))
def test_features_become_a_distribution_over_observations(case: Case, domain: Domain, shape: tuple[int, ...]):
    likelihood = case.build(shape, domain)
    p_x = likelihood(draw_features(likelihood, 3, 5))
    assert p_x.batch_shape == (3, 5)
    assert p_x.event_shape == shape
    assert p_x.mean.shape == (3, 5, *shape)
    with seeded(0):
        assert p_x.sample().shape == (3, 5, *shape)
    log_prob = p_x.log_prob(draw_x(likelihood.observation, 5))
    assert log_prob.shape == (3, 5)
    assert bool(torch.isfinite(log_prob).all())


@pytest.mark.parametrize(("case", "domain"), pairs("domains"))
def test_an_event_adds_its_dimensions_up(case: Case, domain: Domain):
    likelihood, one = case.build((4,), domain).eval(), case.build((1,), domain).eval()
    features, x = draw_features(likelihood, 5), draw_x(likelihood.observation, 5)
    single = [one(features[..., i : i + 1]).log_prob(x[..., i : i + 1]) for i in range(4)]
    torch.testing.assert_close(likelihood(features).log_prob(x), torch.stack(single).sum(0), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("location", [-40.0, -6.0, -0.7, 0.0, 0.0003, 2.0, 12.0, 40.0])
@pytest.mark.parametrize(("case", "domain"), pairs("densities"))
def test_log_prob_normalises(case: Case, domain: Domain, location: float):
    likelihood = case.build((1,), domain).double().eval()
    features = features_of_one_dim(likelihood, location)
    p_x = likelihood(features)

    def prob(x: float) -> float:
        return float(p_x.log_prob(torch.tensor([x], dtype=torch.float64)).detach().exp())

    if num_levels := likelihood.observation.num_levels:
        total = sum(prob(level) for level in range(num_levels))
    elif domain == "counts":
        total = sum_of_counts(likelihood, location)
    elif domain == "positive":  # in y = log x, where it is a normal of scale 1 at most
        middle = 80 * np.tanh(location / 80)
        total = quad(lambda y: prob(np.exp(y)) * np.exp(y), middle - 12, middle + 12, epsabs=1e-9)[0]
    elif case.name == "student-t":  # a power law: x = μ + σ tan θ takes all of the line
        mu = float(p_x.mean.detach())
        total = quad(lambda turn: prob(mu + np.tan(turn)) / np.cos(turn) ** 2, -np.pi / 2, np.pi / 2, epsabs=1e-9)[0]
    elif case.name == "continuous-bernoulli":
        total = quad(prob, 0, 1, points=[0.02, 0.98], epsabs=1e-9)[0]
    else:  # every scale in the table is at most 2: 60 is thirty of them, and e⁻³⁰ is nothing
        middle = float(p_x.mean.detach())
        total = quad(prob, middle - 60, middle + 60, points=[middle - 1, middle, middle + 1], epsabs=1e-9)[0]
    assert total == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("logit", [-60.0, -17.0, -5.0, -0.01, 0.0, 0.004, 1.0, 9.0, 30.0])
def test_continuous_bernoulli_is_its_closed_form_in_float32(logit: float):
    # p(x) = ℓ e^(ℓx) / (e^ℓ − 1), and its mean is 1/(1 − e^(−ℓ)) − 1/ℓ
    likelihood = Case("continuous-bernoulli").build((3,), "unit")
    x = np.array([0.0, 0.3, 1.0])
    size = abs(logit)
    towards = x if logit > 0 else 1 - x
    constant = np.log(size / -np.expm1(-size)) if size else 0.0
    p_x = likelihood(torch.full((1, 3), logit))
    expected = size * (towards - 1) + constant
    assert float(p_x.log_prob(torch.tensor(x).float())) == pytest.approx(expected.sum(), rel=1e-4, abs=1e-4)
    mean = 1 / -np.expm1(-size) - 1 / size if size else 0.5
    np.testing.assert_allclose(p_x.mean, [mean if logit > 0 else 1 - mean] * 3, atol=1e-3)


@pytest.mark.parametrize(("case", "domain"), pairs("domains"))
def test_gradient_reaches_every_parameter_and_the_features(case: Case, domain: Domain):
    likelihood = case.build((4,), domain)
    features = draw_features(likelihood, 2, 5).requires_grad_()
    likelihood(features).log_prob(draw_x(likelihood.observation, 5)).sum().backward()
    assert features.grad is not None
    assert bool((features.grad != 0).any(0).any(0).all())
    for name, param in likelihood.named_parameters():
        if param.requires_grad:
            assert param.grad is not None, name
            assert bool((param.grad != 0).all()), name


@pytest.mark.parametrize("size", [-100.0, 100.0])
@pytest.mark.parametrize(("case", "domain"), pairs("domains"))
def test_extreme_features_give_finite_values_and_gradients(case: Case, domain: Domain, size: float):
    likelihood = case.build((3, 2, 2), domain)
    features = torch.full((2, likelihood.parameters_per_dim, 3, 2, 2), size)
    features[1, ::2] *= -1  # every other parameter at the other end
    features.requires_grad_()
    log_prob = likelihood(features).log_prob(draw_x(likelihood.observation, 2))
    log_prob.sum().backward()
    assert features.grad is not None
    for values in [log_prob, features.grad, *(param.grad for param in likelihood.parameters())]:
        assert values is None or bool(torch.isfinite(values).all())
    with seeded(0):
        drawn = likelihood(features).sample()
    assert bool(torch.isfinite(drawn).all())


@pytest.mark.parametrize("scale", [2.0, 100.0])
@pytest.mark.parametrize(("case", "domain"), pairs("domains"))
def test_mean_lies_where_x_lives(case: Case, domain: Domain, scale: float):
    likelihood = case.build((4,), domain)
    mean = likelihood(draw_features(likelihood, 50, scale=scale)).mean.detach()
    assert bool(torch.isfinite(mean).all())
    if domain in ("binary", "unit") and case.options.get("link") != "identity":
        assert float(mean.min()) >= 0
        assert float(mean.max()) <= 1
    if domain in ("counts", "positive"):
        assert float(mean.min()) >= 0
    if domain == "levels":
        assert set(mean.unique().tolist()) <= set(range(17))


@pytest.mark.parametrize(
    ("case", "domain"),  # levels are shown as levels
    [pair for pair in pairs("densities") if pair.values[1] != "levels"],
)
def test_mean_is_the_mean_of_samples(case: Case, domain: Domain):
    likelihood = case.build((3,), domain).eval()
    p_x = likelihood(draw_features(likelihood))
    with seeded(0):
        drawn = p_x.sample(torch.Size((20_000,)))
    error = drawn.std(0) / len(drawn) ** 0.5
    assert bool(((drawn.mean(0) - p_x.mean).abs() < 4 * error).all())


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    ("case", "domain"),  # noise around a mean goes everywhere
    [pair for pair in pairs("densities") if pair.values[1] not in ("unit", "real")],
)
def test_draws_lie_where_x_lives(case: Case, domain: Domain, shape: tuple[int, ...]):
    likelihood = case.build(shape, domain)
    with seeded(0):
        drawn = likelihood(draw_features(likelihood, 5)).sample(torch.Size((40,)))
    assert drawn.shape == (40, 5, *shape)
    assert drawn.dtype == torch.float32
    assert float(drawn.min()) >= 0
    if domain != "positive":
        assert torch.equal(drawn, drawn.round())
        assert float(drawn.max()) <= LEVELS.get(domain, np.inf) - 1


@pytest.mark.parametrize(("case", "domain"), pairs("domains"))
def test_state_survives_saving(case: Case, domain: Domain):
    trained, fresh = case.build((4,), domain), case.build((4,), domain)
    with torch.no_grad():
        for tensor in [*trained.parameters(), *trained.buffers()]:
            tensor.add_(0.7)
    fresh.load_state_dict(trained.state_dict())
    features, x = draw_features(trained, 5), draw_x(trained.observation, 5)
    assert torch.equal(trained.eval()(features).log_prob(x), fresh.eval()(features).log_prob(x))


def test_optimal_gaussian_follows_the_batch_only_while_training():
    likelihood = Case("optimal-gaussian").build((4,), "real")
    features, x = draw_features(likelihood, 5), draw_x(likelihood.observation, 5)
    before = likelihood.state_dict()["running_variance"].clone()
    likelihood.eval()(features).log_prob(x)
    assert torch.equal(likelihood.state_dict()["running_variance"], before)
    likelihood.train()(features).log_prob(x)
    assert not torch.equal(likelihood.state_dict()["running_variance"], before)
