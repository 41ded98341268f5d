"""Look at a few examples, known or foreign, as the model sees them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from vael.models import VAE
from vael.random import seeded
from vael.tasks.neighbours import Neighbours, NeighbourSearch, find_neighbours
from vael.tasks.score import Scores
from vael.tasks.terms import as_arrays, score_of, terms_at_mean
from vael.types import Batch

__all__ = ["Inspection", "Known", "inspect"]


@dataclass(frozen=True)
class Inspection:
    """Hold all that a model says of B examples.

    Arguments:
        x: `(B, *shape)` float32, the examples in their domain.
        mean: `(B, *shape)` float32, the mean of p(x | z) at the mean of q(z | x).
        z_mean: `(B, D)` float32, the mean of q(z | x).
        z_stddev: `(B, D)` float32, its standard deviations; zero for a point posterior.
        rate_nats: `(B,)` float32, KL(q(z|x) ‖ p(z)); NaN for a model without a rate.
        rate_per_dim_nats: `(B, D)` float32, each dimension's part of it; NaN where the dimensions do not factorise.
        distortion_nats: `(B,)` float32, −log p(x | z) at the mean of q(z | x).
        percentile: `(B,)` float32, the share of the known examples, 0 to 100, with a smaller score; NaN where there
            are none to compare with.
        neighbours: The nearest of the known examples; k = 0 where there are none.
    """

    x: NDArray[np.float32]
    mean: NDArray[np.float32]
    z_mean: NDArray[np.float32]
    z_stddev: NDArray[np.float32]
    rate_nats: NDArray[np.float32]
    rate_per_dim_nats: NDArray[np.float32]
    distortion_nats: NDArray[np.float32]
    percentile: NDArray[np.float32]
    neighbours: Neighbours

    @cached_property
    def score_nats(self) -> NDArray[np.float32]:
        """Rate + distortion, `(B,)`; the distortion alone for a model without a rate. Comparable with `Scores`."""
        return score_of(self.rate_nats, self.distortion_nats)


@dataclass(frozen=True)
class Known:
    """Hold what is known of the examples that others are compared with.

    Arguments:
        scores: Of N examples.
        latents: `(N, D)`, their posterior means, or a search prepared from them.
    """

    scores: Scores
    latents: NDArray[np.float32] | NeighbourSearch


def inspect(
    model: VAE,
    batch: Batch,
    *,
    known: Known | None = None,
    num_neighbours: int = 8,
    skip: Sequence[int] | None = None,
    seed: int = 0,
) -> Inspection:
    """Encode examples, decode their posterior means, and take both terms of the bound there.

    Arguments:
        model: The model; it is put into evaluation mode.
        batch: The examples, `(B, *shape)`, in the domain of the observation.
        known: What to compare them with.
        num_neighbours: How many of the known examples to find in the latent space, ≥ 0.
        skip: The number of each example among the known ones, to be left out of its neighbours.
        seed: Seed of rates without a closed form.

    Raises:
        VaelError: A negative number of neighbours, no such example to skip, or a model that gives NaN.
    """
    model.eval()
    with seeded(seed), torch.inference_mode():
        terms = terms_at_mean(model, batch)
        found = terms.encoding
        x, mean, z_mean, z_stddev, rate, rate_per_dim, distortion = as_arrays(
            batch.x, terms.p_x.mean, found.mean, found.stddev, found.rate, found.rate_per_dim, terms.distortion
        )
    percentile = np.full(len(z_mean), np.nan, np.float32)
    neighbours = Neighbours(np.empty((len(z_mean), 0), np.int64), np.empty((len(z_mean), 0), np.float32))
    if known is not None:
        scores = score_of(rate, distortion)
        percentile = np.array([known.scores.percentile(float(value)) for value in scores], np.float32)
    if known is not None and num_neighbours != 0:
        neighbours = find_neighbours(known.latents, z_mean, num_neighbours=num_neighbours, skip=skip)
    return Inspection(x, mean, z_mean, z_stddev, rate, rate_per_dim, distortion, percentile, neighbours)
