"""The variational autoencoder with one stochastic layer."""

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from vael.likelihoods.base import Likelihood
from vael.models.inference import Generation, Inference, Latent
from vael.networks.base import Decoder, Encoder
from vael.posteriors.base import Posterior
from vael.priors.base import Prior
from vael.types import Batch, Observation

__all__ = ["VAE"]


class VAE(nn.Module):
    """Compose p(x, z) = p(z) p(x | z) with q(z | x).

    Reference: "Auto-encoding variational Bayes", Kingma & Welling 2014, https://arxiv.org/abs/1312.6114.

    Arguments:
        encoder: x → features.
        posterior: features → q(z | x).
        prior: p(z).
        decoder: z → what the likelihood reads.
        likelihood: That → p(x | z).
    """

    def __init__(
        self, encoder: Encoder, posterior: Posterior, prior: Prior, decoder: Decoder, likelihood: Likelihood
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.posterior = posterior
        self.prior = prior
        self.decoder = decoder
        self.likelihood = likelihood

    @property
    def observation(self) -> Observation:
        """What x is."""
        return self.likelihood.observation

    @property
    def latent_dim(self) -> int:
        """D, the dimensions of z."""
        return self.prior.latent_dim

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return next(self.parameters()).device

    def encode(self, x: Tensor) -> Distribution:
        """Return q(z | x), batch shape `(B,)`, for x `(B, *shape)` in its domain."""
        scale = self.observation.scale
        return self.posterior(self.encoder(x if scale == 1 else x / scale))

    def decode(self, z: Tensor) -> Distribution:
        """Return p(x | z), batch shape `(…)`, for latents `(…, D)`."""
        return self.likelihood(self.decoder(z))

    def infer_latents(self, batch: Batch, *, num_samples: int = 1) -> tuple[Latent, ...]:
        """Infer q(z | x) with K = `num_samples` draws of z for each example, and decode nothing."""
        q_z = self.encode(batch.x)
        return (Latent(q_z.rsample(torch.Size((num_samples,))), q_z, self.prior()),)

    def infer(self, batch: Batch, *, num_samples: int = 1) -> Inference:
        """Infer the terms of the bound with K = `num_samples` draws of z for each example."""
        latents = self.infer_latents(batch, num_samples=num_samples)
        return Inference(batch.x, self.decode(latents[0].z), latents)

    def generate(self, num_samples: int) -> Generation:
        """Draw N = `num_samples` latents from the prior and decode them."""
        z = self.prior().sample(torch.Size((num_samples,)))
        return Generation((z,), self.decode(z))
