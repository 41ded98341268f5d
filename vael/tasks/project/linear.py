"""Projections that are linear: the latent plane itself, and the plane of the first two principal components."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from vael.tasks.project.base import Projection

__all__ = ["Direct", "PrincipalPlane", "principal_plane", "project_direct", "project_pca"]


@dataclass(frozen=True)
class Direct(Projection):
    """Take a 2-dimensional latent as it is."""

    inverse: ClassVar[str] = "exact"

    def _place(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        return latents

    def _invert(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        return points


@dataclass(frozen=True)
class PrincipalPlane(Projection):
    """Keep the two directions of largest variance: (z − mean) · directions.

    Arguments:
        mean: `(D,)`, that of the projected latents.
        directions: `(D, 2)` float64, orthonormal.
    """

    mean: NDArray[np.float32]
    directions: NDArray[np.float64]

    inverse: ClassVar[str] = "the plane of the first two principal components, the rest at its mean"

    def _place(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        return ((latents - self.mean) @ self.directions).astype(np.float32)

    def _invert(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        return (self.mean + points @ self.directions.T).astype(np.float32)


def project_direct(latents: NDArray[np.float32]) -> Direct:
    """Return the latents `(N, 2)` themselves."""
    return Direct(latents.astype(np.float32), ("z0", "z1"), "direct", latents.shape[1])


def project_pca(latents: NDArray[np.float32]) -> PrincipalPlane:
    """Return the first two principal components; the axes name their shares of the variance."""
    directions, shares = principal_plane(latents)
    mean = latents.mean(0)
    points = ((latents - mean) @ directions).astype(np.float32)
    axes = f"PC 1 ({shares[0]:.0%})", f"PC 2 ({shares[1]:.0%})"
    return PrincipalPlane(points, axes, "pca", latents.shape[1], mean, directions)


def principal_plane(latents: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the two directions `(D, 2)` of largest variance, their largest entries positive, and their shares."""
    centered = latents.astype(np.float64) - latents.mean(0)
    variances, directions = np.linalg.eigh(centered.T @ centered / len(latents))
    top = directions[:, ::-1][:, :2]
    top = top * np.sign(top[np.abs(top).argmax(0), [0, 1]])
    return top, variances[::-1][:2] / variances.sum()
