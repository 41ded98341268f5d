"""Scores that are terms of the bound: the likelihood's estimate, the rate, the distortion."""

import math

import torch
from torch import Tensor

from vael.models import Inference
from vael.tasks.detect.base import Score
from vael.tasks.points import measure_at_points
from vael.tasks.terms import encode, terms_at_mean
from vael.types import Batch

__all__ = ["Distortion", "NegativeLogLikelihood", "Rate"]


class NegativeLogLikelihood(Score):
    """Take −log 1/K Σ_k w_k, the importance-weighted estimate of −log p(x) (Burda et al. 2016)."""

    name = "nll"
    summary = "how improbable x is under the model: the importance-weighted estimate of −log p(x)"

    def __call__(self, batch: Batch) -> Tensor:
        return measure_at_points(self.model, batch, self.num_points, _weighted)


def _weighted(inference: Inference) -> Tensor:
    return math.log(len(inference.log_w)) - torch.logsumexp(inference.log_w.double(), 0)


class Rate(Score):
    """Take KL(q(z|x) ‖ p(z)): how far the encoder has to go from the prior to say what x is."""

    name = "rate"
    summary = "how far q(z|x) lies from the prior"
    default_points = 1

    def __call__(self, batch: Batch) -> Tensor:
        return encode(self.model, batch).rate.double()


class Distortion(Score):
    """Take −log p(x | z̄) at the posterior's mean: how badly x is reconstructed."""

    name = "distortion"
    summary = "how badly x is reconstructed"
    needs_density = False
    default_points = 1

    def __call__(self, batch: Batch) -> Tensor:
        return terms_at_mean(self.model, batch).distortion.double()
