"""PSNR and SSIM against their definitions written out, window by window."""

import math

import numpy as np
import pytest
import torch

from vael.evaluation.similarity import find_psnr, find_ssim


def pair(size: int, channels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.Generator(np.random.PCG64(0))
    x = generator.random((2, channels, size, size))
    return x, np.clip(x + 0.3 * generator.normal(size=x.shape), 0, 1)


def test_psnr_is_that_of_its_definition() -> None:
    x, y = pair(9, 3)
    found = find_psnr(torch.from_numpy(x), torch.from_numpy(y)).numpy()
    for i in range(2):
        assert found[i] == pytest.approx(10 * math.log10(1 / np.mean((x[i] - y[i]) ** 2)))
    assert find_psnr(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2)).item() == math.inf


def test_ssim_is_that_of_its_definition() -> None:
    """Wang et al. 2004, eq. 13, with weighted moments of every 11 × 11 window, by loops."""
    x, y = pair(14, 2)
    offsets = np.arange(-5, 6)
    window = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * 1.5**2))
    window /= window.sum()
    expected = np.zeros(2)
    for i in range(2):
        values = []
        for c in range(2):
            for row in range(4):
                for column in range(4):
                    a, b = (z[i, c, row : row + 11, column : column + 11] for z in (x, y))
                    mu_a, mu_b = (window * a).sum(), (window * b).sum()
                    var_a, var_b = (window * (a - mu_a) ** 2).sum(), (window * (b - mu_b) ** 2).sum()
                    cov = (window * (a - mu_a) * (b - mu_b)).sum()
                    luminance = (2 * mu_a * mu_b + 1e-4) / (mu_a**2 + mu_b**2 + 1e-4)
                    values.append(luminance * (2 * cov + 9e-4) / (var_a + var_b + 9e-4))
        expected[i] = np.mean(values)
    found = find_ssim(torch.from_numpy(x), torch.from_numpy(y))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4)


def test_ssim_of_images_smaller_than_its_window_is_unknown() -> None:
    assert torch.isnan(find_ssim(torch.ones(3, 1, 10, 28), torch.ones(3, 1, 10, 28))).all()
