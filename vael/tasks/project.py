"""Bring latents down to two dimensions for the eye."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from vael.errors import VaelError, unknown_name

__all__ = ["METHODS", "Method", "Projection", "project"]

Method = Literal["direct", "pca", "tsne", "umap"]
METHODS: tuple[Method, ...] = get_args(Method)


@dataclass(frozen=True)
class Projection:
    """Hold points of the plane.

    Arguments:
        points: `(N, 2)` float32.
        axes: What the two axes are.
        method: How they were found.
    """

    points: NDArray[np.float32]
    axes: tuple[str, str]
    method: str


def project(latents: NDArray[np.float32], *, method: Method = "pca", seed: int = 0) -> Projection:
    """Project latents `(N, D)` to the plane.

    `direct` takes a 2-dimensional latent as it is; `pca` keeps the two directions of largest variance, so distances
    stay true within that plane; `tsne` (van der Maaten & Hinton 2008, by openTSNE) and `umap` (McInnes et al. 2018)
    keep neighbours together: distances between their clusters mean nothing.

    Arguments:
        latents: What to project, N ≥ 3.
        method: One of `METHODS`.
        seed: Seed of t-SNE and UMAP.

    Raises:
        VaelError: An unknown method, one that does not fit D, too few latents, or a library that is not there.
    """
    if method not in METHODS:
        raise unknown_name("projection", method, METHODS)
    num_points, latent_dim = latents.shape
    if num_points < 3:
        raise VaelError(f"a projection expects at least 3 examples, got {num_points}")
    if latent_dim == 1 or (method == "direct" and latent_dim != 2):
        fitting = "use the figure 'rates' or 'dimensions'" if latent_dim == 1 else "use pca, tsne or umap"
        raise VaelError(f"the projection '{method}' does not fit a latent of {latent_dim} dimensions: {fitting}")
    if method == "direct":
        return Projection(latents.astype(np.float32), ("z0", "z1"), method)
    if method == "pca":
        points, shares = _pca(latents)
        return Projection(points, (f"PC 1 ({shares[0]:.0%})", f"PC 2 ({shares[1]:.0%})"), method)
    points = _tsne(latents, seed) if method == "tsne" else _umap(latents, seed)
    name = {"tsne": "t-SNE", "umap": "UMAP"}[method]
    return Projection(points.astype(np.float32), (f"{name} 1", f"{name} 2"), method)


def _pca(latents: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return the first two principal components `(N, 2)` and their shares of the variance."""
    directions, shares = principal_plane(latents)
    return ((latents - latents.mean(0)) @ directions).astype(np.float32), shares


def principal_plane(latents: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the two directions `(D, 2)` of largest variance, their largest entries positive, and their shares."""
    centered = latents.astype(np.float64) - latents.mean(0)
    variances, directions = np.linalg.eigh(centered.T @ centered / len(latents))
    top = directions[:, ::-1][:, :2]
    top = top * np.sign(top[np.abs(top).argmax(0), [0, 1]])
    return top, variances[::-1][:2] / variances.sum()


def _tsne(latents: NDArray[np.float32], seed: int) -> NDArray:
    try:
        from openTSNE import TSNE
    except ImportError:
        raise VaelError("the projection 'tsne' needs openTSNE: pip install 'vael[tsne]', or use pca") from None
    perplexity = min(30, (len(latents) - 1) / 3)
    return np.asarray(
        TSNE(
            perplexity=perplexity,  # pyright: ignore[reportArgumentType] (a number, called an int)
            random_state=seed,
            n_jobs=-1,
        ).fit(latents)
    )


def _umap(latents: NDArray[np.float32], seed: int) -> NDArray:
    try:
        from umap import UMAP  # pyright: ignore[reportMissingImports] (the user's own, never required)
    except ImportError:
        raise VaelError("the projection 'umap' needs umap-learn: pip install umap-learn, or use pca or tsne") from None
    return UMAP(random_state=seed, n_jobs=1, n_neighbors=min(15, len(latents) - 1)).fit_transform(latents)
