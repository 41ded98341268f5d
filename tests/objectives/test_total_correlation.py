"""The rate's three parts, and the two estimates of the aggregated posterior, against sums over all batches."""

from itertools import combinations

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import norm

from vael.build import build_model, build_objective
from vael.errors import VaelError
from vael.models import VAE, Inference
from vael.objectives.total_correlation import TotalCorrelation
from vael.random import seeded
from vael.recipe import ModelRecipe, Part, Recipe
from vael.types import Batch, Observation

STEP = torch.tensor(0.0)
SMALL = Part("mlp", {"hidden_features": [8]})
RECIPE = ModelRecipe(3, SMALL, SMALL, Part("bernoulli"))
DATA = Batch(torch.from_numpy(np.random.default_rng(0).integers(0, 2, (6, 5))).float())


def build() -> VAE:
    with seeded(0):
        model = build_model(RECIPE, Observation((5,), "binary", 2))
    with torch.no_grad():  # posteriors that overlap, apart enough to matter
        model.get_parameter("posterior.head.weight").mul_(3)
    return model


def infer(rows: list[int]) -> Inference:
    with seeded(7), torch.no_grad():
        return build().infer(Batch(DATA.x[rows]))


def densities(inference: Inference, z: np.ndarray) -> np.ndarray:
    """Log q(z_d | x_n) for codes `(D,)`: `(N, D)`, by SciPy."""
    q_z = inference.latents[0].q_z
    return norm.logpdf(z, q_z.mean.double().numpy(), q_z.stddev.double().numpy())


def loss(objective: TotalCorrelation, model: VAE):
    with seeded(7):
        return objective(model, DATA, STEP)


@pytest.mark.parametrize("estimator", ["stratified", "weighted"])
@pytest.mark.parametrize("num_examples", [0, 6, 5000])
def test_with_weights_of_one_the_parts_add_up_to_the_rate(estimator, num_examples: int):
    model = build()
    got = loss(TotalCorrelation(beta=1.0, estimator=estimator, num_examples=num_examples), model)
    with seeded(7):
        inference = model.infer(DATA)
    expected = inference.distortion.mean() + inference.latents[0].log_ratio.mean()
    torch.testing.assert_close(got.value, expected)


def test_where_the_batch_is_the_data_the_parts_are_exact():
    inference = infer(list(range(6)))
    z = inference.latents[0].z[0].double().numpy()
    tables = np.stack([densities(inference, row) for row in z])  # (B, N, D)
    log_joint = logsumexp(tables.sum(-1), axis=1) - np.log(6)
    log_product = (logsumexp(tables, axis=1) - np.log(6)).sum(-1)
    log_q, log_p = np.diagonal(tables.sum(-1)), norm.logpdf(z).sum(-1)
    parts = 2 * (log_q - log_joint) + 5 * (log_joint - log_product) + 3 * (log_product - log_p)
    got = loss(TotalCorrelation(alpha=2.0, beta=5.0, gamma=3.0), build())
    assert float(got.value.detach()) == pytest.approx(float(inference.distortion.mean()) + parts.mean(), rel=1e-5)
    assert float(got.rate) == pytest.approx(float(inference.rate.mean()), rel=1e-5)
    assert float(got.beta) == 5


@pytest.mark.parametrize(("estimator", "is_unbiased"), [("stratified", True), ("weighted", False)])
def test_the_stratified_estimate_is_unbiased_over_all_batches(estimator, is_unbiased: bool):
    """q(z) at a draw of x_0, from every batch of 3 of the 6 examples that holds x_0."""
    whole = infer(list(range(6)))
    z = whole.latents[0].z[:, :1]
    exact = np.exp(densities(whole, z[0, 0].double().numpy()).sum(-1)).mean()
    estimates = []
    for others in combinations(range(1, 6), 2):
        inference = infer([0, *others])
        latent = inference.latents[0]
        with torch.no_grad():
            latent.z[:, :1] = z
        objective = TotalCorrelation(estimator=estimator, num_examples=6)
        estimates.append(float(torch.exp(objective._aggregated(inference)[0][0])))
    assert np.std(estimates) > 0.01 * exact
    assert (np.mean(estimates) == pytest.approx(exact, rel=1e-5)) == is_unbiased


def test_one_example_alone_gives_finite_numbers():
    got = TotalCorrelation(num_examples=100)(build(), Batch(DATA.x[:1]), STEP)
    assert torch.isfinite(got.value)


def test_the_number_of_examples_is_filled_in():
    recipe = Recipe(model=RECIPE, objective=Part("total-correlation"))
    assert build_objective(recipe, build(), 10, num_examples=1234) == TotalCorrelation(num_examples=1234)
    own = Recipe(model=RECIPE, objective=Part("total-correlation", {"num_examples": 50}))
    assert build_objective(own, build(), 10, num_examples=1234) == TotalCorrelation(num_examples=50)


def test_dependent_latents_and_negative_weights_are_refused():
    full = ModelRecipe(3, SMALL, SMALL, Part("bernoulli"), posterior=Part("full-normal"))
    recipe = Recipe(model=full, objective=Part("total-correlation"))
    with pytest.raises(
        VaelError, match=r"posterior 'full-normal' does not serve, use model\.posterior=diagonal-normal"
    ):
        build_objective(recipe, build_model(full, Observation((5,), "binary", 2)), 10)
    with pytest.raises(VaelError, match="≥ 0"):
        TotalCorrelation(alpha=-1.0)
