"""Tasks are verbs: (model, data, …) → a frozen result of numpy arrays. They print nothing and write no files.

`sample`, `reconstruct`, `interpolate`, `embed`. Next: `experiments.Run` offers them on a run, `cli` on the command
line, `figures` draws the results.
"""

from vael.tasks.embed import Embedding, embed
from vael.tasks.interpolate import Interpolation, interpolate
from vael.tasks.reconstruct import Reconstruction, reconstruct
from vael.tasks.sample import Samples, sample

__all__ = [
    "Embedding",
    "Interpolation",
    "Reconstruction",
    "Samples",
    "embed",
    "interpolate",
    "reconstruct",
    "sample",
]
