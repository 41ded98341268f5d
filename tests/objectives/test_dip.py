import numpy as np
import pytest
import torch

from vael.build import build_model
from vael.errors import VaelError
from vael.models import VAE
from vael.objectives.dip import DIP
from vael.random import seeded
from vael.recipe import ModelRecipe, Part
from vael.types import Batch, Observation

STEP = torch.tensor(0.0)
SMALL = Part("mlp", {"hidden_features": [8]})
BATCH = Batch(torch.rand(7, 5, generator=torch.Generator().manual_seed(0)).round())


def build(posterior: str) -> VAE:
    recipe = ModelRecipe(3, SMALL, SMALL, Part("bernoulli"), posterior=Part(posterior))
    with seeded(0):
        return build_model(recipe, Observation((5,), "binary", 2))


@pytest.mark.parametrize("posterior", ["diagonal-normal", "full-normal"])
@pytest.mark.parametrize("variant", ["i", "ii"])
def test_penalty_is_the_covariances_distance_from_the_identity(posterior: str, variant):
    model = build(posterior)
    with seeded(2):
        got = DIP(variant, off_diagonal=3.0, diagonal=7.0, beta=2.0)(model, BATCH, STEP)
    with seeded(2), torch.no_grad():
        inference = model.infer(BATCH)
    q_z = inference.latents[0].q_z
    covariance = np.cov(q_z.mean.double().numpy().T, bias=True)
    if variant == "ii" and posterior == "full-normal":
        covariance = covariance + q_z.covariance_matrix.double().numpy().mean(0)  # pyright: ignore
    elif variant == "ii":
        covariance = covariance + np.diag(q_z.variance.double().numpy().mean(0))
    apart = covariance - np.eye(3)
    penalty = 7 * (np.diag(apart) ** 2).sum() + 3 * ((apart - np.diag(np.diag(apart))) ** 2).sum()
    expected = float(inference.distortion.mean() + 2 * inference.rate.mean()) + penalty
    assert float(got.value.detach()) == pytest.approx(expected, rel=1e-5)
    assert penalty > 0.1


def test_the_second_variants_covariance_is_that_of_the_draws():
    """The law of total covariance, by drawing."""
    model = build("full-normal")
    with torch.no_grad(), seeded(0):
        q_z = model.infer_latents(BATCH, lambda _, q: q.sample(torch.Size((1,))))[0].q_z
        drawn = q_z.sample(torch.Size((60_000,))).flatten(0, 1).numpy()
        apart = np.cov(drawn.T, bias=True) - np.eye(3)
        with seeded(2):
            full = DIP("ii", off_diagonal=1.0, diagonal=1.0)(model, BATCH, STEP)
    penalty = float(full.value - full.rate - full.distortion)
    assert penalty == pytest.approx(float((apart**2).sum()), rel=0.03)


def test_one_example_and_negative_weights():
    got = DIP("i")(build("diagonal-normal"), Batch(BATCH.x[:1]), STEP)
    assert torch.isfinite(got.value)
    with pytest.raises(VaelError, match="≥ 0"):
        DIP(diagonal=-1.0)
