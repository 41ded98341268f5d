"""Tasks are verbs: (model, data, …) → a frozen result of numpy arrays. They print nothing and write no files.

`sample`, `reconstruct`, `denoise`, `interpolate` and `walk`, `embed`, `score`, `inspect`, `find_neighbours`, `decode`,
`traverse`, `manifold`, `project`, `make_noise`, and `compress` and `decompress` of `coding`. Next: `experiments.Run`
offers them on a run, `views` draws their results, `cli` offers both on the command line.
"""

from vael.coding import Compressed, compress, decompress
from vael.tasks.decode import decode
from vael.tasks.denoise import Denoising, Quality, denoise, spoil
from vael.tasks.embed import Embedding, embed
from vael.tasks.inspect import Inspection, Known, inspect
from vael.tasks.interpolate import Interpolation, interpolate, walk
from vael.tasks.manifold import Manifold, fitting_points, manifold
from vael.tasks.neighbours import Neighbours, NeighbourSearch, find_neighbours
from vael.tasks.noise import make_noise
from vael.tasks.project import Projection, project
from vael.tasks.reconstruct import Reconstruction, reconstruct
from vael.tasks.sample import Samples, draw_latent, sample
from vael.tasks.score import Scores, score
from vael.tasks.traverse import Traversal, traverse

__all__ = [
    "Compressed",
    "Denoising",
    "Embedding",
    "Inspection",
    "Interpolation",
    "Known",
    "Manifold",
    "NeighbourSearch",
    "Neighbours",
    "Projection",
    "Quality",
    "Reconstruction",
    "Samples",
    "Scores",
    "Traversal",
    "compress",
    "decode",
    "decompress",
    "denoise",
    "draw_latent",
    "embed",
    "find_neighbours",
    "fitting_points",
    "inspect",
    "interpolate",
    "make_noise",
    "manifold",
    "project",
    "reconstruct",
    "sample",
    "score",
    "spoil",
    "traverse",
    "walk",
]
