"""Tasks are verbs: (model, data, …) → a frozen result of numpy arrays. They print nothing and write no files.

`sample`, `reconstruct`, `denoise`, `inpaint` of what `hide` hides, `colorize`, `interpolate` and `walk`, `embed`,
`cluster`, `score`, `inspect`, `find_neighbours`, `decode`, `traverse`, `manifold`, `project`, `make_noise`, `compress`
and `decompress` of `coding`. Next: `experiments.Run` offers them on a run, `views` draws their results, `cli` offers
both on the command line.
"""

from vael.coding import Compressed, compress, decompress
from vael.tasks.cluster import CLUSTER_METHODS, Clustering, cluster
from vael.tasks.colorize import Colouring, colorize
from vael.tasks.decode import decode
from vael.tasks.denoise import Denoising, Quality, denoise, spoil
from vael.tasks.detect import SCORES, Contributions, Detection, Detector, Score, blame, build_score, fitting_scores
from vael.tasks.embed import Embedding, embed
from vael.tasks.hide import hide
from vael.tasks.inpaint import Inpainting, inpaint
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
    "CLUSTER_METHODS",
    "SCORES",
    "Clustering",
    "Colouring",
    "Compressed",
    "Contributions",
    "Denoising",
    "Detection",
    "Detector",
    "Embedding",
    "Inpainting",
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
    "Score",
    "Scores",
    "Traversal",
    "blame",
    "build_score",
    "cluster",
    "colorize",
    "compress",
    "decode",
    "decompress",
    "denoise",
    "draw_latent",
    "embed",
    "find_neighbours",
    "fitting_points",
    "fitting_scores",
    "hide",
    "inpaint",
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
