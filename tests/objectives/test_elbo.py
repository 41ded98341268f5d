from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import bernoulli, norm
from torch.distributions import Independent, Normal

from vael.build import build_model
from vael.errors import VaelError
from vael.models import VAE, Inference, Latent, OneLayerVAE
from vael.objectives.elbo import ELBO
from vael.random import seeded
from vael.recipe import ModelRecipe, Part
from vael.schedules import Cyclical, Linear
from vael.types import Batch, Observation

STEP = torch.tensor(0.0)
SMALL = Part("mlp", {"hidden_features": [8]})


def build() -> VAE:
    with seeded(0):
        model = build_model(ModelRecipe(3, SMALL, SMALL, Part("bernoulli")), Observation((6,), "binary", 2))
    assert isinstance(model, OneLayerVAE)
    with torch.no_grad():  # the dimensions' rates shall differ
        model.posterior.get_parameter("head.weight").mul_(torch.tensor([0.2, 1.0, 5.0] * 2).unsqueeze(-1))
    return model


def batch() -> Batch:
    return Batch(torch.from_numpy(np.random.default_rng(0).integers(0, 2, (5, 6))).float())


def infer(model: VAE, num_samples: int = 1) -> Inference:
    with seeded(7):
        return model.infer(batch(), num_samples=num_samples)


def loss(objective: ELBO, model: VAE, step: torch.Tensor = STEP):
    with seeded(7):
        return objective(model, batch(), step)


def rates_by_hand(inference: Inference) -> np.ndarray:
    """Return KL(N(μ, σ²) ‖ N(0, 1)) of each example and dimension, by the textbook."""
    q_z = inference.latents[0].q_z
    mu, var = q_z.mean.detach().double().numpy(), q_z.variance.detach().double().numpy()
    return 0.5 * (mu**2 + var - 1 - np.log(var))


def distortion_by_hand(inference: Inference) -> float:
    probs = inference.p_x.mean.detach().double().numpy()
    log_px = bernoulli.logpmf(inference.x.numpy().astype(int), probs).sum(-1)
    return float(-log_px.mean())


@pytest.mark.parametrize("num_samples", [1, 4])
@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0, 4.0])
def test_value_is_distortion_plus_beta_times_rate(beta: float, num_samples: int):
    model = build()
    inference, got = infer(model, num_samples), loss(ELBO(beta=beta, num_samples=num_samples), model)
    rate, distortion = rates_by_hand(inference).sum(-1).mean(), distortion_by_hand(inference)
    assert float(got.value.detach()) == pytest.approx(distortion + beta * rate, rel=1e-5)
    assert float(got.rate) == pytest.approx(rate, rel=1e-5)  # without its weight
    assert float(got.distortion) == pytest.approx(distortion, rel=1e-5)
    assert float(got.beta) == beta


def test_with_a_weight_of_one_the_value_is_the_mean_negative_bound():
    model = build()
    inference = infer(model)
    q_z, z = inference.latents[0].q_z, inference.latents[0].z
    assert float(loss(ELBO(), model).value.detach()) == pytest.approx(-float(inference.elbo.mean().detach()), rel=1e-6)
    mu, sigma, drawn = q_z.mean.detach().numpy(), q_z.stddev.detach().numpy(), z.detach().numpy()
    expected = norm.logpdf(drawn, mu, sigma).sum(-1) - norm.logpdf(drawn).sum(-1)
    np.testing.assert_allclose(inference.latents[0].log_ratio.detach(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("trim", "num_kept"), [(0.01, 5), (0.2, 4), (0.5, 3), (0.79, 2), (0.99, 1)])
def test_the_worst_explained_are_left_out(trim: float, num_kept: int):
    model = build()
    inference, got = infer(model, 2), loss(ELBO(beta=0.5, trim=trim, num_samples=2), model)
    probs = inference.p_x.mean.detach().double().numpy()
    distortion = -bernoulli.logpmf(inference.x.numpy().astype(int), probs).sum(-1).mean(0)
    each = np.sort(distortion + 0.5 * rates_by_hand(inference).sum(-1))
    assert float(got.value.detach()) == pytest.approx(each[:num_kept].mean(), rel=1e-5)
    assert float(got.distortion) == pytest.approx(distortion.mean(), rel=1e-5)  # told of the whole batch


def test_what_is_left_out_pulls_at_nothing():
    model, x = build(), batch().x.requires_grad_()
    with seeded(7):
        value = ELBO(trim=0.4)(model, Batch(x), STEP).value
    (gradient,) = torch.autograd.grad(value, x)
    worst = infer(model).elbo.detach().squeeze(0).argsort()[:2]
    assert sorted((gradient.abs().sum(-1) == 0).nonzero().flatten().tolist()) == sorted(worst.tolist())


@pytest.mark.parametrize(("step", "beta"), [(0, 0.0), (5, 0.5), (10, 1.0), (1000, 1.0)])
def test_weight_warms_up_over_the_steps(step: int, beta: float):
    model = build()
    inference, got = infer(model), loss(ELBO(beta=Linear(steps=10)), model, torch.tensor(float(step)))
    assert float(got.beta) == pytest.approx(beta)
    expected = distortion_by_hand(inference) + beta * rates_by_hand(inference).sum(-1).mean()
    assert float(got.value.detach()) == pytest.approx(expected, rel=1e-5)


def test_weight_follows_any_schedule():
    objective, model = ELBO(beta=Cyclical(cycles=2, steps=40)), build()
    assert [float(loss(objective, model, torch.tensor(float(s))).beta) for s in (5, 25)] == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("beta", [1.0, 0.5])
def test_free_bits_are_given_to_the_batch_mean_of_each_dimension(beta: float):
    model = build()
    inference = infer(model)
    per_dim = rates_by_hand(inference).mean(0)
    free = float(np.sort(per_dim)[:2].mean())  # one dimension below it, two above
    got = loss(ELBO(beta=beta, free_bits=free), model)
    expected = distortion_by_hand(inference) + beta * np.maximum(free, per_dim).sum()
    assert float(got.value.detach()) == pytest.approx(expected, rel=1e-5)
    assert float(got.rate) == pytest.approx(per_dim.sum(), rel=1e-5)  # the rate stays the true one
    assert expected > distortion_by_hand(inference) + beta * per_dim.sum()


def test_a_rate_below_its_free_bits_pulls_at_nothing():
    free, alone = build(), build()
    loss(ELBO(free_bits=100.0), free).value.backward()
    loss(ELBO(beta=0.0), alone).value.backward()
    for got, expected in zip(free.parameters(), alone.parameters(), strict=True):
        torch.testing.assert_close(got.grad, expected.grad)


@pytest.mark.parametrize(("capacity", "step", "wanted"), [(0.5, 0, 0.5), (50.0, 0, 50.0), (Linear(0, 2, 10), 5, 1.0)])
def test_the_rate_is_led_to_its_capacity(capacity: float | Linear, step: int, wanted: float):
    model = build()
    inference = infer(model)
    got = loss(ELBO(capacity=capacity, gamma=30.0), model, torch.tensor(float(step)))
    rate, distortion = rates_by_hand(inference).sum(-1).mean(), distortion_by_hand(inference)
    assert float(got.value.detach()) == pytest.approx(distortion + 30 * abs(rate - wanted), rel=1e-5)
    assert float(got.rate) == pytest.approx(rate, rel=1e-5)
    assert float(got.beta) == 30


def test_free_bits_are_given_to_each_layer():
    """Two layers of one dimension each: per layer and per dimension are the same, and differ from one sum of both."""
    inference = infer(build())
    latent = inference.latents[0]
    q_z = latent.q_z
    assert isinstance(q_z, Independent)
    halves = [Normal(q_z.base_dist.loc[:, [i]], q_z.base_dist.scale[:, [i]]) for i in (0, 2)]
    layers = tuple(Latent(latent.z[..., [0]], Independent(q, 1), Independent(Normal(0 * q.loc, 1), 1)) for q in halves)
    per_layer = rates_by_hand(inference).mean(0)[[0, 2]]
    free = float(per_layer.mean())
    twice = replace(inference, latents=layers)
    got = ELBO(free_bits=free, free_bits_per="layer")._rate_with_free_bits(twice)
    assert float(got.detach()) == pytest.approx(np.maximum(free, per_layer).sum(), rel=1e-5)
    assert float(got.detach()) > per_layer.sum()


def test_free_bits_of_a_layer_are_not_those_of_its_dimensions():
    model = build()
    rate = rates_by_hand(infer(model)).sum(-1).mean()
    for free, expected in ((0.5 * rate, rate), (2 * rate, 2 * rate)):
        got = loss(ELBO(free_bits=float(free), free_bits_per="layer"), model)
        assert float(got.value.detach()) == pytest.approx(float(got.distortion) + expected, rel=1e-5)


def test_only_free_bits_of_dimensions_need_independent_latents():
    recipe = ModelRecipe(3, SMALL, SMALL, Part("bernoulli"), posterior=Part("full-normal"))
    full = build_model(recipe, Observation((6,), "binary", 2))
    assert not ELBO().find_misfit(full)
    assert not ELBO(free_bits=0.1, free_bits_per="layer").find_misfit(full)
    assert "free bits need independent latents" in ELBO(free_bits=0.1).find_misfit(full)
    assert not ELBO(free_bits=0.1).find_misfit(build())


def test_gradient_reaches_every_parameter():
    model = build()
    loss(ELBO(), model).value.backward()
    for name, param in model.named_parameters():
        assert param.grad is not None, name
        assert bool((param.grad != 0).any()), name


@pytest.mark.parametrize(
    "options",
    [
        {"beta": -0.1},
        {"beta": -1},
        {"free_bits": -0.1},
        {"num_samples": 0},
        {"gamma": -1.0},
        {"capacity": -2.0},
        {"gamma": 3.0, "beta": 2.0},
        {"gamma": 3.0, "free_bits": 0.5},
        {"trim": -0.1},
        {"trim": 1.0},
    ],
    ids="-".join,
)
def test_weights_that_make_no_sense_are_refused(options: dict):
    with pytest.raises(VaelError, match=f"got .*{next(iter(options.values()))}"):
        ELBO(**options)


@pytest.mark.parametrize("other", [{"free_bits": 0.5}, {"gamma": 3.0}])
def test_examples_are_left_out_of_nothing_that_counts_the_whole_batch(other: dict):
    with pytest.raises(VaelError, match=r"trim = 0\.1 .*use one of them"):
        ELBO(trim=0.1, **other)


def test_a_capacity_without_its_weight_is_refused():
    with pytest.raises(VaelError, match=r"capacity = 5\.0 needs a weight: try objective\.gamma"):
        ELBO(capacity=5.0)
