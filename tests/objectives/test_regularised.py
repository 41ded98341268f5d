import numpy as np
import pytest
import torch

from vael.build import build_model, build_objective
from vael.errors import VaelError
from vael.models import VAE
from vael.objectives.regularised import Regularised, gradient_penalty
from vael.random import seeded
from vael.recipe import ModelRecipe, Part, Recipe
from vael.types import Batch, Observation

STEP = torch.tensor(0.0)
SMALL = Part("mlp", {"hidden_features": [8], "activation": "tanh"})
RECIPE = ModelRecipe(3, SMALL, SMALL, Part("gaussian"), posterior=Part("point"))
X = torch.randn(4, 5, generator=torch.Generator().manual_seed(0))


def build() -> VAE:
    with seeded(0):
        return build_model(RECIPE, Observation((5,), "real"))


def exact_penalty(model: VAE) -> float:
    """½ |∂g/∂z|²_F, the mean over the batch, by central differences."""
    with torch.no_grad():
        z = model.infer(Batch(X)).latents[0].z[0]
        total = 0.0
        for axis in torch.eye(3) * 1e-2:
            slope = (model.decode(z + axis).mean - model.decode(z - axis).mean).double().numpy() / 2e-2
            total += 0.5 * (slope**2).sum(-1).mean()
    return total


def test_value_with_the_decoders_weights():
    model = build()
    got = Regularised("l2", latent_weight=0.3, decoder_weight=0.7)(model, Batch(X), STEP)
    inference = model.infer(Batch(X))
    z = inference.latents[0].z[0].detach().numpy()
    squares = sum((param.detach().numpy() ** 2).sum() for name, param in model.named_parameters() if "decoder" in name)
    expected = float(inference.distortion.mean().detach()) + 0.15 * (z**2).sum(-1).mean() + 0.7 * squares
    assert float(got.value.detach()) == pytest.approx(expected, rel=1e-5)
    none = Regularised("none", latent_weight=0.3, decoder_weight=0.7)(model, Batch(X), STEP)
    assert float(none.value.detach()) == pytest.approx(expected - 0.7 * squares, rel=1e-5)


def test_the_gradient_penalty_is_unbiased_for_the_frobenius_norm():
    model = build()
    with seeded(1):
        values = [float(gradient_penalty(model.infer(Batch(X))).detach()) for _ in range(3000)]
    error = np.std(values) / np.sqrt(len(values))
    assert np.mean(values) == pytest.approx(exact_penalty(model), abs=4 * error)
    assert error < 0.05 * np.mean(values)


def test_the_gradient_penalty_makes_the_decoder_flat():
    model = build()
    before = exact_penalty(model)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    objective = Regularised("gradient-penalty", latent_weight=0.0, decoder_weight=100.0)
    with seeded(0):
        for _ in range(100):
            optimizer.zero_grad()
            objective(model, Batch(X), STEP).value.backward()
            optimizer.step()
    assert exact_penalty(model) < 0.05 * before


def test_a_posterior_that_draws_is_refused():
    recipe = Recipe(model=RECIPE, objective=Part("regularised")).override({"model.posterior": "diagonal-normal"})
    with pytest.raises(VaelError, match=r"posterior 'diagonal-normal' does not serve, use model\.posterior=.*point"):
        build_objective(recipe, build_model(recipe.model, Observation((5,), "real")), 10)
    with pytest.raises(VaelError, match="decoder_weight ≥ 0"):
        Regularised(decoder_weight=-1.0)
