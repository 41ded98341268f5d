import numpy as np
import pytest
import torch

from vael.build import build_model
from vael.data.batches import DeviceData
from vael.data.treatments import find_treatment
from vael.errors import VaelError
from vael.models import OneLayerVAE
from vael.random import seeded
from vael.recipe import ModelRecipe, Part
from vael.tasks import Known, embed, find_neighbours, inspect, reconstruct, score
from vael.types import Batch, Observation

SHAPE = (1, 4, 3)


def build(posterior: str = "diagonal-normal") -> OneLayerVAE:
    small = Part("mlp", {"hidden_features": [8], "batch_norm": True})
    recipe = ModelRecipe(3, small, small, Part("bernoulli"), posterior=Part(posterior))
    with seeded(0):
        model = build_model(recipe, Observation(SHAPE, "binary", 2))
    assert isinstance(model, OneLayerVAE)
    return model


def binary(count: int = 30) -> DeviceData:
    raw = np.random.default_rng(0).integers(0, 2, (count, *SHAPE)).astype(np.uint8)
    return DeviceData(torch.from_numpy(raw), find_treatment("static", 2))


@pytest.mark.parametrize("posterior", ["diagonal-normal", "full-normal", "point"])
def test_an_inspection_agrees_with_the_other_tasks(posterior: str):
    model, data = build(posterior), binary()
    batch = data.batch(torch.tensor([4, 9, 2]))
    found, rows = inspect(model, batch), [4, 9, 2]
    scores, embedding, pairs = score(model, data), embed(model, data), reconstruct(model, batch)
    np.testing.assert_array_equal(found.x, data.raw[rows].float())
    np.testing.assert_allclose(found.mean, pairs.mean, rtol=1e-5)
    np.testing.assert_allclose(found.z_mean, embedding.mean[rows], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.z_stddev, embedding.stddev[rows], rtol=1e-5)
    np.testing.assert_allclose(found.rate_nats, embedding.rate_nats[rows], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.rate_per_dim_nats, embedding.rate_per_dim_nats[rows], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.distortion_nats, scores.distortion_nats[rows], rtol=1e-5)
    np.testing.assert_allclose(found.score_nats, scores.score_nats[rows], rtol=1e-5)


def test_without_known_examples_there_is_nothing_to_compare_with():
    found = inspect(build(), binary(2).batch(torch.tensor([0, 1])))
    assert np.isnan(found.percentile).all()
    assert found.neighbours.indices.shape == found.neighbours.distances.shape == (2, 0)


def test_known_examples_give_percentile_and_neighbours():
    model, data = build(), binary()
    known = Known(score(model, data), embed(model, data).mean)
    found = inspect(model, data.batch(torch.tensor([3, 5])), known=known, num_neighbours=4, skip=[3, 5])
    means = embed(model, data).mean
    peer = find_neighbours(means, means[[3, 5]], num_neighbours=4, skip=[3, 5])
    np.testing.assert_array_equal(found.neighbours.indices, peer.indices)
    ranks = known.scores.score_nats.argsort().argsort()[[3, 5]]
    np.testing.assert_allclose(found.percentile, 100 * ranks / 30, atol=100 / 30 + 1e-3)  # up to rounding of its own
    assert inspect(model, Batch(data.raw[:1].float()), known=known, num_neighbours=0).neighbours.indices.size == 0
    foreign = inspect(model, Batch(data.raw[:1].float()), known=known)
    assert foreign.neighbours.indices[0, 0] == 0
    assert foreign.neighbours.distances[0, 0] == pytest.approx(0, abs=1e-6)


def test_fewer_neighbours_than_none_are_refused():
    model, data = build(), binary()
    known = Known(score(model, data), embed(model, data).mean)
    with pytest.raises(VaelError, match=r"num_neighbours ≥ 1, got .* and -1"):
        inspect(model, Batch(data.raw[:1].float()), known=known, num_neighbours=-1)
