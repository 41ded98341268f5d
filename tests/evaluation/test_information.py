"""Information and marginal divergence add up to the rate, and are those that quadrature and closed forms give."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import norm

from vael.build import build_model
from vael.data.batches import DeviceData
from vael.data.treatments import find_treatment
from vael.errors import VaelError
from vael.evaluation import examples, information
from vael.evaluation.information import measure_information
from vael.random import seeded
from vael.recipe import ModelRecipe, Part
from vael.types import Observation


def test_the_parts_add_up_to_the_rate(linear: Any) -> None:
    found = measure_information(linear.model, linear.data, num_examples=None)
    assert found.information_nats + found.marginal_kl_nats == pytest.approx(found.rate_nats, abs=1e-9)
    assert found.information_nats < found.ceiling_nats == pytest.approx(math.log(400))
    assert found.information_upper_nats > found.information_nats


def test_the_bounds_hold_the_exact_information_of_a_linear_model(linear: Any) -> None:
    """z = Ax + noise of variance S, x normal: I = ½ log|I + S⁻¹A Σ_x Aᵀ|, and q(z) = p(z) at the solved optimum."""
    with torch.no_grad():
        head = linear.model.posterior.get_submodule("head")
        weight = head.weight[:3].double()
        variance = torch.exp(head.bias[3:].double())
    covariance = torch.cov(linear.data.raw.T.double())
    exact = 0.5 * float(torch.logdet(torch.eye(3).double() + (weight @ covariance @ weight.T) / variance[:, None]))
    found = measure_information(linear.model, linear.data, num_examples=None)
    assert found.information_nats < exact + 0.05
    assert found.information_upper_nats > exact - 0.05
    assert found.marginal_kl_nats > -0.05


def test_one_dimension_agrees_with_quadrature(linear: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """I = h(q(z)) − mean h(q(z|x_n)) of a mixture of 40 normals, by quadrature."""
    with seeded(0):
        model = build_model(ModelRecipe(latent_dim=1, likelihood=Part("gaussian")), Observation((12,), "real"))
    data = DeviceData(3 * linear.data.raw[:40], linear.data.treatment)
    with torch.no_grad():
        q_z = model.infer_latents(next(data.in_order(40)), lambda layer, q: q.mean.unsqueeze(0))[0].q_z
    mean, stddev = q_z.mean[:, 0].double().numpy(), q_z.stddev[:, 0].double().numpy()
    grid = np.linspace(-12, 12, 20_001)
    density = norm.pdf(grid[:, None], mean, stddev).mean(1)
    exact = -np.trapezoid(density * np.log(density), grid) - norm.entropy(mean, stddev).mean()
    found = [measure_information(model, data, num_examples=None, seed=seed).information_nats for seed in range(60)]
    assert exact > 0.02
    assert np.mean(found) == pytest.approx(exact, abs=4 * float(np.std(found)) / math.sqrt(60))
    monkeypatch.setattr(information, "CELLS_AT_ONCE", 50)
    monkeypatch.setattr(information, "BATCH_SIZE", examples.BATCH_SIZE)
    pieces = measure_information(model, data, num_examples=None, seed=0).information_nats
    assert pieces == pytest.approx(found[0], abs=1e-6)  # in pieces of the matrix or at once


def test_batches_make_no_difference_to_the_pairs(linear: Any) -> None:
    """Every pair counts once, the own posterior apart: brute force over all of them."""
    torch.manual_seed(0)
    posteriors = [
        torch.distributions.Independent(torch.distributions.Normal(torch.randn(n, 2), 1.0), 1) for n in (3, 4)
    ]
    z = torch.randn(7, 2)
    found = information._log_sum_of_others(list(posteriors), z)
    means = torch.cat([q.mean for q in posteriors])
    log_q = torch.tensor([[float(-0.5 * ((a - b) ** 2).sum() - math.log(2 * math.pi)) for b in means] for a in z])
    log_q.fill_diagonal_(-math.inf)
    torch.testing.assert_close(found, torch.logsumexp(log_q, 1).double(), rtol=1e-5, atol=1e-5)


def test_a_conditional_model_is_refused() -> None:
    observation = Observation((4,), "real", classes=("a", "b"))
    model = build_model(ModelRecipe(latent_dim=2, likelihood=Part("gaussian"), condition="label"), observation)
    with pytest.raises(VaelError, match="no condition"):
        measure_information(model, DeviceData(torch.randn(4, 4), find_treatment("real", 0)))
