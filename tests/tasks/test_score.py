import sys

import numpy as np
import pytest
import torch
from scipy.stats import norm, percentileofscore

from vael.build import build_model
from vael.data.batches import DeviceData
from vael.data.treatments import find_treatment
from vael.models import OneLayerVAE
from vael.random import seeded
from vael.recipe import ModelRecipe, Part
from vael.tasks import Scores, embed, score
from vael.types import Observation


def build(posterior: str = "diagonal-normal") -> OneLayerVAE:
    small = Part("mlp", {"hidden_features": [8]})
    recipe = ModelRecipe(3, small, small, Part("gaussian"), posterior=Part(posterior))
    with seeded(0):
        model = build_model(recipe, Observation((4,), "real"))
    assert isinstance(model, OneLayerVAE)
    return model


def table(count: int = 50) -> DeviceData:
    rows = np.random.default_rng(0).normal(size=(count, 4)).astype(np.float32)
    return DeviceData(torch.from_numpy(rows), find_treatment("real", 0))


@pytest.mark.parametrize("posterior", ["diagonal-normal", "full-normal"])
def test_the_terms_are_those_at_the_posteriors_mean(posterior: str):
    model, data = build(posterior), table()
    found = score(model, data)
    with torch.no_grad():
        q_z = model.encode(data.raw)
        decoded = model.decode(q_z.mean).mean.numpy()
    mu, covariance = q_z.mean.double().numpy(), np.zeros((50, 3, 3))
    if posterior == "full-normal":
        covariance = q_z.covariance_matrix.double().numpy()  # pyright: ignore[reportAttributeAccessIssue]
    else:
        covariance[:, range(3), range(3)] = q_z.variance.double().numpy()
    log_det = np.linalg.slogdet(covariance)[1]
    rate = 0.5 * (np.trace(covariance, axis1=1, axis2=2) + (mu**2).sum(1) - 3 - log_det)
    np.testing.assert_allclose(found.rate_nats, rate, rtol=1e-4, atol=1e-5)
    distortion = -norm.logpdf(data.raw.numpy(), decoded).sum(-1)  # σ is 1 at the start
    np.testing.assert_allclose(found.distortion_nats, distortion, rtol=1e-4)
    np.testing.assert_allclose(found.score_nats, rate + distortion, rtol=1e-4)
    assert found.rate_nats.dtype == found.distortion_nats.dtype == found.score_nats.dtype == np.float32
    np.testing.assert_array_equal(found.rate_nats, embed(model, data).rate_nats)


def test_a_score_does_not_depend_on_the_seed_or_on_the_company(monkeypatch: pytest.MonkeyPatch):
    model, data = build(), table()
    whole = score(model, data)
    np.testing.assert_array_equal(whole.score_nats, score(model, data, seed=5).score_nats)
    monkeypatch.setattr(sys.modules[score.__module__], "CELLS_AT_ONCE", 4 * 7)  # seven examples a batch
    np.testing.assert_allclose(whole.score_nats, score(model, data).score_nats, rtol=1e-5)


def test_an_autoencoders_score_is_its_distortion():
    found = score(build("point"), table())
    assert np.isnan(found.rate_nats).all()
    np.testing.assert_array_equal(found.score_nats, found.distortion_nats)


def test_the_percentile_is_scipys_strict_one():
    values = np.random.default_rng(0).integers(0, 20, 60).astype(np.float32)
    found = Scores(np.zeros(60, np.float32), values)
    for value in (-1.0, 0.0, 7.0, 7.5, 19.0, 30.0):
        assert found.percentile(value) == pytest.approx(percentileofscore(values, value, kind="strict"))
