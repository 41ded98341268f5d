"""Models: compositions of prior, posterior, likelihood and networks. They infer and generate; they hold no loss.

Next: `objectives` train them, `evaluation` judges them, `tasks` use them; all read an `Inference`.
"""

from vael.models.inference import Generation, Inference, Latent
from vael.models.vae import VAE

__all__ = ["VAE", "Generation", "Inference", "Latent"]
