"""Projections that keep neighbours together, t-SNE and UMAP: they say where each example lies, and nothing else.

The way between map and latents goes through the nearest examples: each of the 8 counts with 1 / distance² (inverse
distance weighting: "A two-dimensional interpolation function for irregularly-spaced data", Shepard 1968,
https://doi.org/10.1145/800186.810616).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from vael.errors import VaelError
from vael.tasks.neighbours import NeighbourSearch
from vael.tasks.project.base import Projection

if TYPE_CHECKING:
    from scipy.spatial import KDTree

__all__ = ["Neighbourhood", "project_tsne", "project_umap"]

NUM_BLENDED = 8


@dataclass(frozen=True)
class Neighbourhood(Projection):
    """Blend the nearest examples, weighted by 1 / distance²; on an example, it alone.

    Arguments:
        latents: `(N, D)` float32, what was projected.
    """

    latents: NDArray[np.float32]

    inverse: ClassVar[str] = f"a blend of the {NUM_BLENDED} nearest examples"

    @cached_property
    def _search(self) -> NeighbourSearch:
        return NeighbourSearch(self.latents)

    @cached_property
    def _tree(self) -> "KDTree":
        from scipy.spatial import KDTree

        return KDTree(self.points)

    def _place(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        indices, distances = self._search.find(latents, min(NUM_BLENDED, len(self.points)))
        return _blend(self.points[indices], distances)

    def _invert(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        distances, indices = self._tree.query(points, min(NUM_BLENDED, len(self.points)))
        return _blend(self.latents[indices], np.asarray(distances))


def _blend(values: NDArray[np.float32], distances: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the means `(M, C)` of `(M, k, C)`, weighted by 1 / distance²; distances `(M, k)` rise."""
    nearest = distances[:, :1]
    ratio = np.divide(nearest, distances, out=np.ones_like(distances), where=distances > 0)  # 0/0: on an example
    weights = ratio * ratio
    weights /= weights.sum(1, keepdims=True)
    return np.einsum("mk,mkc->mc", weights, values).astype(np.float32)


def project_tsne(latents: NDArray[np.float32], seed: int) -> Neighbourhood:
    """Project by openTSNE's t-SNE.

    Raises:
        VaelError: openTSNE is not installed.
    """
    try:
        from openTSNE import TSNE
    except ImportError:
        raise VaelError("the projection 'tsne' needs openTSNE: pip install 'vael[tsne]', or use pca") from None
    perplexity = min(30, (len(latents) - 1) / 3)
    points = np.asarray(
        TSNE(
            perplexity=perplexity,  # pyright: ignore[reportArgumentType] (a number, called an int)
            random_state=seed,
            n_jobs=-1,
        ).fit(latents)
    )
    return _neighbourhood(latents, points, "tsne", "t-SNE")


def project_umap(latents: NDArray[np.float32], seed: int) -> Neighbourhood:
    """Project by umap-learn's UMAP.

    Raises:
        VaelError: umap-learn is not installed.
    """
    try:
        from umap import UMAP  # pyright: ignore[reportMissingImports] (the user's own, never required)
    except ImportError:
        raise VaelError("the projection 'umap' needs umap-learn: pip install umap-learn, or use pca or tsne") from None
    points = UMAP(random_state=seed, n_jobs=1, n_neighbors=min(15, len(latents) - 1)).fit_transform(latents)
    return _neighbourhood(latents, points, "umap", "UMAP")


def _neighbourhood(latents: NDArray[np.float32], points: NDArray, method: str, name: str) -> Neighbourhood:
    axes = f"{name} 1", f"{name} 2"
    return Neighbourhood(points.astype(np.float32), axes, method, latents.shape[1], latents.astype(np.float32))
