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

from vael.data.batches import DeviceData
from vael.distributions.mixture import mix
from vael.models import VAE, Inference, at_mean
from vael.tasks.detect.base import Score
from vael.tasks.points import measure_at_points
from vael.types import Batch

__all__ = ["MAX_REFERENCES", "Aggregate", "Embedding", "Exemplar", "known_rows"]

MAX_REFERENCES = 2000
"""How many known examples make up q(z) at most: the work grows with their number."""

SAME = 1e-4
"""How near two codes are, in standard deviations of the posterior, that are one example's; by chance it costs 1/N."""


class Aggregate:
    """Hold q(z), the mean of the posteriors of known examples, for x that may be among them.

    An example does not vouch for itself: the component whose code is that of x, where there is one, is left out.

    Arguments:
        model: A model of one layer.
        reference: The known examples; of more than `MAX_REFERENCES`, that many, spread evenly.
    """

    def __init__(self, model: VAE, reference: DeviceData) -> None:
        with torch.no_grad():
            q_z = model.infer_latents(reference.chosen(known_rows(len(reference))), at_mean)[0].q_z
        self.mean, self.stddev = q_z.mean, q_z.stddev
        self.law = mix(torch.zeros(len(self.mean), device=self.mean.device), q_z)

    def log_prob(self, z: Tensor, code: Tensor) -> Tensor:
        """Return log q(z), `(K, B)` float64, for latents `(K, B, D)` of examples whose posterior means are `(B, D)`."""
        _, nearest = torch.cdist(code, self.mean).min(-1)
        steps = (code - self.mean[nearest]).abs() / self.stddev[nearest]
        own = torch.where(steps.amax(-1) < SAME, nearest, -1)
        return self.law.log_prob_without(z.double(), own.expand(z.shape[:-1])).double()


class Exemplar(Score):
    """Take −log 1/K Σ_k p(x|z_k) q(z_k) / q(z_k|x), the likelihood under the aggregated posterior as prior."""

    name = "exemplar"
    summary = "how improbable x is if its latent is drawn as those of the known examples are: −log p(x) under q(z)"
    needs_one_layer = True

    def __init__(self, model: VAE, reference: DeviceData, *, num_points: int | None = None) -> None:
        super().__init__(model, reference, num_points=num_points)
        self.aggregate = Aggregate(model, reference)

    def __call__(self, batch: Batch) -> Tensor:
        return measure_at_points(self.model, batch, self.num_points, self._weighted)

    def _weighted(self, inference: Inference) -> Tensor:
        latent = inference.latents[0]
        log_pz = self.aggregate.log_prob(latent.z, latent.q_z.mean)
        log_w = inference.log_px.double() + log_pz - latent.q_z.log_prob(latent.z).double()
        return math.log(len(log_w)) - torch.logsumexp(log_w, 0)


class Embedding(Score):
    """Take −log q(z̄), the density of the posterior's mean among those of the known examples."""

    name = "embedding"
    summary = "how far the embedding of x lies from those of the known examples: −log q(z) at its mean"
    needs_one_layer = True
    default_points = 1

    def __init__(self, model: VAE, reference: DeviceData, *, num_points: int | None = None) -> None:
        super().__init__(model, reference, num_points=num_points)
        self.aggregate = Aggregate(model, reference)

    def __call__(self, batch: Batch) -> Tensor:
        z = self.model.infer_latents(batch, at_mean)[0].z
        return -self.aggregate.log_prob(z, z[0])[0]


def known_rows(count: int, max_references: int = MAX_REFERENCES) -> NDArray[np.int64]:
    """Return the numbers of the known examples that are compared with, spread evenly over all of them."""
    return np.rint(np.linspace(0, count - 1, min(count, max_references))).astype(np.int64)
