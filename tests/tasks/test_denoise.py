"""Mending: what is compared with what, the estimate itself, and the command."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

import vael
from vael import tasks
from vael.build import build_model
from vael.data.corruptions import Gaussian
from vael.errors import VaelError
from vael.experiments import Run
from vael.random import seeded
from vael.recipe import Recipe, parse_settings
from vael.types import Batch, Observation


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    words = ["training.epochs=20", "training.snapshots=0", 'training.corruption={name="masking", share=0.2}']
    return vael.train("digits", settings=parse_settings(words), runs=tmp_path_factory.mktemp("runs"), name="mends")


def test_the_estimate_is_the_mean_over_draws(run: Run) -> None:
    """16 draws of the posterior given what is seen, decoded one by one."""
    batch = run.batch([0, 1, 2])
    spoilt = tasks.spoil(batch, Gaussian(0.3), scale=run.observation.scale, seed=3)
    assert spoilt.seen is not None
    found = tasks.denoise(run.model, spoilt, num_samples=4000)
    with torch.no_grad():
        q_z = run.model.infer_latents(Batch(spoilt.seen), lambda layer, q_z: q_z.mean.unsqueeze(0))[0].q_z
        z = q_z.sample(torch.Size((4000,)))
        expected = run.model.decode(z).mean.mean(0)
    np.testing.assert_allclose(found.mean, expected.numpy(), atol=0.05 * run.observation.scale)
    again = tasks.denoise(run.model, spoilt, num_samples=16)
    np.testing.assert_array_equal(again.mean, tasks.denoise(run.model, spoilt, num_samples=16).mean)


def test_quality_is_measured_against_the_clean_ones(run: Run) -> None:
    found = run.denoise([0, 1, 2, 3], noise={"name": "gaussian", "sigma": 0.5})
    assert found.x is not None
    assert found.before is not None
    assert found.after is not None
    scale = run.observation.scale
    mse = ((found.x - found.mean) / scale).reshape(4, -1).__pow__(2).mean(1)
    np.testing.assert_allclose(found.after.psnr_db, -10 * np.log10(mse), rtol=1e-4)
    assert np.isnan(found.after.ssim).all()  # 8 × 8 pixels hold no window
    assert found.after.psnr_db.mean() > found.before.psnr_db.mean() + 3


def test_foreign_images_are_mended_as_they_are(run: Run) -> None:
    batch = run.batch([0, 1])
    found = run.denoise(batch)
    assert found.x is None
    assert found.before is found.after is None
    np.testing.assert_array_equal(found.seen, batch.x.numpy())


def test_the_noise_is_that_of_the_training_unless_stated(run: Run) -> None:
    own = run.denoise([0], seed=1)
    assert own.x is not None
    np.testing.assert_array_equal(own.seen[own.seen != own.x], 0)
    with pytest.raises(VaelError, match="did you mean 'masking'"):
        run.denoise([0], noise="maskin")
    with pytest.raises(VaelError, match="expects a noise"):
        run.denoise([0], noise="none")


def test_the_command_draws_and_tells(run: Run, tmp_path: Path, command: Callable[..., str]) -> None:
    call = partial(command, "denoise", str(run.path))

    said = call("--examples", "1", "4", "--noise", '{name="gaussian", sigma=0.3}')
    assert "spoilt: PSNR" in said
    assert "mended: PSNR" in said
    assert (run.path / "figures" / "denoised.png").exists()
    told = json.loads(call("--noise", "gaussian", "--output", "out.npz", "--json"))
    assert told["count"] == 10
    assert told["after"]["psnr_db"] > told["before"]["psnr_db"]
    assert set(np.load("out.npz")) == {"x", "seen", "clean"}
    call(str(run.path / "figures" / "denoised.png"), "-o", "mended.png")
    assert Path("mended.png").exists()
    assert "leave one out" in call("x.png", "--noise", "gaussian", code=2)
    assert "cannot be read" in call("missing.png", code=2)


def test_known_noise_is_taken_into_account_as_in_closed_form() -> None:
    """A linear Gaussian model whose encoder is off: what is expected behind normal noise is that of Bayes."""
    linear = {"name": "mlp", "hidden_features": []}
    settings = {"model.encoder": linear, "model.decoder": linear, "model.latent_dim": 2}
    recipe = Recipe().override({**settings, "model.likelihood": {"name": "gaussian", "sigma": 0.4}})
    with seeded(1):
        model = build_model(recipe.model, Observation((5,), "real", 0, tuple("abcde")))
    seen, sigma = torch.randn(6, 5, generator=torch.Generator().manual_seed(2)), 0.7
    layer = next(part for part in model.decoder.modules() if isinstance(part, torch.nn.Linear))  # pyright: ignore
    weight, bias = layer.weight.detach().double(), layer.bias.detach().double()
    noise = 0.4**2 + sigma**2
    precision = torch.eye(2, dtype=torch.float64) + weight.T @ weight / noise
    mean_z = torch.linalg.solve(precision, weight.T @ (seen.double() - bias).T / noise).T
    found = tasks.denoise(model, Batch(seen), num_samples=0, sigma=sigma, num_steps=2000)
    np.testing.assert_allclose(found.mean, mean_z @ weight.T + bias, atol=0.02)
    blind = tasks.denoise(model, Batch(seen), num_samples=0)
    assert np.abs(blind.mean - (mean_z @ weight.T + bias).numpy()).max() > 0.1


def test_a_run_uses_the_noise_that_it_made(run: Run) -> None:
    """Cut or other noise is of no known density, and the encoder's word is taken for it."""
    batch = run.batch([0, 1, 2, 3])
    normal = run.denoise([0, 1, 2, 3], noise={"name": "gaussian", "sigma": 0.5})
    spoilt = tasks.spoil(batch, Gaussian(0.5), scale=run.observation.scale)
    known = tasks.denoise(run.model, spoilt, sigma=0.5 * run.observation.scale)
    np.testing.assert_array_equal(normal.mean, known.mean)
    cut = run.denoise([0, 1, 2, 3], noise={"name": "gaussian", "sigma": 0.5, "clip": True})
    spoilt = tasks.spoil(batch, Gaussian(0.5, clip=True), scale=run.observation.scale)
    np.testing.assert_array_equal(cut.mean, tasks.denoise(run.model, spoilt).mean)
