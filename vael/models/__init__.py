"""Models: compositions of prior, posterior, likelihood and networks. They infer and generate; they hold no loss.

Next: `objectives` train them, `evaluation` judges them, `tasks` use them; all read an `Inference`.
"""

from vael.models.base import VAE, Pick, at_mean, drawing, given
from vael.models.inference import Inference, Latent
from vael.models.one_layer import OneLayerVAE

__all__ = ["VAE", "Inference", "Latent", "OneLayerVAE", "Pick", "at_mean", "drawing", "given"]
