"""A distance of pictures in place of a likelihood: multi-scale structural similarity.

It is no −log p(x | z): the loss is no bound, has no nats, and says nothing about the evidence. Rate and distortion are
still reported from the model's own likelihood.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vael.errors import VaelError
from vael.models import VAE
from vael.objectives.adversarial import find_blind_mean
from vael.objectives.base import Loss, Objective, value_at
from vael.schedules import Schedule
from vael.types import Batch

__all__ = ["Perceptual", "gaussian_window", "ms_ssim", "similarity"]

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al. 2003, section 3.2
STABILISERS = (0.01**2, 0.03**2)  # (K₁ L)² and (K₂ L)², L = 1
LEAST_SIMILARITY = 1e-6  # a power below 1 has an infinite slope at 0


@dataclass(frozen=True)
class Perceptual(Objective):
    """Minimise λ · (1 − MS-SSIM(x, x̂)) + β · rate, x̂ the mean of p(x | z). This is NO likelihood and no bound.

    Use it for pictures that please; never compare its numbers with those of a likelihood.
    References: "Multi-scale structural similarity for image quality assessment", Wang et al. 2003,
    https://doi.org/10.1109/ACSSC.2003.1292216; in autoencoders, Snell et al. 2017, https://arxiv.org/abs/1511.06409.

    Arguments:
        weight: λ > 0, how much a full loss of similarity weighs against a nat of rate.
        beta: The weight of the rate: a number ≥ 0 or a schedule; 0 works with a posterior that has no density.
        num_scales: 1 … 5; 0 takes as many as the image holds windows of.
        window_size: The width of the Gaussian window, odd, pixels.
        window_sigma: Its standard deviation, pixels.
    """

    weight: float = 100.0
    beta: float | Schedule = 1.0
    num_scales: int = 0
    window_size: int = 11
    window_sigma: float = 1.5

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense."""
        if self.weight <= 0 or (isinstance(self.beta, (int, float)) and self.beta < 0):
            raise VaelError(f"perceptual expects weight > 0 and beta ≥ 0, got {self.weight} and {self.beta}")
        if not 0 <= self.num_scales <= len(SCALE_WEIGHTS):
            raise VaelError(f"objective.num_scales expects an integer in 0 … 5, got {self.num_scales}")
        if self.window_size < 1 or self.window_size % 2 == 0 or self.window_sigma <= 0:
            raise VaelError(
                f"perceptual expects an odd window_size and window_sigma > 0, "
                f"got {self.window_size} and {self.window_sigma}"
            )

    @property
    def needs_density(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Without a weight the rate is not read."""
        return self.beta != 0

    def find_misfit(self, model: VAE) -> str:
        observation = model.observation
        if not observation.is_image or observation.domain not in ("unit", "binary"):
            return (
                f"perceptual expects images in [0, 1], got shape {observation.shape} in the domain "
                f"{observation.domain}: use objective=elbo, or data.treatment=grey"
            )
        largest = self._most_scales(observation.shape[1:])
        if largest < max(self.num_scales, 1):
            return (
                f"perceptual expects images of {self.window_size * 2 ** max(self.num_scales - 1, 0)} pixels and more, "
                f"got {observation.shape}: use a smaller objective.window_size or num_scales"
            )
        return find_blind_mean(model, "perceptual")

    def __call__(self, model: VAE, batch: Batch, step: Tensor, critic: nn.Module | None = None) -> Loss:
        inference = model.infer(batch)
        window = gaussian_window(self.window_size, self.window_sigma, batch.x.device)
        num_scales = self.num_scales or self._most_scales(tuple(batch.x.shape[2:]))
        similarity = ms_ssim(batch.x, inference.p_x.mean[0], window, num_scales)
        beta = value_at(self.beta, step)
        value = self.weight * (1 - similarity.mean())
        if self.needs_density:
            value = value + beta * inference.rate.mean()
        return Loss.of(value, model, inference, beta)

    def _most_scales(self, size: tuple[int, ...]) -> int:
        """Return how many times an image can be halved and still hold a window, 0 … 5."""
        fitting = [scale for scale in range(1, 6) if min(size) >> (scale - 1) >= self.window_size]
        return len(fitting)


def gaussian_window(size: int, sigma: float, device: torch.device) -> Tensor:
    """Return a normalised Gaussian `(size,)` around its middle."""
    offsets = torch.arange(size, device=device) - (size - 1) / 2
    weights = torch.exp(-offsets.square() / (2 * sigma**2))
    return weights / weights.sum()


def ms_ssim(x: Tensor, y: Tensor, window: Tensor, num_scales: int) -> Tensor:
    """Return the multi-scale structural similarity of images `(B, C, H, W)` in [0, 1]: `(B,)`, at most 1.

        Π_s c_s^w_s · l_S^w_S,   c = (2σ_xy + C₂)/(σ_x² + σ_y² + C₂),   l = (2μ_xμ_y + C₁)/(μ_x² + μ_y² + C₁) · c,

    the means over the image at each scale, each channel on its own; fewer than 5 scales share their weights' sum.
    """
    total = sum(SCALE_WEIGHTS[:num_scales])
    product = torch.ones((), device=x.device)
    for scale in range(num_scales):
        structure, whole = similarity(x, y, window)
        factor = whole if scale == num_scales - 1 else structure
        product = product * factor.clamp(min=LEAST_SIMILARITY) ** (SCALE_WEIGHTS[scale] / total)
        x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
    return product.mean(1)


def similarity(x: Tensor, y: Tensor, window: Tensor) -> tuple[Tensor, Tensor]:
    """Return the image means of contrast-structure c, and of luminance times it; `(B, C)` each."""
    mu_x, mu_y = _blur(x, window), _blur(y, window)
    var_x = _blur(x * x, window) - mu_x * mu_x
    var_y = _blur(y * y, window) - mu_y * mu_y
    cov = _blur(x * y, window) - mu_x * mu_y
    c1, c2 = STABILISERS
    structure = (2 * cov + c2) / (var_x + var_y + c2)
    luminance = (2 * mu_x * mu_y + c1) / (mu_x * mu_x + mu_y * mu_y + c1)
    return structure.mean((2, 3)), (luminance * structure).mean((2, 3))


def _blur(x: Tensor, window: Tensor) -> Tensor:
    """Convolve with the window along both axes, inside the image alone; in float32, as differences follow."""
    with torch.autocast(x.device.type, enabled=False):
        rows = x.float().flatten(0, 1).unsqueeze(1)
        rows = F.conv2d(F.conv2d(rows, window.view(1, 1, -1, 1)), window.view(1, 1, 1, -1))
    return rows.view(*x.shape[:2], *rows.shape[2:])
