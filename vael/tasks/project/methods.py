"""The methods by name."""

import importlib.util
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from vael.errors import VaelError, unknown_name
from vael.tasks.project.base import Projection
from vael.tasks.project.linear import project_direct, project_pca
from vael.tasks.project.neighbourhood import project_tsne, project_umap

__all__ = ["METHODS", "Method", "available_methods", "project"]

Method = Literal["direct", "pca", "tsne", "umap"]
METHODS: tuple[Method, ...] = get_args(Method)
LIBRARIES: dict[Method, str] = {"tsne": "openTSNE", "umap": "umap"}


def available_methods(latent_dim: int) -> tuple[Method, ...]:
    """List the methods that fit a latent and whose libraries are here, the usual one first; none for one dimension.

    >>> available_methods(2)[0], available_methods(20)[0], available_methods(1)
    ('direct', 'pca', ())
    """
    if latent_dim < 2:
        return ()
    usual: Method = "direct" if latent_dim == 2 else "pca"
    return tuple(method for method in METHODS if method == usual or _is_here(method))


def _is_here(method: Method) -> bool:
    return method in LIBRARIES and importlib.util.find_spec(LIBRARIES[method]) is not None


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
        return project_direct(latents)
    if method == "pca":
        return project_pca(latents)
    return project_tsne(latents, seed) if method == "tsne" else project_umap(latents, seed)
