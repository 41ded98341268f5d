"""The FactorVAE's critic: what it estimates, and whose gradient goes where."""

import numpy as np
import pytest
import torch
from scipy.stats import kstest, multivariate_normal, norm
from torch import Tensor, nn

from vael.build import build_model
from vael.errors import VaelError
from vael.models import VAE
from vael.objectives.base import code_of
from vael.objectives.critics import judging_loss
from vael.objectives.factor import Factor, permute_dims
from vael.random import seeded
from vael.recipe import ModelRecipe, Part
from vael.types import Batch, Observation

STEP = torch.tensor(0.0)
COVARIANCE = np.array([[1, 0.8], [0.8, 1]])
SMALL = Part("mlp", {"hidden_features": [8]})
BATCH = Batch(torch.rand(6, 5, generator=torch.Generator().manual_seed(0)).round())
OBJECTIVE = Factor(gamma=4.0, beta=0.5, hidden_features=(16,))


def build(latent_dim: int = 3) -> tuple[VAE, nn.Module]:
    with seeded(0):
        model = build_model(ModelRecipe(latent_dim, SMALL, SMALL, Part("bernoulli")), Observation((5,), "binary", 2))
        return model, OBJECTIVE.build_critic(model)


def loss(model: VAE, critic: nn.Module | None):
    with seeded(3):
        return OBJECTIVE(model, BATCH, STEP, critic)


class LogRatio(nn.Module):
    """The critic that a normal q(z) with correlation ρ would end with: log q(z) − Σ_d log q(z_d)."""

    def forward(self, z: Tensor) -> Tensor:
        joint = multivariate_normal.logpdf(z.numpy(), np.zeros(2), COVARIANCE)  # pyright: ignore[reportArgumentType]
        return torch.from_numpy(joint - norm.logpdf(z.numpy()).sum(-1))


def test_value_weighs_rate_and_the_critics_log_odds():
    model, critic = build()
    got = loss(model, critic)
    with seeded(3):
        inference = model.infer(BATCH)
    expected = inference.distortion.mean() + 0.5 * inference.rate.mean() + 4.0 * critic(code_of(inference)).mean()
    torch.testing.assert_close(got.value, expected)
    torch.testing.assert_close(got.rate, inference.rate.mean().detach())


def test_the_best_critics_log_odds_are_the_total_correlation():
    """Of a normal with correlation ρ: −½ log(1 − ρ²)."""
    eps = np.random.default_rng(0).standard_normal((200_000, 2))
    z = torch.from_numpy(eps @ np.linalg.cholesky(COVARIANCE).T)
    assert float(LogRatio()(z).mean()) == pytest.approx(-0.5 * np.log(1 - 0.64), rel=0.02)


def test_a_trained_critic_comes_near_the_total_correlation():
    """The critic that is built, trained by the very loss, on codes of a normal with correlation 0.8."""
    _, critic = build(2)
    root = torch.from_numpy(np.linalg.cholesky(COVARIANCE)).float()
    optimizer = torch.optim.Adam(critic.parameters(), 1e-2)
    with seeded(0):
        for _ in range(400):
            z = torch.randn(512, 2) @ root.T
            optimizer.zero_grad()
            judging_loss(critic(z), critic(permute_dims(z))).backward()
            optimizer.step()
        with torch.no_grad():
            got = float(critic(torch.randn(20_000, 2) @ root.T).mean())
    assert got == pytest.approx(-0.5 * np.log(1 - 0.64), abs=0.08)


def test_the_critic_learns_from_its_own_loss_alone_and_the_model_from_the_value_alone():
    """Elsewhere the critic's loss has been seen to move the encoder, or to read a graph that is gone."""
    model, critic = build()
    got = loss(model, critic)
    assert got.adversary is not None
    mine = torch.autograd.grad(got.adversary, list(model.parameters()), allow_unused=True, retain_graph=True)
    assert all(grad is None for grad in mine)
    theirs = torch.autograd.grad(got.adversary, list(critic.parameters()), retain_graph=True)
    assert all(bool((grad != 0).any()) for grad in theirs)
    with seeded(3):
        z = code_of(model.infer(BATCH)).detach()
        permuted = permute_dims(z)
    bce = nn.functional.binary_cross_entropy_with_logits
    by_hand = 0.5 * (bce(critic(z), torch.ones(6)) + bce(critic(permuted), torch.zeros(6)))
    expected = torch.autograd.grad(by_hand, list(critic.parameters()))
    for found, witness in zip(theirs, expected, strict=True):
        torch.testing.assert_close(found, witness)
    assert torch.autograd.grad(got.value, model.get_parameter("posterior.head.weight"))[0].abs().max() > 0


def test_permuting_keeps_each_dimension_and_breaks_their_bond():
    column = torch.randn(4000, 1, generator=torch.Generator().manual_seed(1))
    z = torch.cat([column, column, -column], 1)
    with seeded(0):
        got = permute_dims(z)
    for before, after in zip(z.T, got.T, strict=True):
        assert torch.equal(before.sort().values, after.sort().values)
    off_diagonal = torch.corrcoef(got.T) - torch.eye(3)
    assert float(off_diagonal.abs().max()) < 0.06
    assert not torch.equal(got[:, 0], z[:, 0])


def test_each_order_is_as_likely_as_every_other():
    with seeded(0):
        places = torch.stack([permute_dims(torch.arange(5.0).unsqueeze(1))[:, 0] for _ in range(3000)])
    shares = torch.bincount(places[:, 2].long(), minlength=5) / 3000
    assert float((shares - 0.2).abs().max()) < 0.04
    assert kstest(places[:, 0].numpy() + np.random.default_rng(0).random(3000), "uniform", args=(0, 5)).pvalue > 1e-3


def test_a_single_latent_a_negative_weight_and_a_missing_critic_are_refused():
    assert "model.latent_dim=2" in Factor().find_misfit(build(1)[0])
    assert not Factor().find_misfit(build(2)[0])
    with pytest.raises(VaelError, match="gamma ≥ 0"):
        Factor(gamma=-1.0)
    with pytest.raises(VaelError, match="needs its critic"):
        loss(build()[0], None)
