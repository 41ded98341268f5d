"""Models that know the label: encoder, decoder and prior are given it, and tasks ask for it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

import vael
from vael.build import build_model
from vael.errors import VaelError
from vael.models import VAE
from vael.random import seeded
from vael.recipe import ModelRecipe, Part
from vael.tasks import sample, walk
from vael.types import Batch, Observation

CLASSES = ("zero", "one", "two")


def build(network: str) -> VAE:
    options = {"hidden_features": [8]} if network == "mlp" else {"channels": [4, 4]}
    part = Part(network, options)
    recipe = ModelRecipe(2, part, part, condition="label")
    with seeded(0):
        return build_model(recipe, Observation((1, 6, 5), "binary", 2, classes=CLASSES)).eval()


def batch(labels: list[int]) -> Batch:
    x = np.random.default_rng(0).integers(0, 2, (1, 1, 6, 5)).repeat(len(labels), 0)
    return Batch(torch.from_numpy(x).float(), torch.eye(3)[labels])


@pytest.mark.parametrize("network", ["mlp", "conv"])
def test_the_label_changes_posterior_and_likelihood_of_the_same_x(network: str) -> None:
    model = build(network)
    with seeded(0), torch.inference_mode():
        inference = model.infer(batch([0, 1, 1]), num_samples=4)
        mean = inference.latents[0].q_z.mean
        same = model.decode(torch.zeros(3, 2), torch.eye(3)).mean
    assert inference.log_w.shape == (4, 3)
    assert not torch.allclose(mean[0], mean[1])
    torch.testing.assert_close(mean[1], mean[2])
    assert not torch.allclose(same[0], same[1])


def test_a_model_is_not_asked_without_its_label_nor_another_with_one() -> None:
    model = build("mlp")
    with pytest.raises(VaelError, match="expects labels of 3 classes, got none"):
        model.infer(Batch(batch([0]).x))
    with pytest.raises(VaelError, match=r"a label expects 0 … 2, got 3"):
        sample(model, 2, label=3)
    with seeded(0):
        plain = build_model(ModelRecipe(2), Observation((1, 6, 5), "binary", 2, classes=CLASSES))
    with pytest.raises(VaelError, match="not conditioned on a label"):
        sample(plain, 2, label=1)
    with pytest.raises(VaelError, match="needs data with labels"):
        build_model(ModelRecipe(condition="label"), Observation((4,), "binary", 2))


def test_samples_take_one_label_after_the_other_or_the_one_that_is_named() -> None:
    model = build("mlp")
    cycled, ones = sample(model, 6), sample(model, 6, label=1)
    np.testing.assert_array_equal(cycled.z, ones.z)  # the standard normal knows no label
    same = np.isclose(cycled.x, ones.x).reshape(6, -1).all(1)
    assert same.tolist() == [False, True, False, False, True, False]


def test_a_walk_keeps_to_its_label() -> None:
    model = build("mlp")
    by_label = [walk(model, [0.0, 0.0], [1.0, 1.0], num_steps=3, label=label).x for label in (0, 1)]
    np.testing.assert_array_equal(by_label[0], walk(model, [0.0, 0.0], [1.0, 1.0], num_steps=3).x)
    assert not np.allclose(by_label[0], by_label[1])


def test_a_trained_model_draws_the_digit_that_it_is_asked_for(tmp_path: Path) -> None:
    settings = {"model.condition": "label", "training.epochs": 60, "training.snapshots": 0}
    run = vael.train("digits", settings=settings, runs=tmp_path, on_record=lambda record: None)
    pixels, digits = load_digits(return_X_y=True)
    judge = LogisticRegression(max_iter=2000).fit(pixels / 16, digits)
    for label in (0, 3, 7):
        x = run.sample(100, label=str(label)).x.reshape(100, -1)
        assert np.mean(judge.predict(x / run.observation.scale) == label) > 0.8
    evaluation = run.evaluate(num_samples=8)
    assert evaluation.elbo_nats is not None
    with pytest.raises(VaelError, match="unknown label 'ten'"):
        run.sample(1, label="ten")
