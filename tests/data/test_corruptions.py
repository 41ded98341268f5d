"""What spoils x: its moments and shares, what it refuses, and that p(x | z) is still asked for the whole x."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

import vael
from vael.build import build_corruption, build_model
from vael.data.batches import DeviceData
from vael.data.corruptions import CORRUPTIONS, Gaussian, Greyscale, Masking, SaltAndPepper
from vael.data.treatments import find_treatment
from vael.errors import VaelError
from vael.models import at_mean
from vael.random import seeded
from vael.recipe import Part, Recipe, TrainingRecipe, parse_settings
from vael.types import Batch, Observation

X = torch.full((40_000, 4), 0.25)


def test_gaussian_noise_has_the_stated_spread() -> None:
    with seeded(0):
        noise = Gaussian(0.3)(X) - X
        levels = Gaussian(0.1)(torch.full((40_000, 4), 100.0), 255.0) - 100
        cut = Gaussian(2.0, clip=True)(X)
    assert float(noise.mean()) == pytest.approx(0, abs=4 * 0.3 / 400)
    assert float(noise.std()) == pytest.approx(0.3, rel=0.01)
    assert float(levels.std()) == pytest.approx(25.5, rel=0.01)
    assert (float(cut.min()), float(cut.max())) == (0, 1)


def test_shares_are_those_stated() -> None:
    with seeded(0):
        peppered, masked = SaltAndPepper(0.2)(X, 1.0), Masking(0.4)(X)
    error = 4 * math.sqrt(0.25 / X.numel())
    assert float((peppered == 0).float().mean()) == pytest.approx(0.1, abs=error)
    assert float((peppered == 1).float().mean()) == pytest.approx(0.1, abs=error)
    assert float((peppered == 0.25).float().mean()) == pytest.approx(0.8, abs=error)
    assert float((masked == 0).float().mean()) == pytest.approx(0.4, abs=error)


def test_nothing_and_everything() -> None:
    assert torch.equal(Gaussian(0.0)(X), X)
    assert torch.equal(SaltAndPepper(0.0)(X), X)
    assert torch.equal(Masking(1.0)(X), torch.zeros_like(X))


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_the_encoder_sees_it_afresh_and_the_likelihood_does_not(name: str) -> None:
    raw = torch.randint(0, 256, (6, 3, 4, 4), dtype=torch.uint8)
    data = DeviceData(raw, find_treatment("levels", 256), corruption=CORRUPTIONS[name](), scale=255.0)
    with seeded(0):
        first, second = (data.batch(torch.arange(6)) for _ in range(2))
    assert torch.equal(first.x, raw.float())
    assert first.seen is not None
    assert second.seen is not None
    assert not torch.equal(first.seen, first.x)
    assert torch.equal(first.seen, second.seen) == (name == "greyscale")  # the one without chance
    assert first.input is first.seen
    assert Batch(first.x).input is first.x


@pytest.mark.parametrize("structure", ["one-layer", "bottom-up", "top-down", "ladder"])
def test_every_structure_infers_from_what_is_seen(structure: str) -> None:
    towers = {"name": "residual", "channels": [4, 5]} if structure == "ladder" else {"name": "mlp"}
    recipe = Recipe().override({"model.structure": structure, "model.latent_dim": 3, "model.encoder": towers})
    if structure == "ladder":
        recipe = recipe.override({"model.decoder": {"name": "residual", "channels": [5, 4]}})
        recipe = recipe.override({"model.structure": {"name": "ladder", "latents_per_scale": [1, 1]}})
    with seeded(0):
        model = build_model(recipe.model, Observation((1, 4, 4), "unit")).eval()
        x, seen = torch.rand(5, 1, 4, 4), torch.rand(5, 1, 4, 4)
    with torch.no_grad():
        spoilt = model(Batch(x, seen=seen), at_mean)
        other = model(Batch(seen), at_mean)
    for one, two in zip(spoilt.latents, other.latents, strict=True):
        assert torch.equal(one.z, two.z)
    assert torch.equal(spoilt.p_x.mean, other.p_x.mean)
    assert torch.equal(spoilt.x, x)
    assert torch.equal(spoilt.distortion, -spoilt.p_x.log_prob(x).mean(0))


def test_a_recipe_names_it_with_options() -> None:
    digits, rows = Observation((1, 8, 8), "levels", 17), Observation((5,), "real")
    colours = Observation((3, 8, 8), "unit")
    build = build_corruption
    assert build(TrainingRecipe(), digits) is None
    stated = Part("gaussian", {"sigma": 0.4, "clip": True})
    assert build(TrainingRecipe(corruption=stated), digits) == Gaussian(0.4, clip=True)
    assert build(TrainingRecipe(corruption=Part("greyscale")), colours) == Greyscale()
    refused = {
        r"unknown training\.corruption 'gausian': did you mean 'gaussian'": (Part("gausian"), digits),
        "masking, none, salt-and-pepper": (Part("pepper"), digits),
        "cannot spoil real numbers: use gaussian, masking": (Part("salt-and-pepper"), rows),
        "cannot spoil what has no colours: use gaussian, salt-and-pepper, masking": (Part("greyscale"), digits),
        "sigma ≥ 0, got -1": (Part("gaussian", {"sigma": -1.0}), digits),
        "share from 0 to 1, got 2": (Part("masking", {"share": 2.0}), digits),
        r"unknown option of training\.corruption 'masking' 'sigma'": (Part("masking", {"sigma": 1.0}), digits),
    }
    with pytest.raises(VaelError, match=r"by steps, got .* 'pca'"):
        build(TrainingRecipe(method="pca", corruption=stated), digits)
    for match, (part, observation) in refused.items():
        with pytest.raises(VaelError, match=match):
            build(TrainingRecipe(corruption=part), observation)


def test_a_training_on_spoilt_digits_learns_to_mend_them(tmp_path: Path) -> None:
    """Against the same training without corruption, on the same spoilt digits: less is lost."""
    lost = {}
    words = [
        "data.treatment=rounded",
        "model.likelihood=bernoulli",
        "training.epochs=80",
        "training.learning_rate=1e-3",
    ]
    for name, corruption in {"spoilt": '{name="gaussian", sigma=0.5}', "clean": "none"}.items():
        settings = parse_settings([*words, "training.snapshots=0", f"training.corruption={corruption}"])
        run = vael.train("digits", settings=settings, name=name, runs=tmp_path)
        batch = run.data("test").batch(torch.arange(180))
        with seeded(0), torch.no_grad():
            seen = Gaussian(0.5)(batch.x)
            found = run.model(Batch(batch.x, seen=seen), at_mean).p_x.mean[0]
        lost[name] = float(np.mean((found - batch.x).square().numpy()))
    assert lost["spoilt"] < 0.95 * lost["clean"]
