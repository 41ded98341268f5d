"""Scores against the aggregated posterior: what the codes of known examples look like, instead of what the prior says.

    q(z) = 1/N Σ_n q(z | x_n)

It is the prior that maximises the bound of a trained model ("ELBO surgery", Hoffman & Johnson 2016), and fits the codes
where the standard normal leaves holes. Put in the place of p(z) it makes the model an exemplar VAE, whose latents are
drawn by way of a known example ("Exemplar VAE", Norouzi et al. 2020, https://arxiv.org/abs/2004.04795).
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Distribution

from vael.data.batches import DeviceData
from vael.distributions.mixture import mix
from vael.models import VAE, Inference, at_mean
from vael.tasks.detect.base import Score
from vael.tasks.points import measure_at_points
from vael.types import Batch

__all__ = ["MAX_REFERENCES", "Embedding", "Exemplar", "aggregate_posterior", "known_rows"]

MAX_REFERENCES = 2000
"""How many known examples make up q(z) at most: the work grows with their number."""


class Exemplar(Score):
    """Take −log 1/K Σ_k p(x|z_k) q(z_k) / q(z_k|x), the likelihood under the aggregated posterior as prior."""

    name = "exemplar"
    summary = "how improbable x is if its latent is drawn as those of the known examples are: −log p(x) under q(z)"
    needs_one_layer = True

    def __init__(self, model: VAE, reference: DeviceData, *, num_points: int | None = None) -> None:
        super().__init__(model, reference, num_points=num_points)
        self.aggregate = aggregate_posterior(model, reference)

    def __call__(self, batch: Batch) -> Tensor:
        return measure_at_points(self.model, batch, self.num_points, self._weighted)

    def _weighted(self, inference: Inference) -> Tensor:
        latent = inference.latents[0]
        log_ratio = latent.q_z.log_prob(latent.z).double() - self.aggregate.log_prob(latent.z).double()
        log_w = inference.log_px.double() - log_ratio
        return math.log(len(log_w)) - torch.logsumexp(log_w, 0)


class Embedding(Score):
    """Take −log q(z̄), the density of the posterior's mean among those of the known examples."""

    name = "embedding"
    summary = "how far the embedding of x lies from those of the known examples: −log q(z) at its mean"
    needs_one_layer = True
    default_points = 1

    def __init__(self, model: VAE, reference: DeviceData, *, num_points: int | None = None) -> None:
        super().__init__(model, reference, num_points=num_points)
        self.aggregate = aggregate_posterior(model, reference)

    def __call__(self, batch: Batch) -> Tensor:
        return -self.aggregate.log_prob(self.model.infer_latents(batch, at_mean)[0].z[0].double())


def known_rows(count: int, max_references: int = MAX_REFERENCES) -> NDArray[np.int64]:
    """Return the numbers of the known examples that are compared with, spread evenly over all of them."""
    return np.rint(np.linspace(0, count - 1, min(count, max_references))).astype(np.int64)


@torch.no_grad()
def aggregate_posterior(model: VAE, reference: DeviceData, *, max_references: int = MAX_REFERENCES) -> Distribution:
    """Return q(z) over the known examples, or over as many of them, spread evenly, as the work allows."""
    rows = torch.from_numpy(known_rows(len(reference), max_references)).to(reference.device)
    q_z = model.infer_latents(reference.batch(rows), at_mean)[0].q_z
    return mix(torch.zeros(len(rows), device=rows.device), q_z)
