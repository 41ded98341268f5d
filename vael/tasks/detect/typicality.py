"""Typicality: what is much too probable is as strange as what is much too improbable."""

import io
import math

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vael.data.batches import DeviceData
from vael.models import VAE
from vael.tasks.detect.aggregate import known_rows
from vael.tasks.detect.base import Score
from vael.tasks.detect.bounds import NegativeLogLikelihood
from vael.tasks.terms import terms_at_mean
from vael.types import Batch

__all__ = ["Typicality"]

NUM_KNOWN = 500
READ_AT_ONCE = 20
RIDGE = 1e-6  # of the statistics' variances: two of them may be the same number


class Typicality(Score):
    """Take ½ (t − t̄)ᵀ S⁻¹ (t − t̄), t the rate, the distortion and the likelihood's estimate of x, and its complexity.

    Mean and covariance are those of known examples, so the score is, but for a constant, −log of the normal density of
    t: two-sided, and aware that the terms go together. Samples of a model lie where its terms are usual, not where its
    density is largest: a model of rough images gives smooth foreign ones a higher likelihood than its own. Of images
    there is one term more, how many nats a general lossless coder (PNG) needs for their pixels: then it counts how
    probable x is for an image as complex as it is.
    References: "Detecting out-of-distribution inputs to deep generative models using typicality", Nalisnick et al.
    2019, https://arxiv.org/abs/1906.02994; "Density of states estimation for out-of-distribution detection",
    Morningstar et al. 2021, https://arxiv.org/abs/2006.09273; "Input complexity and out-of-distribution detection with
    likelihood-based generative models", Serrà et al. 2020, https://arxiv.org/abs/1909.11480.
    """

    name = "typicality"
    summary = "how unusual rate, distortion, likelihood and complexity are together, on either side"
    default_points = 8

    def __init__(self, model: VAE, reference: DeviceData, *, num_points: int | None = None) -> None:
        super().__init__(model, reference, num_points=num_points)
        self.likelihood = NegativeLogLikelihood(model, reference, num_points=self.num_points)
        rows = known_rows(len(reference), NUM_KNOWN)
        with torch.no_grad():
            known = torch.cat([self._terms(reference.chosen(part)) for part in np.array_split(rows, _parts(len(rows)))])
        self.mean = known.mean(0)
        covariance = torch.cov((known - self.mean).T)
        self.precision = torch.linalg.inv(
            covariance + RIDGE * covariance.diagonal().diag() + 1e-12 * torch.eye(len(covariance))
        )

    def __call__(self, batch: Batch) -> Tensor:
        gap = self._terms(batch) - self.mean
        return 0.5 * ((gap @ self.precision) * gap).sum(-1)

    def _terms(self, batch: Batch) -> Tensor:
        """Return rate, distortion and −log p(x), and of images their complexity, `(B, 3 or 4)` float64 on the CPU."""
        terms = terms_at_mean(self.model, batch)
        columns = [terms.encoding.rate, terms.distortion, self.likelihood(batch)]
        observation = self.model.observation
        if observation.is_image:
            columns.append(_complexity(batch.x / observation.scale))
        return torch.stack([column.double().cpu() for column in columns], -1)


def _complexity(x: Tensor) -> Tensor:
    """Return how many nats PNG needs for images `(B, C, H, W)` in [0, 1] rounded to 256 levels, `(B,)`."""
    levels = torch.round(255 * x.clamp(0, 1)).byte().cpu().numpy()
    return torch.tensor([8 * math.log(2) * len(_png(image)) for image in levels], dtype=torch.float64)


def _png(image: NDArray[np.uint8]) -> bytes:
    """Code one image `(C, H, W)`; channels that PNG has no kind of image for stand under each other."""
    planes = image.transpose(1, 2, 0) if len(image) == 3 else image.reshape(-1, image.shape[-1])
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(planes)).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _parts(count: int) -> int:
    return max(1, -(-count // READ_AT_ONCE))
