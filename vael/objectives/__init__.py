"""Objectives: (model, batch, step) → loss. They know the terms of the bound and no architecture.

Here, and only here, sums over events become means over the batch. Next: `training`, the one loop that minimises them.
"""

from vael.objectives.autoencoder import Autoencoder
from vael.objectives.base import Loss, Objective
from vael.objectives.elbo import ELBO

__all__ = ["OBJECTIVES", "Loss", "Objective"]

OBJECTIVES: dict[str, type[Objective]] = {"elbo": ELBO, "autoencoder": Autoencoder}
