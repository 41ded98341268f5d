"""The uniform distribution on the unit sphere."""

import math

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.types import _size

__all__ = ["UniformSphere", "log_sphere_area"]


def log_sphere_area(num_dims: int) -> float:
    """Return the logarithm of the area of the unit sphere in ℝ^D, 2 π^(D/2) / Γ(D/2).

    >>> math.isclose(log_sphere_area(3), math.log(4 * math.pi))
    True
    """
    return math.log(2) + num_dims / 2 * math.log(math.pi) - math.lgamma(num_dims / 2)


class UniformSphere(Distribution):
    """Give every z with |z| = 1 the same density, with respect to the sphere's area.

    Arguments:
        num_dims: D ≥ 2, of the space around the sphere.
        device: Where draws are made.
    """

    has_rsample = True

    def __init__(self, num_dims: int, *, device: torch.device | str = "cpu") -> None:
        self.num_dims = num_dims
        self.device = torch.device(device)
        super().__init__(torch.Size(), torch.Size((num_dims,)), validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """What torch asks of a distribution that prints itself: it has no arguments."""
        return {}

    @property
    def mean(self) -> Tensor:
        """The centre of the sphere, zeros `(D,)`."""
        return torch.zeros(self.num_dims, device=self.device)

    @property
    def variance(self) -> Tensor:
        """Return 1/D for each coordinate, `(D,)`."""
        return torch.full((self.num_dims,), 1 / self.num_dims, device=self.device)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the negative logarithm of the area, nats, `(…,)`, for z `(…, D)` on the sphere."""
        return torch.full(value.shape[:-1], -log_sphere_area(self.num_dims), device=value.device, dtype=value.dtype)

    def entropy(self) -> Tensor:
        """Return the logarithm of the area in nats, `()`."""
        return torch.full((), log_sphere_area(self.num_dims), device=self.device)

    def rsample(self, sample_shape: _size = ()) -> Tensor:
        """Draw z, `(*sample_shape, D)`, as the direction of a normal vector."""
        z = torch.randn((*sample_shape, self.num_dims), device=self.device)
        return z / z.norm(dim=-1, keepdim=True)
