"""Evaluation: numbers about a trained model, each with its standard error, the same for every model.

`evaluate` gives the bounds of every model. The other measures lie in a file each (`annealed`, `posterior_gap`,
`information`, `overfit`, `layers`, `samples`, `representations`, `disentanglement`), `comparison` sets models against
one another. Next: `experiments.judging` and `vael evaluate`, which say of which run and which split.
"""

from vael.evaluation.activity import find_active
from vael.evaluation.bounds import ExampleBounds, bound_examples
from vael.evaluation.likelihood import Evaluation, evaluate

__all__ = ["Evaluation", "ExampleBounds", "bound_examples", "evaluate", "find_active"]
