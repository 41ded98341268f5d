"""The linear VAE, whose evidence is known exactly, holds the bounds to account.

Witness: scikit-learn's PCA, whose `score` is the mean log density of probabilistic PCA (Tipping & Bishop 1999).
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from vael.build import build_model
from vael.data.batches import DeviceData
from vael.data.treatments import find_treatment
from vael.evaluation import evaluate
from vael.models import VAE
from vael.objectives.elbo import ELBO
from vael.random import seeded
from vael.recipe import ModelRecipe, Part
from vael.training import TrainingState
from vael.training.closed_form import solve_pca
from vael.types import Batch, Observation

LATENT_DIM = 6

LINEAR = ModelRecipe(
    latent_dim=LATENT_DIM,
    encoder=Part("mlp", {"hidden_features": []}),
    decoder=Part("mlp", {"hidden_features": []}),
    likelihood=Part("gaussian", {"variance": "shared", "link": "identity"}),
)


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    """Real digits with a little noise, so that no direction is without variance."""
    noise = np.random.Generator(np.random.PCG64(0)).normal(0, 0.05, (1797, 64))
    return (np.asarray(load_digits(return_X_y=True)[0]) / 16 + noise).astype(np.float32)


@pytest.fixture(scope="module")
def data(rows: np.ndarray) -> DeviceData:
    return DeviceData(torch.from_numpy(rows), find_treatment("real", 0))


def untrained() -> VAE:
    with seeded(0):
        return build_model(LINEAR, Observation((64,), "real"))


@pytest.fixture(scope="module")
def solved(data: DeviceData) -> VAE:
    model = untrained()
    solve_pca(TrainingState.start(model, (), averaged=False), data)
    return model


@pytest.fixture(scope="module")
def evidence(rows: np.ndarray) -> np.ndarray:
    """The exact log p(x) of each row, from scikit-learn."""
    pca = PCA(LATENT_DIM, svd_solver="full").fit(rows.astype(np.float64))
    scores = pca.score_samples(rows.astype(np.float64))
    return np.asarray(scores)


def test_the_solved_models_bound_is_the_exact_evidence(solved: VAE, data: DeviceData, evidence: np.ndarray) -> None:
    # scikit-learn's covariance divides by N − 1, ours by N: 0.02 nats here, hence the tolerance on the mean
    result = evaluate(solved, data, num_samples=1000)
    assert result.elbo_nats == pytest.approx(evidence.mean(), abs=0.03)


def test_every_weight_of_the_exact_posterior_is_the_evidence(
    solved: VAE, data: DeviceData, evidence: np.ndarray
) -> None:
    with seeded(0), torch.no_grad():
        log_w = solved.infer(Batch(data.raw[:200]), num_samples=8).log_w
    assert float(log_w.std(0).max()) < 2e-3  # one importance weight is as good as a thousand; float32 rounding is left
    np.testing.assert_allclose(log_w[0].numpy(), evidence[:200], atol=0.15)


def test_the_solved_record_states_the_training_evidence(data: DeviceData, evidence: np.ndarray) -> None:
    record = solve_pca(TrainingState.start(untrained(), (), averaged=False), data)
    assert record.values["elbo_nats"] == pytest.approx(evidence.mean(), abs=0.03)


def evidence_of(model: VAE, rows: torch.Tensor) -> torch.Tensor:
    """log N(x; b, WWᵀ + σ²I) for any linear decoder, by torch's multivariate normal in float64."""
    weights = {name: tensor.double() for name, tensor in model.state_dict().items()}
    weight, bias = weights["decoder.out.weight"], weights["decoder.out.bias"]
    variance = torch.exp(2 * weights["likelihood.log_sigma"])
    covariance = weight @ weight.T + variance * torch.eye(len(bias), dtype=torch.float64)
    return torch.distributions.MultivariateNormal(bias, covariance).log_prob(rows.double())


def test_the_bound_never_exceeds_the_evidence(data: DeviceData) -> None:
    model = untrained()
    exact = evidence_of(model, data.raw[:500])
    with seeded(1), torch.no_grad():
        inference = model.infer(Batch(data.raw[:500]), num_samples=2000)
    assert bool((inference.elbo.double() < exact).all())


def test_the_importance_bound_rises_with_k_towards_the_evidence(data: DeviceData) -> None:
    model = untrained()
    exact = float(evidence_of(model, data.raw[:500]).mean())
    means = []
    for num_samples in (1, 4, 16, 64, 1024):
        with seeded(2), torch.no_grad():
            means.append(float(model.infer(Batch(data.raw[:500]), num_samples=num_samples).importance_bound.mean()))
    assert means == sorted(means)
    assert means[-1] < exact + 0.01
    assert exact - means[-1] < 0.5 * (exact - means[0])


def test_the_rate_is_never_negative(data: DeviceData) -> None:
    with torch.no_grad():
        assert bool((untrained().infer(Batch(data.raw)).rate >= 0).all())


def test_the_closed_form_rate_is_what_its_samples_say(solved: VAE, data: DeviceData) -> None:
    with seeded(3), torch.no_grad():
        latent = solved.infer(Batch(data.raw[:20]), num_samples=20_000).latents[0]
    error = latent.log_ratio.std(0) / 20_000**0.5
    assert bool(((latent.log_ratio.mean(0) - latent.rate).abs() < 4 * error).all())


def test_gradient_descent_on_the_bound_reaches_the_closed_form(data: DeviceData, evidence: np.ndarray) -> None:
    """From a poor start, the ELBO's own gradient finds probabilistic PCA's evidence (0.01 nats a dimension)."""
    model = untrained()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 1500)
    with seeded(4):
        for _ in range(1500):
            optimizer.zero_grad()
            (-model.infer(Batch(data.raw), num_samples=1).elbo.mean()).backward()
            optimizer.step()
            schedule.step()
    assert evaluate(model, data, num_samples=200).elbo_nats == pytest.approx(evidence.mean(), abs=0.64)


def test_descent_ends_within_a_thousandth_of_the_evidence_and_the_weights_are_unbiased() -> None:
    """Eight numbers, two latents: the bound that training reaches is probabilistic PCA's evidence to 1e-3 nats."""
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(300, 2)) @ generator.normal(size=(2, 8)) * 1.5 + generator.normal(size=8)
    rows = (rows + 0.5 * generator.normal(size=(300, 8))).astype(np.float32)
    with seeded(0):
        model = build_model(replace(LINEAR, latent_dim=2), Observation((8,), "real"))
    batch, objective = Batch(torch.from_numpy(rows)), ELBO(num_samples=8)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 3000)
    with seeded(1):
        for _ in range(3000):
            optimizer.zero_grad()
            objective(model, batch, torch.tensor(0.0)).value.backward()
            optimizer.step()
            schedule.step()
        with torch.no_grad():
            bound = float(model.infer(batch, num_samples=2000).log_w.double().mean())
            model.get_parameter("posterior.head.bias")[2:] += 0.3  # wider than the exact posterior
            inference = model.infer(batch, num_samples=5000)
    assert bound == pytest.approx(PCA(2, svd_solver="full").fit(rows).score(rows.astype(np.float64)), abs=1e-3)
    shares = torch.exp(inference.log_w.double() - evidence_of(model, batch.x)).mean(1)  # E = 1 for each draw
    error = float(shares.std()) / len(shares) ** 0.5
    assert abs(float(shares.mean()) - 1) < 3 * error
    assert float(inference.elbo.mean()) < bound - 0.01
