"""Critics on codes and on observations: values by hand, and whose gradient goes where."""

import pytest
import torch
from torch import nn

from vael.build import build_model, build_objective
from vael.errors import VaelError
from vael.models import VAE
from vael.objectives.adversarial import Adversarial, AdversarialImages
from vael.objectives.base import code_of
from vael.objectives.critics import CodeCritic, fooling_loss, judging_loss
from vael.random import seeded
from vael.recipe import ModelRecipe, Part, Recipe
from vael.types import Batch, Observation

STEP = torch.tensor(0.0)
SMALL = Part("mlp", {"hidden_features": [8]})
PICTURES = Observation((1, 8, 8), "unit")
BATCH = Batch(torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0)))
bce = nn.functional.binary_cross_entropy_with_logits


def build(posterior: str = "diagonal-normal", likelihood: str = "gaussian") -> VAE:
    observation = Observation((1, 8, 8), "levels", 17) if likelihood == "discretized-logistic" else PICTURES
    with seeded(0):
        return build_model(ModelRecipe(3, SMALL, SMALL, Part(likelihood), posterior=Part(posterior)), observation)


def test_what_both_sides_minimise():
    first, second = torch.tensor([0.3, -2.0]), torch.tensor([1.0, 5.0])
    by_hand = 0.5 * (bce(first, torch.ones(2)) + bce(second, torch.zeros(2)))
    torch.testing.assert_close(judging_loss(first, second), by_hand)
    torch.testing.assert_close(fooling_loss(second), bce(second, torch.ones(2)))
    assert float(judging_loss(torch.zeros(3), torch.zeros(3))) == pytest.approx(0.693147, rel=1e-5)


@pytest.mark.parametrize("posterior", ["diagonal-normal", "point"])
def test_codes_are_judged_against_the_prior(posterior: str):
    model, objective = build(posterior), Adversarial(weight=5.0, hidden_features=(16,))
    with seeded(1):
        critic = objective.build_critic(model)
    with seeded(2):
        got = objective(model, BATCH, STEP, critic)
    with seeded(2):
        inference = model.infer(BATCH)
        drawn = model.draw(6)
    z = code_of(inference)
    expected = inference.distortion.mean() + 5 * bce(critic(z), torch.ones(6))
    torch.testing.assert_close(got.value, expected)
    assert got.adversary is not None
    judged = 0.5 * (bce(critic(drawn), torch.ones(6)) + bce(critic(z), torch.zeros(6)))
    torch.testing.assert_close(got.adversary, judged)
    mine = torch.autograd.grad(got.adversary, list(model.parameters()), allow_unused=True, retain_graph=True)
    assert all(grad is None for grad in mine)
    assert bool((torch.autograd.grad(got.value, model.get_parameter("posterior.head.weight"))[0] != 0).any())


def test_the_game_leads_codes_to_the_prior():
    """Codes that start far away, the two losses in turn: they come to the prior's mean and spread."""
    with seeded(0):
        critic = CodeCritic(2, (64, 64))
        z = (torch.randn(256, 2) * 0.2 + 2).requires_grad_()
        sides = [torch.optim.Adam([z], 2e-2, betas=(0.5, 0.9)), torch.optim.Adam(critic.parameters(), 2e-3)]
        for _ in range(600):
            for side, value in zip(sides, (fooling_loss(critic(z)), None), strict=True):
                side.zero_grad()
                (judging_loss(critic(torch.randn(256, 2)), critic(z.detach())) if value is None else value).backward()
                side.step()
    assert float(z.detach().mean(0).abs().max()) < 0.6
    assert 0.4 < float(z.detach().std(0).mean()) < 1.6


@pytest.mark.parametrize("channels", [(), (4, 8)])
def test_pictures_are_compared_by_the_critics_features(channels: tuple[int, ...]):
    model = build()
    objective = AdversarialImages(2.0, 3.0, 0.5, beta=0.25, channels=channels, hidden_features=(16,))
    with seeded(1):
        critic = objective.build_critic(model)
    with seeded(2):
        got = objective(model, BATCH, STEP, critic)
    with seeded(2):
        inference = model.infer(BATCH)
        drawn = model.draw(6)
    made = torch.cat([inference.p_x.mean[0], model.decode(drawn).mean])
    (real, wanted), (fake, _) = critic(BATCH.x), critic(made)
    features = (critic(inference.p_x.mean[0])[1] - wanted).square().sum(1).mean()
    expected = features + 3 * bce(fake, torch.ones(12)) + 0.5 * inference.distortion.mean()
    torch.testing.assert_close(got.value, expected + 0.25 * inference.rate.mean())
    assert got.adversary is not None
    judged = 0.5 * (bce(real, torch.ones(6)) + bce(fake, torch.zeros(12)))
    torch.testing.assert_close(got.adversary, judged)


def test_the_verdict_moves_the_decoder_alone():
    model = build()
    verdict_alone = AdversarialImages(feature_weight=0.0, beta=0.0)
    critic = verdict_alone.build_critic(model)
    got = verdict_alone(model, BATCH, STEP, critic)
    got.value.backward()
    for name, param in model.named_parameters():
        moved = param.grad is not None and bool((param.grad != 0).any())
        assert moved == name.startswith("decoder"), name
    assert got.adversary is not None
    mine = torch.autograd.grad(got.adversary, list(model.parameters()), allow_unused=True)
    assert all(grad is None for grad in mine)


def test_a_mean_that_is_rounded_is_refused():
    levels = build(likelihood="discretized-logistic")
    assert "which has no gradient here" in AdversarialImages().find_misfit(levels)
    assert not AdversarialImages().find_misfit(build())
    model = ModelRecipe(3, SMALL, SMALL, Part("discretized-logistic"))
    with pytest.raises(VaelError, match=r"use data.treatment=grey with model.likelihood=gaussian$"):
        build_objective(Recipe(model=model, objective=Part("adversarial-images")), levels, 10)


def test_wrong_numbers_are_refused():
    with pytest.raises(VaelError, match="weight ≥ 0"):
        Adversarial(weight=-1.0)
    with pytest.raises(VaelError, match="weights ≥ 0"):
        AdversarialImages(feature_weight=-1.0)
    with pytest.raises(VaelError, match="critic with features"):
        AdversarialImages(hidden_features=())
