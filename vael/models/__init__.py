"""Models: compositions of prior, posterior, likelihood and networks. They infer and generate; they hold no loss.

Next: `objectives` train them, `evaluation` judges them, `tasks` use them; all read an `Inference`.
"""

from vael.models.base import VAE, Pick, at_mean, drawing, given
from vael.models.inference import Inference, Latent
from vael.models.one_layer import OneLayerVAE
from vael.models.structures import STRUCTURES, Kit, Structure

__all__ = [
    "STRUCTURES",
    "VAE",
    "Inference",
    "Kit",
    "Latent",
    "OneLayerVAE",
    "Pick",
    "Structure",
    "at_mean",
    "drawing",
    "given",
]
