"""The contract of a projection."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vael.errors import VaelError
from vael.tasks.checks import check_points

__all__ = ["Projection"]


@dataclass(frozen=True)
class Projection(ABC):
    """Hold points of the plane, and the ways between the plane and the latent space.

    A member gives `inverse`, `_place` and `_invert`; what reaches the two is checked.

    Arguments:
        points: `(N, 2)` float32.
        axes: What the two axes are.
        method: How they were found.
        latent_dim: D, the dimensions of the latents.
    """

    points: NDArray[np.float32]
    axes: tuple[str, str]
    method: str
    latent_dim: int

    inverse: ClassVar[str]
    """What `invert` gives, in words for a person."""

    def place(self, latents: ArrayLike) -> NDArray[np.float32]:
        """Return where other latents `(M, D)` lie on the same map, `(M, 2)`.

        Raises:
            VaelError: Another width, NaN or infinity.
        """
        return self._place(_rows(latents, self.latent_dim, "a latent"))

    def invert(self, points: ArrayLike) -> NDArray[np.float32]:
        """Return latents `(M, D)` for points of the map `(M, 2)`; `inverse` says which of the many.

        Raises:
            VaelError: Another width, NaN or infinity.
        """
        return self._invert(_rows(points, 2, "a point of the map"))

    @abstractmethod
    def _place(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return `(M, 2)` float32 for finite `(M, D)`."""

    @abstractmethod
    def _invert(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return `(M, D)` float32 for finite `(M, 2)`."""


def _rows(values: ArrayLike, width: int, what: str) -> NDArray[np.float32]:
    rows = check_points(values, width, what=what)
    if rows.ndim != 2:
        raise VaelError(f"a projection expects an array (M, {width}), got {rows.shape}")
    return rows
