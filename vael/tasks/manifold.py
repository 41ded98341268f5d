"""Lay the prior's plane of two latent dimensions out in a grid and decode it."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vael.errors import VaelError
from vael.models import VAE
from vael.tasks.condition import condition
from vael.tasks.decode import decode_means

__all__ = ["Manifold", "fitting_points", "grid_values", "manifold"]

COVERED = 0.05, 0.95
"""The quantiles at the grid's edges, 90 % of the prior in each direction (Kingma & Welling 2014, figure 4)."""

PICTURE = 560  # pixels: the side of a picture that still fits a page


@dataclass(frozen=True)
class Manifold:
    """Hold a decoded grid.

    Arguments:
        x: `(n, n, *shape)` float32, the mean of p(x | z); row i is `values[i]` of the second dimension, column j is
            `values[j]` of the first.
        values: `(n,)` float32, rising: the quantiles of the standard normal.
        dims: The two dimensions, counted from 0.
    """

    x: NDArray[np.float32]
    values: NDArray[np.float32]
    dims: tuple[int, int]


@torch.inference_mode()
def manifold(
    model: VAE,
    num_points: int = 20,
    *,
    dims: tuple[int, int] = (0, 1),
    start: NDArray[np.float32] | None = None,
    label: int | None = None,
) -> Manifold:
    """Decode z = Φ⁻¹(u) over a grid of u in [0.05, 0.95]².

    Equal steps in u hold equal prior mass in each direction, so the picture shows the model's examples about as often
    as it makes them.

    Arguments:
        model: The model; it is put into evaluation mode.
        num_points: n ≥ 2 points a side.
        dims: Two different dimensions of z: the first runs from left to right.
        start: `(D,)`, where the other dimensions stay; the prior's mean 0 if None, where, with many dimensions, no draw
            of the prior ever lies.
        label: The label of a conditional model; None takes its first.

    Raises:
        VaelError: The model has one latent dimension, there is no such dimension or label, or n < 2.
    """
    count = model.latent_dim
    if count < 2:
        raise VaelError("a manifold expects two latent dimensions, this model has one: use traversals")
    if dims[0] == dims[1] or not all(0 <= dim < count for dim in dims):
        raise VaelError(f"a manifold expects two different dimensions of 0 … {count - 1}, got {dims[0]} and {dims[1]}")
    if num_points < 2:
        raise VaelError(f"a manifold expects num_points ≥ 2, got {num_points}")
    model.eval()
    values = grid_values(num_points).to(model.device)
    base = torch.zeros(count) if start is None else torch.as_tensor(start, dtype=torch.float32)
    z = base.expand(num_points, num_points, count).to(model.device, copy=True)
    z[..., dims[0]] = values
    z[..., dims[1]] = values.unsqueeze(-1)
    x = decode_means(model, z, condition(model, label))
    return Manifold(x, values.cpu().numpy(), dims)


def fitting_points(shape: tuple[int, ...]) -> int:
    """Return how many points a side fit a picture: 20, or fewer where the images `(C, H, W)` are large.

    >>> fitting_points((1, 28, 28)), fitting_points((3, 64, 64)), fitting_points((11,))
    (20, 8, 20)
    """
    return max(2, min(20, PICTURE // max(shape[1:]))) if len(shape) == 3 else 20


def grid_values(num_points: int) -> Tensor:
    """Return the quantiles Φ⁻¹(0.05) … Φ⁻¹(0.95) of the standard normal, `(n,)` float32."""
    return torch.special.ndtri(torch.linspace(*COVERED, num_points, dtype=torch.float64)).float()
