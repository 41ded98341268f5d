"""Evaluation: numbers about a trained model, each with its standard error, the same for every model.

Next: `experiments.Run.evaluate` and `vael evaluate`, which say which split.
"""

from vael.evaluation.activity import find_active
from vael.evaluation.likelihood import Evaluation, evaluate

__all__ = ["Evaluation", "evaluate", "find_active"]
