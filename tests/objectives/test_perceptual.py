"""Structural similarity against an implementation of the papers' formulas in SciPy."""

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate1d

from vael.build import build_model
from vael.errors import VaelError
from vael.models import VAE
from vael.objectives.perceptual import Perceptual, gaussian_window, ms_ssim
from vael.random import seeded
from vael.recipe import ModelRecipe, Part
from vael.types import Batch, Domain, Observation

STEP = torch.tensor(0.0)
SMALL = Part("mlp", {"hidden_features": [8]})
POWERS = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]


def build(posterior: str = "diagonal-normal", size: int = 24, domain: Domain = "unit") -> VAE:
    recipe = ModelRecipe(3, SMALL, SMALL, Part("gaussian"), posterior=Part(posterior))
    with seeded(0):
        return build_model(recipe, Observation((1, size, size), domain))


def blur(image: np.ndarray, size: int, sigma: float) -> np.ndarray:
    offsets = np.arange(size) - size // 2
    weights = np.exp(-(offsets**2) / (2 * sigma**2))
    weights /= weights.sum()
    edge = size // 2
    rows = correlate1d(correlate1d(image, weights, 0), weights, 1)
    return rows[edge:-edge, edge:-edge]


def similarity(x: np.ndarray, y: np.ndarray, num_scales: int, size: int = 11, sigma: float = 1.5) -> float:
    """One channel: contrast and structure at each scale, luminance at the last; 2×2 means in between."""
    powers = np.array(POWERS[:num_scales]) / sum(POWERS[:num_scales])
    result = 1.0
    for scale, power in enumerate(powers):
        mu_x, mu_y = blur(x, size, sigma), blur(y, size, sigma)
        var_x, var_y = blur((x**2), size, sigma) - mu_x**2, blur((y**2), size, sigma) - mu_y**2
        cov = blur(x * y, size, sigma) - mu_x * mu_y
        part = (2 * cov + 9e-4) / (var_x + var_y + 9e-4)
        if scale == num_scales - 1:
            part = part * (2 * mu_x * mu_y + 1e-4) / (mu_x**2 + mu_y**2 + 1e-4)
        result *= max(part.mean(), 1e-6) ** power  # a power of a negative likeness is none
        height, width = (n - n % 2 for n in x.shape)
        x, y = (im[:height, :width].reshape(height // 2, 2, width // 2, 2).mean((1, 3)) for im in (x, y))
    return float(result)


def pictures(shape: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(0)
    x = rng.random(shape)
    return torch.from_numpy(x).float(), torch.from_numpy(np.clip(x + 0.2 * rng.standard_normal(shape), 0, 1)).float()


@pytest.mark.parametrize(("size", "num_scales"), [((24, 24), 1), ((45, 47), 3), ((176, 180), 5)])
def test_similarity_is_that_of_the_papers(size: tuple[int, int], num_scales: int):
    x, y = pictures((2, 3, *size))
    got = ms_ssim(x, y, gaussian_window(11, 1.5, x.device), num_scales)
    expected = [
        np.mean([similarity(a, b, num_scales) for a, b in zip(one.double().numpy(), two.double().numpy(), strict=True)])
        for one, two in zip(x, y, strict=True)
    ]
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-4)
    assert 0.1 < expected[0] < 0.99


def test_an_image_is_wholly_similar_to_itself():
    x, y = pictures((2, 1, 48, 48))
    window = gaussian_window(11, 1.5, x.device)
    torch.testing.assert_close(ms_ssim(x, x, window, 3), torch.ones(2))
    torch.testing.assert_close(ms_ssim(x, y, window, 3), ms_ssim(y, x, window, 3))


def test_a_negative_likeness_has_a_finite_gradient():
    x = pictures((2, 1, 24, 24))[0]
    y = (1 - x).requires_grad_()
    ms_ssim(x, y, gaussian_window(11, 1.5, x.device), 2).sum().backward()
    assert y.grad is not None
    assert bool(torch.isfinite(y.grad).all())


@pytest.mark.parametrize(("posterior", "beta"), [("diagonal-normal", 0.5), ("point", 0.0)])
def test_value_is_the_lost_similarity_and_the_rate(posterior: str, beta: float):
    model, batch = build(posterior), Batch(pictures((2, 1, 24, 24))[0])
    with seeded(1):
        got = Perceptual(weight=30.0, beta=beta)(model, batch, STEP)
    with seeded(1), torch.no_grad():
        inference = model.infer(batch)
    rebuilt = inference.p_x.mean[0].double().numpy()
    alike = [similarity(x[0], y[0], 2) for x, y in zip(batch.x.double().numpy(), rebuilt, strict=True)]
    rate = float(inference.rate.mean()) if model.has_density else 0.0
    assert float(got.value.detach()) == pytest.approx(30 * (1 - np.mean(alike)) + beta * rate, rel=1e-4)
    assert float(got.rate) == pytest.approx(rate)
    assert float(got.distortion) == pytest.approx(float(inference.distortion.mean()), rel=1e-5)  # the likelihood's


def test_what_is_no_picture_or_too_small_is_refused():
    assert not Perceptual().find_misfit(build())
    assert "images of 11 pixels" in Perceptual().find_misfit(build(size=8))
    assert not Perceptual(window_size=7).find_misfit(build(size=8))
    assert "images of 88 pixels" in Perceptual(num_scales=4).find_misfit(build())
    assert "expects images in [0, 1]" in Perceptual().find_misfit(build(domain="real"))
    with pytest.raises(VaelError, match="weight > 0"):
        Perceptual(weight=0.0)
    with pytest.raises(VaelError, match="an integer in 0 … 5, got 6"):
        Perceptual(num_scales=6)
    with pytest.raises(VaelError, match="odd window_size"):
        Perceptual(window_size=4)
