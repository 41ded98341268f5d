"""Bounds and gradients against numpy, quadrature and a model whose posterior is known exactly."""

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import norm
from torch import Tensor

from vael.build import build_model
from vael.errors import VaelError
from vael.models import OneLayerVAE
from vael.models.bottom_up import BottomUpVAE
from vael.models.hierarchy import Ends
from vael.objectives.importance_weighted import ImportanceWeighted, _resample
from vael.posteriors.normal import DiagonalNormal
from vael.random import seeded
from vael.recipe import ModelRecipe, Part
from vael.types import Batch, Observation

STEP = torch.tensor(0.0)
LINEAR = Part("mlp", {"hidden_features": []})
OBSERVATION = Observation((2,), "real")
X = (0.7, -1.2)


def linear_model(latent_dim: int = 1) -> OneLayerVAE:
    """p(x | z) = N(Wz + m, σ²I) and q(z | x) = N(Vx + b, s²(x)): log w is a quadratic of z."""
    likelihood = Part("gaussian", {"variance": "shared", "link": "identity", "sigma": 0.8})
    with seeded(4):
        model = build_model(ModelRecipe(latent_dim, LINEAR, LINEAR, likelihood), OBSERVATION)
    assert isinstance(model, OneLayerVAE)
    return model


def two_layers() -> BottomUpVAE:
    base = linear_model()
    torch.manual_seed(3)
    posteriors = [DiagonalNormal(2, 1), DiagonalNormal(1, 1)]
    return BottomUpVAE(Ends(base.encoder, base.prior, base.decoder, base.likelihood), posteriors, (), "tanh")


def log_w(model: OneLayerVAE, z: np.ndarray, beta: float = 1.0) -> np.ndarray:
    """Log p(x | z) + β (log p(z) − log q(z | x)) by SciPy, for z `(…,)` of one dimension."""
    with torch.no_grad():
        q_z = model.encode(torch.tensor([X]))
        p_x = model.decode(torch.tensor([[0.0], [1.0]])).mean.double().numpy()
    sigma = float(torch.exp(model.likelihood.get_parameter("log_sigma").detach()))
    mean = p_x[0] + z[..., None] * (p_x[1] - p_x[0])
    log_q = norm.logpdf(z, float(q_z.mean), float(q_z.stddev))
    return norm.logpdf(np.array(X), mean, sigma).sum(-1) + beta * (norm.logpdf(z) - log_q)


def exact_bound(model: OneLayerVAE, num_samples: int, elbo_share: float = 0.0, beta: float = 1.0) -> float:
    """E log (1/K Σ w_k) by Gauss–Hermite quadrature over all K draws."""
    eps, weights = np.polynomial.hermite_e.hermegauss(40)
    with torch.no_grad():
        q_z = model.encode(torch.tensor([X]))
    single = log_w(model, float(q_z.mean) + float(q_z.stddev) * eps, beta)
    index = np.indices((len(eps),) * num_samples)
    chosen, chances = single[index], (weights / weights.sum())[index].prod(0)
    bound = logsumexp(chosen, 0) - np.log(num_samples)
    return float((chances * ((1 - elbo_share) * bound + elbo_share * chosen.mean(0))).sum())


def mean_gradient(model: torch.nn.Module, objective: ImportanceWeighted, repeats: int = 250_000) -> dict[str, Tensor]:
    """The loss's gradient averaged over many independent draws, for one x."""
    batch = Batch(torch.tensor([X]).expand(repeats, 2))
    model.zero_grad()
    with seeded(1):
        objective(model, batch, STEP).value.backward()  # pyright: ignore[reportArgumentType]
    return {name: param.grad.clone() for name, param in model.named_parameters() if param.grad is not None}


def finite_differences(
    model: OneLayerVAE, num_samples: int, elbo_share: float = 0.0, beta: float = 1.0
) -> dict[str, Tensor]:
    found = {}
    for name, param in model.named_parameters():
        grad, flat = torch.zeros_like(param), param.detach().view(-1)
        for i in range(len(flat)):
            values = []
            for change in (2e-2, -4e-2):
                flat[i] += change
                values.append(-exact_bound(model, num_samples, elbo_share, beta))
            flat[i] += 2e-2
            grad.view(-1)[i] = (values[0] - values[1]) / 4e-2
        found[name] = grad
    return found


def infer_log_w(model: OneLayerVAE, count: int) -> np.ndarray:
    with seeded(5), torch.no_grad():
        return model.infer(Batch(torch.tensor([X, (0.1, 2.0)])), num_samples=count).log_w.double().numpy()


def value_of(model: OneLayerVAE, objective: ImportanceWeighted) -> float:
    with seeded(5):
        return float(objective(model, Batch(torch.tensor([X, (0.1, 2.0)])), STEP).value.detach())


@pytest.mark.parametrize("gradient", ["plain", "stl", "dreg"])
def test_value_is_the_mean_negative_bound(gradient):
    model = linear_model(3)
    log_weights = infer_log_w(model, 12)
    by_groups = logsumexp(log_weights.reshape(3, 4, 2), 1) - np.log(4)
    joint = logsumexp(log_weights, 0) - np.log(12)
    cases = {
        (12, 1, False, 0.0): joint,
        (4, 3, False, 0.0): by_groups.mean(0),
        (4, 3, True, 0.0): joint,
        (4, 3, False, 0.3): 0.3 * log_weights.mean(0) + 0.7 * by_groups.mean(0),
        (12, 1, False, 1.0): log_weights.mean(0),
    }
    for (num_samples, num_groups, partial, share), expected in cases.items():
        objective = ImportanceWeighted(num_samples, num_groups, gradient, partial, share)
        assert value_of(model, objective) == pytest.approx(-expected.mean(), rel=1e-5)


def test_gradient_weighs_each_draw_by_its_share_of_the_evidence():
    """Σ_k w̃_k ∇ log w_k, w̃ = w / Σ w: the mean over the draws would be the ELBO's gradient."""
    model = linear_model(3)
    batch = Batch(torch.tensor([X]))
    with seeded(2):
        ImportanceWeighted(6)(model, batch, STEP).value.backward()
    got = [param.grad for param in model.parameters() if param.grad is not None]
    with seeded(2):
        log_weights = model.infer(batch, num_samples=6).log_w[:, 0]
    shares = torch.softmax(log_weights.detach(), 0)
    rows = [torch.autograd.grad(one, list(model.parameters()), retain_graph=True) for one in log_weights]
    expected = [-sum(share * row[i] for share, row in zip(shares, rows, strict=True)) for i in range(len(got))]
    for mine, witness in zip(got, expected, strict=True):
        torch.testing.assert_close(mine, witness)
    assert float(shares.max()) > 0.3


@pytest.mark.parametrize("beta", [1.0, 0.4])
@pytest.mark.parametrize(
    ("num_samples", "gradient", "share"),
    [(1, "plain", 0.0), (1, "stl", 0.0), (1, "dreg", 0.0), (2, "plain", 0.0), (2, "dreg", 0.0), (2, "dreg", 0.4)],
)
def test_gradient_is_that_of_the_exact_bound_in_expectation(num_samples: int, gradient, share: float, beta: float):
    model = linear_model()
    expected = finite_differences(model, num_samples, share, beta)
    got = mean_gradient(model, ImportanceWeighted(num_samples, gradient=gradient, elbo_share=share, beta=beta))
    for name, witness in expected.items():
        torch.testing.assert_close(got[name], witness, rtol=0.02, atol=0.02, msg=lambda text, name=name: name + text)


@pytest.mark.parametrize(
    "options",
    [
        {"gradient": "plain"},
        {"gradient": "dreg"},
        {"gradient": "dreg", "beta": 0.4, "elbo_share": 0.3},
        {"gradient": "plain", "num_groups": 2, "partial": True},
        {"gradient": "dreg", "num_groups": 2, "partial": True},
    ],
)
def test_draws_taken_again_by_their_weights_give_the_same_gradient_in_expectation(options: dict):
    model = two_layers() if options.get("beta") or options.get("partial") else linear_model()
    expected = mean_gradient(model, ImportanceWeighted(3, **options), 300_000)
    got = mean_gradient(model, ImportanceWeighted(3, num_resampled=2, **options), 300_000)
    for name, witness in expected.items():
        torch.testing.assert_close(got[name], witness, rtol=0.03, atol=0.03, msg=lambda text, name=name: name + text)


def test_draws_come_again_as_often_as_their_weight_says():
    log_a = torch.log_softmax(torch.randn(5, 4000, generator=torch.Generator().manual_seed(0)), 0)
    with seeded(3):
        found = _resample(log_a, 3)
    counts = torch.stack([(found == k).sum(0) for k in range(5)])
    assert bool(((counts - 3 * log_a.exp()).abs() < 1).all())
    torch.testing.assert_close(counts.float().mean(1), 3 * log_a.exp().mean(1), rtol=0, atol=0.03)


def test_sticking_the_landing_is_biased_for_several_draws():
    """The reason for `dreg` (Tucker et al. 2019, section 3): this test fails where `stl` means something else."""
    model = linear_model()
    name = "posterior.head.bias"
    expected = finite_differences(model, 2)[name]
    got = mean_gradient(model, ImportanceWeighted(2, gradient="stl"))[name]
    assert float((got - expected).abs().max()) > 0.05


def exact_posterior() -> OneLayerVAE:
    """q(z | x) = p(z | x) = N(Wᵀ(x − m)/M, σ²/M), M = WᵀW + σ²."""
    model = linear_model()
    with torch.no_grad():
        weight, bias = model.decoder.get_parameter("out.weight"), model.decoder.get_parameter("out.bias")
        variance = torch.exp(2 * model.likelihood.get_parameter("log_sigma"))
        total = weight.square().sum() + variance
        model.posterior.get_parameter("head.weight").copy_(torch.cat([weight.T / total, torch.zeros(1, 2)]))
        mean = -(weight.T @ bias) / total
        model.posterior.get_parameter("head.bias").copy_(torch.cat([mean, torch.log(variance / total).view(1)]))
    return model


@pytest.mark.parametrize(("gradient", "is_still"), [("plain", False), ("stl", True), ("dreg", True)])
@pytest.mark.parametrize("num_samples", [1, 3])
def test_at_the_exact_posterior_path_gradients_have_no_variance(gradient, is_still: bool, num_samples: int):
    model = exact_posterior()
    found = []
    for seed in range(4):
        model.zero_grad()
        with seeded(seed):
            ImportanceWeighted(num_samples, gradient=gradient)(model, Batch(torch.tensor([X])), STEP).value.backward()
        found.append(
            torch.cat([param.grad.flatten() for param in model.posterior.parameters() if param.grad is not None])
        )
    largest = float(torch.stack(found).abs().max())
    assert largest < 1e-5 if is_still else largest > 1e-2


@pytest.mark.parametrize("gradient", ["plain", "dreg"])
def test_partial_moves_q_by_groups_and_p_by_all_draws(gradient):
    model = linear_model()
    partial = mean_gradient(model, ImportanceWeighted(2, 3, gradient, partial=True), 200_000)
    grouped = mean_gradient(model, ImportanceWeighted(2, 3, "plain"), 200_000)
    joint = mean_gradient(model, ImportanceWeighted(6, gradient="plain"), 200_000)
    for name, got in partial.items():
        expected = grouped[name] if name.startswith(("encoder", "posterior")) else joint[name]
        torch.testing.assert_close(got, expected, rtol=0.02, atol=0.02, msg=lambda text, name=name: name + text)
    apart = max(float((grouped[name] - joint[name]).abs().max()) for name in grouped)
    assert apart > 0.05


@pytest.mark.parametrize("options", [{"gradient": "dreg"}, {"gradient": "dreg", "num_groups": 2}, {"partial": True}])
def test_with_several_layers_the_estimators_agree_in_expectation(options: dict):
    """z of the lower layer reaches the bound in two ways, through the densities and through the draw above it."""
    model = two_layers()
    options = {"num_groups": 2, **options} if options.get("partial") else options
    got = mean_gradient(model, ImportanceWeighted(3, **options), 300_000)
    plain = mean_gradient(model, ImportanceWeighted(3, options.get("num_groups", 1)), 300_000)
    joint = mean_gradient(model, ImportanceWeighted(6), 300_000)
    for name, expected in plain.items():
        is_q = name.startswith(("encoder", "posteriors", "ascents"))
        witness = joint[name] if options.get("partial") and not is_q else expected
        torch.testing.assert_close(got[name], witness, rtol=0.03, atol=0.03, msg=lambda text, name=name: name + text)


def test_the_bound_rises_with_the_number_of_draws():
    model = linear_model()
    bounds = [exact_bound(model, count) for count in (1, 2, 3)]
    assert bounds[0] < bounds[1] < bounds[2]
    with torch.no_grad():
        mean = -float(ImportanceWeighted(2)(model, Batch(torch.tensor([X]).expand(200_000, 2)), STEP).value)
    assert mean == pytest.approx(bounds[1], abs=0.02)


@pytest.mark.parametrize("num_resampled", [0, 2])
def test_terms_are_those_of_the_elbo(num_resampled: int):
    model = linear_model(3)
    with seeded(5):
        got = ImportanceWeighted(4, gradient="dreg", num_resampled=num_resampled)(model, Batch(torch.tensor([X])), STEP)
    with seeded(5):
        inference = model.infer(Batch(torch.tensor([X])), num_samples=4)
    torch.testing.assert_close(got.rate, inference.rate.mean().detach())
    torch.testing.assert_close(got.distortion, inference.distortion.mean().detach())


def test_a_weight_too_small_for_a_float_gives_no_nan():
    """Draws whose weights differ by thousands of nats."""
    model = linear_model()
    with torch.no_grad():
        model.likelihood.get_parameter("log_sigma").fill_(-4.0)
    cases = [ImportanceWeighted(4, 2, gradient) for gradient in ("stl", "dreg")]
    for objective in (*cases, ImportanceWeighted(4, 2, partial=True)):
        model.zero_grad()
        objective(model, Batch(torch.tensor([X])), STEP).value.backward()
        assert all(bool(torch.isfinite(param.grad).all()) for param in model.parameters() if param.grad is not None)


def test_running_statistics_are_left_alone_by_frozen_weights():
    layers = Part("mlp", {"hidden_features": [4], "batch_norm": True})
    model = build_model(ModelRecipe(2, layers, LINEAR, Part("gaussian")), OBSERVATION)
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    ImportanceWeighted(3, gradient="dreg")(model, Batch(torch.randn(8, 2)), STEP).value.backward()
    counts = [
        int(now) - int(before[name]) for name, now in model.named_buffers() if name.endswith("num_batches_tracked")
    ]
    assert counts == [2]  # the draws, and the densities at them; not the frozen third


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"num_samples": 0}, "num_samples ≥ 1"),
        ({"num_groups": 0}, "num_groups ≥ 1"),
        ({"elbo_share": 1.5}, r"elbo_share expects a number in \[0, 1\], got 1.5"),
        ({"partial": True}, "needs several groups"),
        ({"num_resampled": -1}, "num_resampled expects a number ≥ 0, got -1"),
        ({"beta": -0.1}, "objective.beta expects a number ≥ 0, got -0.1"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_numbers_that_make_no_bound_are_refused(options: dict, words: str):
    with pytest.raises(VaelError, match=words):
        ImportanceWeighted(**options)


def test_dropout_would_make_two_posteriors_of_one():
    layers = Part("mlp", {"hidden_features": [4], "dropout": 0.5})
    model = build_model(ModelRecipe(2, layers, LINEAR, Part("gaussian")), OBSERVATION)
    assert "dropout" in ImportanceWeighted(gradient="dreg").find_misfit(model)
    assert "num_resampled" in ImportanceWeighted(num_resampled=2).find_misfit(model)
    assert not ImportanceWeighted().find_misfit(model)
