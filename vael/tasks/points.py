"""Fixed points in the place of draws of z: the same for every example, so that no score depends on chance.

Under a normal posterior the K latents of an example are z_k = μ(x) + L(x) ε_k with the ε_k a scrambled Sobol sequence
sent through the normal's quantile function: quasi-Monte Carlo ("Quasi-Monte Carlo variational inference", Buchholz et
al. 2018, https://arxiv.org/abs/1807.01604), which is also more exact than K independent draws. Other posteriors are
drawn from, one example after the other, always from the same seed. Either way an example's numbers are its own: they
depend neither on the call nor on the other examples of its batch.
"""

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal
from torch.quasirandom import SobolEngine

from vael.models import VAE, at_mean
from vael.models.inference import Inference
from vael.random import seeded
from vael.types import Batch

__all__ = ["measure_at_points", "normal_points"]

SEED = 0
EDGE = 1e-9  # a Sobol point may be 0, whose normal quantile is infinite


@lru_cache(maxsize=32)
def normal_points(num_points: int, dim: int, seed: int = SEED) -> Tensor:
    """Return `(K, D)` float64 points spread as D independent standard normals are."""
    uniform = SobolEngine(dim, scramble=True, seed=seed).draw(num_points, dtype=torch.float64)
    return torch.special.ndtri(uniform.clamp(EDGE, 1 - EDGE))


def measure_at_points(model: VAE, batch: Batch, num_points: int, measure: Callable[[Inference], Tensor]) -> Tensor:
    """Return what `measure` says, `(B,)`, of the terms of the bound at K = `num_points` fixed latents an example.

    A model without a density has one latent an example, whatever K is.
    """
    if all(_is_normal(latent.q_z) for latent in model.infer_latents(batch, at_mean)):
        return measure(model(batch, lambda layer, q_z: _place(q_z, num_points, SEED + layer)))
    if not model.has_density:
        return measure(model(batch, at_mean))
    parts = []
    for row in range(len(batch.x)):
        with seeded(SEED):
            parts.append(measure(model.infer(batch.rows(slice(row, row + 1)), num_samples=num_points)))
    return torch.cat(parts)


def _is_normal(q_z: Distribution) -> bool:
    is_diagonal = isinstance(q_z, Independent) and type(q_z.base_dist) is Normal
    return is_diagonal or type(q_z) is MultivariateNormal


def _place(q_z: Distribution, num_points: int, seed: int) -> Tensor:
    """Put K points into each posterior, `(K, B, D)`; given a layer that has its K already, one into each."""
    mean = q_z.mean
    points = normal_points(num_points, mean.shape[-1], seed).to(mean).unsqueeze(1)
    if isinstance(q_z, MultivariateNormal):
        return mean + (q_z.scale_tril @ points.unsqueeze(-1)).squeeze(-1)
    return mean + q_z.stddev * points
