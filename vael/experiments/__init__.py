"""Train, resume, load: a recipe, its data and its model, wired to a run folder.

    run = vael.train("mnist", recipe="binary-20")      # or vael.load("runs/binary-20-1")
    run.model, run.evaluate(), run.sample(64).x

`parts` makes a recipe alive, `experiment` trains it into a folder (`prepare` and `reopen` give an `Experiment` whose
`records()` the command line prints and `train` and `resume` only drain), `contents` reads what a folder holds, `run`
has the verbs on it, `refit` makes a run of a run, with a prior fitted to its codes, `describe` says what run.json
records, `pixels` writes what was decoded. Next: `cli`.
"""

from vael.experiments.experiment import Experiment, next_name, prepare, reopen, resume, train
from vael.experiments.pixels import write_pixels
from vael.experiments.refit import refit_prior
from vael.experiments.run import Run, load

__all__ = [
    "Experiment",
    "Run",
    "load",
    "next_name",
    "prepare",
    "refit_prior",
    "reopen",
    "resume",
    "train",
    "write_pixels",
]
