"""Objectives: (model, batch, step) → loss. They know the terms of the bound and no architecture.

Here, and only here, sums over events become means over the batch. Next: `training`, the one loop that minimises them.
"""

from vael.objectives.adversarial import Adversarial, AdversarialImages
from vael.objectives.autoencoder import Autoencoder
from vael.objectives.base import Loss, Objective
from vael.objectives.dip import DIP
from vael.objectives.elbo import ELBO
from vael.objectives.factor import Factor
from vael.objectives.importance_weighted import ImportanceWeighted
from vael.objectives.mmd import MMD
from vael.objectives.perceptual import Perceptual
from vael.objectives.regularised import Regularised
from vael.objectives.total_correlation import TotalCorrelation

__all__ = ["OBJECTIVES", "Loss", "Objective"]

OBJECTIVES: dict[str, type[Objective]] = {
    "elbo": ELBO,
    "autoencoder": Autoencoder,
    "importance-weighted": ImportanceWeighted,
    "total-correlation": TotalCorrelation,
    "factor": Factor,
    "dip": DIP,
    "mmd": MMD,
    "adversarial": Adversarial,
    "adversarial-images": AdversarialImages,
    "regularised": Regularised,
    "perceptual": Perceptual,
}
