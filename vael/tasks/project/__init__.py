"""Bring latents down to two dimensions for the eye, and points of the plane back to latents.

`project` chooses the method and returns a `Projection`; `linear` holds the two that are linear maps, `neighbourhood`
the two (t-SNE and UMAP) that know only where the examples went.
"""

from vael.tasks.project.base import Projection
from vael.tasks.project.linear import principal_plane
from vael.tasks.project.methods import METHODS, Method, available_methods, project

__all__ = ["METHODS", "Method", "Projection", "available_methods", "principal_plane", "project"]
