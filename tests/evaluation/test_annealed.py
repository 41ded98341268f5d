"""Annealed importance sampling reaches the evidence of the linear VAE, where its weights average to p(x)."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from vael.build import build_model
from vael.data.batches import DeviceData
from vael.data.treatments import find_treatment
from vael.errors import VaelError
from vael.evaluation import annealed
from vael.evaluation.annealed import estimate_annealed
from vael.evaluation.examples import choose_numbers
from vael.recipe import ModelRecipe, Part
from vael.types import Batch, Observation


@pytest.mark.parametrize("start", ["prior", "posterior"])
def test_the_estimate_is_the_exact_evidence_even_with_a_poor_encoder(linear: Any, start: Any) -> None:
    linear.perturb(1.0)
    found = estimate_annealed(
        linear.model, linear.data, num_examples=60, num_chains=16, num_steps=400, start=start, seed=1
    )
    exact = linear.log_px[choose_numbers(400, 60, 1)]
    assert found.num_examples == 60
    assert found.log_px_nats == pytest.approx(exact.mean(), abs=0.04)  # a little low, by what K = 16 chains allow
    assert found.log_px_nats_se == pytest.approx(exact.std(ddof=1) / math.sqrt(60), rel=0.05)
    assert 0.4 < found.acceptance < 0.95
    assert found.chain_nats_se < found.log_px_nats_se


def test_the_mean_weight_is_the_evidence_with_few_steps_too(linear: Any) -> None:
    """Unbiased whatever the schedule: 8 temperatures, 4,000 chains, one example; within four standard errors."""
    linear.perturb(0.15)
    batch = Batch(linear.data.raw[:1])
    path = annealed._Path.of(linear.model, batch, "posterior")
    with torch.random.fork_rng():
        torch.manual_seed(3)
        sizes = annealed._adapt(path, 4, 8, 3)
        log_w, _ = annealed._anneal(path, sizes, 4000, 3)
    ratio = np.exp(log_w[:, 0].numpy() - linear.log_px[0])
    assert ratio.mean() == pytest.approx(1, abs=4 * ratio.std() / math.sqrt(4000))
    assert 0.01 < ratio.std() < 2  # there is something to average


def test_a_move_leaves_its_distribution_as_it_is(linear: Any) -> None:
    """At β = 1 the target is the exact posterior, a normal: its moments stay through 30 moves."""
    path = annealed._Path.of(linear.model, Batch(linear.data.raw[:1]), "posterior")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        z = path.draw(20_000)
        mean, stddev = path.p_0.mean[0], path.p_0.stddev[0]
        for _ in range(30):
            log_f, gradient, _ = path.evaluate(z, 1.0)
            z, _ = annealed._move(path, z, 1.0, (log_f, gradient), stddev.mean().reshape(1), 3)
    torch.testing.assert_close(z[:, 0].mean(0), mean, atol=4 * float(stddev.max()) / math.sqrt(20_000), rtol=0)
    torch.testing.assert_close(z[:, 0].std(0), stddev, rtol=0.03, atol=0)


def test_the_same_seed_gives_the_same_numbers(linear: Any) -> None:
    first, again, other = (
        estimate_annealed(linear.model, linear.data, num_examples=5, num_chains=2, num_steps=5, seed=seed)
        for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other


def test_a_label_is_passed_on() -> None:
    observation = Observation((4,), "real", classes=("a", "b"))
    model = build_model(ModelRecipe(latent_dim=2, likelihood=Part("gaussian"), condition="label"), observation)
    data = DeviceData(torch.randn(6, 4), find_treatment("real", 0), torch.arange(6) % 2, 2)
    found = estimate_annealed(model, data, num_examples=None, num_chains=2, num_steps=5)
    assert math.isfinite(found.log_px_nats)


def test_what_has_no_evidence_is_refused(linear: Any) -> None:
    grey = build_model(ModelRecipe(latent_dim=2), Observation((1, 3, 3), "unit"))
    data = DeviceData(torch.zeros(5, 1, 3, 3, dtype=torch.uint8), find_treatment("grey", 256))
    with pytest.raises(VaelError, match="likelihood that is a density"):
        estimate_annealed(grey, data)
    with pytest.raises(VaelError, match="expect ≥ 1"):
        estimate_annealed(linear.model, linear.data, num_steps=0)
