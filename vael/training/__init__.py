"""Training: one loop, two ways to take a step (eager, compiled), checkpoints that resume exactly.

`fit` is a generator of records; who consumes it prints, appends or saves. Next: `experiments`, which does all three.
"""

from vael.training.checkpoint import load_checkpoint, load_weights, save_checkpoint, save_weights
from vael.training.loop import Monitor, NonFinite, Pause, fit
from vael.training.optimizers import OPTIMIZERS, Optimizer
from vael.training.state import TrainingState
from vael.training.step import Plan

__all__ = [
    "OPTIMIZERS",
    "Monitor",
    "NonFinite",
    "Optimizer",
    "Pause",
    "Plan",
    "TrainingState",
    "fit",
    "load_checkpoint",
    "load_weights",
    "save_checkpoint",
    "save_weights",
]
