"""Colouring: the luma stays, the chroma is the decoder's as far as it fits, what is refused, and the command."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import vael
from vael import tasks
from vael.build import build_model
from vael.data.corruptions import Greyscale, find_luma
from vael.errors import VaelError
from vael.experiments import Run
from vael.random import seeded
from vael.recipe import Recipe, parse_settings
from vael.types import Batch, Observation

SIDE = 8
RED, BLUE = (200, 40, 40), (40, 60, 220)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Upright bars are red and level ones blue: the grey image says which colour it is."""
    path = tmp_path_factory.mktemp("bars")
    chance = np.random.default_rng(0)
    for number in range(200):
        image = np.full((SIDE, SIDE, 3), 20, np.uint8)
        start = chance.integers(0, SIDE - 2)
        if number % 2:
            image[:, start : start + 2] = RED
        else:
            image[start : start + 2] = BLUE
        Image.fromarray(image).save(path / f"{number:03}.png")
    return path


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    words = [
        "data.treatment=grey",
        "model.latent_dim=4",
        "model.encoder=mlp",
        "model.decoder=mlp",
        "model.likelihood=optimal-gaussian",
        "training.epochs=60",
        "training.batch_size=32",
        "training.learning_rate=3e-3",
        "training.snapshots=0",
        "training.corruption=greyscale",
    ]
    runs = tmp_path_factory.mktemp("runs")
    return vael.train(str(folder), settings=parse_settings(words), runs=runs, name="colours")


def luma(x: np.ndarray) -> np.ndarray:
    red, green, blue = np.moveaxis(x.astype(np.float64), -3, 0)
    return (0.299 * red + 0.587 * green + 0.114 * blue)[..., None, :, :]


def test_the_luma_is_the_one_that_grey_files_have() -> None:
    """Pillow turns colours into greys with the same weights, rounded to bytes."""
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    grey = np.asarray(Image.fromarray(pixels).convert("L"), np.float64)
    found = find_luma(torch.from_numpy(pixels).permute(2, 0, 1).float())[0].numpy()
    assert np.abs(found - grey).max() < 1
    once = Greyscale()(torch.rand(2, 3, 4, 4))
    torch.testing.assert_close(Greyscale()(once), once)


def test_the_colours_are_those_of_the_shape_and_the_luma_stays(run: Run) -> None:
    found = run.colorize(list(range(10)), num_colourings=3)
    assert found.x is not None
    assert found.psnr_db is not None
    assert found.grey_psnr_db is not None
    assert found.colourings.shape == (3, 10, 3, SIDE, SIDE)
    np.testing.assert_allclose(luma(found.colourings), np.broadcast_to(found.grey, (3, 10, 1, SIDE, SIDE)), atol=1e-5)
    np.testing.assert_allclose(luma(found.x), found.grey, atol=1e-5)
    assert 0 <= found.colourings.min() <= found.colourings.max() <= 1
    mse = np.square(found.colourings - found.x).mean((2, 3, 4), np.float64)
    np.testing.assert_allclose(found.psnr_db, -10 * np.log10(mse), rtol=1e-3)
    assert found.psnr_db.mean() > found.grey_psnr_db.mean() + 3
    assert not np.array_equal(found.colourings[0], found.colourings[1])


def test_the_true_colours_are_no_use(run: Run) -> None:
    """Only the luma reaches the encoder, be the batch coloured, grey, or both."""
    batch = run.batch([0, 1, 2])
    grey = Greyscale()(batch.x)
    own = run.colorize([0, 1, 2], seed=4)
    for other in (batch, Batch(grey)):
        found = run.colorize(other, seed=4)
        np.testing.assert_allclose(found.colourings, own.colourings, atol=1e-5)
        assert found.x is found.psnr_db is found.grey_psnr_db is None


def test_chroma_that_does_not_fit_is_shortened() -> None:
    """A decoder that says the same pixel everywhere: grey + t · chroma, t by hand."""
    model = build_model(
        Recipe().override({"model.likelihood": "gaussian", "model.decoder": "mlp", "model.latent_dim": 1}).model,
        Observation((3, 1, 1), "unit"),
    )
    said = torch.tensor([0.9, 0.3, 0.2])
    with torch.no_grad():
        for parameter in model.get_submodule("decoder").parameters():
            parameter.zero_()
        model.get_parameter("decoder.out.bias").copy_(torch.logit(said))
    chroma = said - find_luma(said.view(3, 1, 1)).flatten()  # largest in red, where it is positive
    for grey, share in ((0.45, 1.0), (0.9, 0.1 / float(chroma[0])), (1.0, 0.0), (0.0, 0.0)):
        found = tasks.colorize(model, Batch(torch.full((1, 3, 1, 1), grey)), num_colourings=1).colourings.flatten()
        np.testing.assert_allclose(found, grey + min(share, 1.0) * chroma.numpy(), atol=1e-5)


def test_levels_stay_on_their_scale() -> None:
    recipe = Recipe().override({"model.likelihood": "discretized-logistic", "model.latent_dim": 2})
    with seeded(0):
        model = build_model(recipe.model, Observation((3, 4, 4), "levels", 256))
        x = torch.randint(0, 256, (2, 3, 4, 4)).float()
    found = tasks.colorize(model, tasks.spoil(Batch(x), Greyscale(), scale=255.0))
    np.testing.assert_allclose(luma(found.colourings), np.broadcast_to(luma(x.numpy()), (4, 2, 1, 4, 4)), atol=2e-3)
    assert found.grey_psnr_db is not None
    mse = np.square((x.numpy() - luma(x.numpy())) / 255).mean((1, 2, 3))
    np.testing.assert_allclose(found.grey_psnr_db, -10 * np.log10(mse), rtol=1e-4)


def test_tables_and_grey_models_are_refused(run: Run) -> None:
    for observation in (Observation((3,), "real"), Observation((1, 4, 4), "unit")):
        likelihood = {"model.likelihood": "gaussian", "model.latent_dim": 2}
        model = build_model(Recipe().override(likelihood).model, observation)
        with pytest.raises(VaelError, match="colorize: 'greyscale' cannot spoil"):
            tasks.colorize(model, Batch(torch.zeros(1, *observation.shape)))
    with pytest.raises(VaelError, match="≥ 1, got 0"):
        run.colorize([0], num_colourings=0)


def test_the_command_draws_and_tells(run: Run, tmp_path: Path, command: Callable[..., str]) -> None:
    call = partial(command, "colorize", str(run.path))

    said = call("--examples", "1", "4", "--num-colourings", "3")
    assert "grey: PSNR" in said
    assert "coloured: PSNR" in said
    with Image.open(run.path / "figures" / "colourings.png") as image:
        width, height = image.size
    assert height > 2.3 * width  # five rows of two
    told = json.loads(call("--output", "out.npz", "--json"))
    assert told["psnr_db"] > told["grey_psnr_db"]
    assert set(np.load("out.npz")) == {"original", "grey", *(f"colouring_{number}" for number in range(1, 5))}
    Image.fromarray(np.full((SIDE, SIDE), 77, np.uint8)).save("grey.png")  # one channel
    assert "PSNR" not in call("grey.png", "-o", "coloured.npz")
    arrays = np.load("coloured.npz")
    assert "original" not in arrays
    np.testing.assert_allclose(arrays["grey"], 77 / 255, rtol=1e-5)
    np.testing.assert_allclose(luma(arrays["colouring_1"]), 77 / 255, rtol=1e-4)
    assert "leave one out" in call("grey.png", "--examples", "1", code=2)
