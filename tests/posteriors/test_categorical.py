"""The categorical posterior draws relaxed in training and exactly in evaluation, and fits priors of its own kind."""

import math

import pytest
import torch
from torch.distributions import Categorical as TorchCategorical

from vael.build import build_model
from vael.distributions.one_hot import OneHot
from vael.errors import VaelError
from vael.posteriors.categorical import Categorical
from vael.random import seeded
from vael.recipe import ModelRecipe, Part
from vael.types import Batch, Observation

OBSERVATION = Observation((9,), "binary", 2)


def infer(posterior: Categorical) -> OneHot:
    with seeded(0):
        q_z = posterior(torch.randn(4, 7))
    assert isinstance(q_z, OneHot)
    return q_z


def test_draws_are_relaxed_in_training_alone():
    posterior = Categorical(7, 6, num_categories=3, temperature=0.5, hard=False)
    z = infer(posterior).rsample()
    assert bool(((z > 0) & (z < 1)).all())
    assert z.requires_grad
    z = infer(posterior.eval()).rsample()
    assert bool(((z == 0) | (z == 1)).all())
    assert not z.requires_grad


def test_the_rate_is_exact_against_a_uniform_prior():
    options = {"num_categories": 3}
    recipe = ModelRecipe(
        latent_dim=6, posterior=Part("categorical", options), prior=Part("uniform-categorical", options)
    )
    with seeded(0):
        model = build_model(recipe, OBSERVATION)
        inference = model.infer(Batch((torch.rand(4, 9) > 0.5).float()))
    (latent,) = inference.latents
    assert isinstance(latent.q_z, OneHot)
    entropy = TorchCategorical(logits=latent.q_z.log_probs).entropy().sum(-1)
    torch.testing.assert_close(inference.rate, 2 * math.log(3) - entropy, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("latent_dim", "options", "words"),
    [
        (20, {"num_categories": 3}, r"use a multiple, model\.latent_dim=30"),
        (20, {"num_categories": 1}, "num_categories ≥ 2"),
        (20, {"temperature": 0.0}, r"temperature expects a number > 0"),
    ],
)
def test_what_makes_no_sense_is_refused(latent_dim: int, options: dict[str, float], words: str):
    with pytest.raises(VaelError, match=words):
        Categorical(7, latent_dim, **options)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("posterior", "prior", "words"),
    [
        ("categorical", "standard-normal", r"support 'one-hot'.* use model\.prior=uniform-categorical"),
        ("von-mises-fisher", "standard-normal", r"support 'sphere'.* use model\.prior=uniform-sphere"),
        ("iaf", "uniform-sphere", r"support 'real'.*model\.posterior=von-mises-fisher"),
    ],
)
def test_posteriors_and_priors_live_on_the_same_space(posterior: str, prior: str, words: str):
    with pytest.raises(VaelError, match=words):
        build_model(ModelRecipe(posterior=Part(posterior), prior=Part(prior)), OBSERVATION)


def test_flows_and_directions_refuse_what_they_cannot_be():
    with pytest.raises(VaelError, match="num_transforms ≥ 1"):
        build_model(ModelRecipe(posterior=Part("planar-flow", {"num_transforms": 0})), OBSERVATION)
    point = ModelRecipe(latent_dim=1, posterior=Part("von-mises-fisher"), prior=Part("uniform-sphere"))
    with pytest.raises(VaelError, match="latent_dim ≥ 2"):
        build_model(point, OBSERVATION)
