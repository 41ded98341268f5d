"""Tasks are verbs: (model, data, …) → a frozen result of numpy arrays. They print nothing and write no files.

`sample`, `reconstruct`, `interpolate`, `embed`, `traverse`, `manifold`, `project`, `make_noise`. Next:
`experiments.Run` offers them on a run, `views` draws their results, `cli` offers both on the command line.
"""

from vael.tasks.embed import Embedding, embed
from vael.tasks.interpolate import Interpolation, interpolate
from vael.tasks.manifold import Manifold, fitting_points, manifold
from vael.tasks.noise import make_noise
from vael.tasks.project import Projection, project
from vael.tasks.reconstruct import Reconstruction, reconstruct
from vael.tasks.sample import Samples, draw_latent, sample
from vael.tasks.traverse import Traversal, traverse

__all__ = [
    "Embedding",
    "Interpolation",
    "Manifold",
    "Projection",
    "Reconstruction",
    "Samples",
    "Traversal",
    "draw_latent",
    "embed",
    "fitting_points",
    "interpolate",
    "make_noise",
    "manifold",
    "project",
    "reconstruct",
    "sample",
    "traverse",
]
