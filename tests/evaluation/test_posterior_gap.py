"""The linear VAE's best posterior is exact: a spoilt encoder loses by amortisation alone."""

from typing import Any

import pytest
import torch

from vael.build import build_model
from vael.data.batches import DeviceData
from vael.data.treatments import find_treatment
from vael.errors import VaelError
from vael.evaluation.posterior_gap import measure_gap
from vael.recipe import ModelRecipe, Part
from vael.types import Observation


def test_a_spoilt_encoder_has_an_amortisation_gap_and_no_approximation_gap(linear: Any) -> None:
    """The loss of N(m + s, e^s S) against the posterior N(m, S): ½ Σ [e^s − 1 − s + s²/S_d] nats, in closed form."""
    shift = 0.4
    q_z = linear.model.encode(linear.data.raw)
    linear.perturb(shift)
    variance = q_z.variance[0].detach().double()
    expected = 0.5 * float((torch.exp(torch.tensor(shift)) - 1 - shift + shift**2 / variance).sum())
    found = measure_gap(linear.model, linear.data, num_steps=400, num_samples=2000)
    assert found.family == "diagonal-normal"
    assert found.amortisation_gap_nats == pytest.approx(expected, rel=0.03)
    assert found.approximation_gap_nats == pytest.approx(0, abs=0.01)
    assert found.full_elbo_nats == pytest.approx(found.diagonal_elbo_nats, abs=0.01)
    assert found.elbo_nats + found.amortisation_gap_nats + found.approximation_gap_nats == pytest.approx(
        found.log_px_nats
    )


def test_log_px_is_the_exact_evidence(linear: Any) -> None:
    found = measure_gap(linear.model, linear.data, num_examples=None, num_steps=50, num_samples=200)
    assert found.log_px_nats == pytest.approx(linear.log_px.mean(), abs=0.01)
    assert found.amortisation_gap_nats == pytest.approx(0, abs=0.01)


def test_turned_latents_need_the_full_covariance(linear: Any) -> None:
    """Latents in another basis have correlated posteriors: KL(best diagonal ‖ posterior) = ½ [log|Λ_d| − log|Λ|]."""
    rotation = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(0)))[0]
    decoder = linear.model.decoder.get_submodule("out")
    assert isinstance(decoder, torch.nn.Linear)
    with torch.no_grad():
        decoder.weight.copy_(decoder.weight @ rotation)
    weight = decoder.weight.detach().double()
    variance = torch.exp(2 * linear.model.state_dict()["likelihood.log_sigma"].double())
    precision = torch.eye(3).double() + weight.T @ weight / variance
    expected = 0.5 * float(precision.diagonal().log().sum() - torch.logdet(precision))
    assert expected > 0.1
    found = measure_gap(linear.model, linear.data, num_examples=50, num_steps=1500, num_samples=1000)
    assert found.approximation_gap_nats == pytest.approx(expected, rel=0.05)
    assert found.full_elbo_nats == pytest.approx(found.log_px_nats, abs=0.03)


def test_the_full_normal_is_its_own_family() -> None:
    model = build_model(
        ModelRecipe(latent_dim=2, likelihood=Part("gaussian"), posterior=Part("full-normal")), Observation((4,), "real")
    )
    found = measure_gap(model, DeviceData(torch.randn(9, 4), find_treatment("real", 0)), num_steps=100, num_samples=500)
    assert found.family == "full-normal"
    assert found.approximation_gap_nats == pytest.approx(found.log_px_nats - found.full_elbo_nats)
    assert found.amortisation_gap_nats > 0


def test_the_weights_of_the_model_stay_as_they_are(linear: Any) -> None:
    before = {name: tensor.clone() for name, tensor in linear.model.state_dict().items()}
    measure_gap(linear.model, linear.data, num_examples=5, num_steps=3, num_samples=3)
    assert all(torch.equal(before[name], tensor) for name, tensor in linear.model.state_dict().items())
    assert all(parameter.grad is None for parameter in linear.model.parameters())


def test_a_posterior_that_is_not_normal_is_refused() -> None:
    model = build_model(
        ModelRecipe(latent_dim=2, likelihood=Part("gaussian"), posterior=Part("point")), Observation((4,), "real")
    )
    with pytest.raises(VaelError, match="diagonal-normal"):
        measure_gap(model, DeviceData(torch.randn(9, 4), find_treatment("real", 0)))
