"""Evaluation: numbers about a trained model, each with its standard error, the same for every model.

Next: `experiments.Run.evaluate` and `vael evaluate`, which say which split.
"""

from vael.evaluation.activity import find_active
from vael.evaluation.likelihood import Bounds, Evaluation, bounds_of_examples, evaluate

__all__ = ["Bounds", "Evaluation", "bounds_of_examples", "evaluate", "find_active"]
