"""The variational autoencoder with one stochastic layer."""

from torch import Tensor
from torch.distributions import Distribution

from vael.likelihoods.base import Likelihood
from vael.models.base import VAE, Pick, beside
from vael.models.inference import Latent
from vael.networks.base import Decoder, Encoder
from vael.posteriors.base import Posterior
from vael.priors.base import Prior
from vael.types import Batch

__all__ = ["OneLayerVAE"]


class OneLayerVAE(VAE):
    """Compose p(x, z) = p(z) p(x | z) with q(z | x); given a label y, p(z | y) p(x | z, y) with q(z | x, y).

    References: "Auto-encoding variational Bayes", Kingma & Welling 2014, https://arxiv.org/abs/1312.6114; with labels,
    "Learning structured output representation using deep conditional generative models", Sohn et al. 2015,
    https://papers.nips.cc/paper/5775.

    Arguments:
        encoder: x (and y) → features.
        posterior: features → q(z | x).
        prior: p(z).
        decoder: z (and y) → what the likelihood reads.
        likelihood: That → p(x | z).
        context_dim: Y, the width of y; 0 for none.
    """

    def __init__(
        self,
        encoder: Encoder,
        posterior: Posterior,
        prior: Prior,
        decoder: Decoder,
        likelihood: Likelihood,
        *,
        context_dim: int = 0,
    ) -> None:
        super().__init__(likelihood, (posterior.latent_dim,), context_dim)
        self.encoder = encoder
        self.posterior = posterior
        self.prior = prior
        self.decoder = decoder
        self.has_density = posterior.has_density

    def encode(self, x: Tensor, context: Tensor | None = None) -> Distribution:
        """Return q(z | x), batch shape `(B,)`, for x `(B, *shape)` in its domain and conditions `(B, Y)`."""
        self.check_context(context)
        return self.posterior(self.encoder(self.observation.as_input(x), context))

    def infer_latents(self, batch: Batch, pick: Pick) -> tuple[Latent, ...]:
        q_z = self.encode(batch.input, batch.context)
        return (Latent(pick(0, q_z), q_z, self.prior(self.encode, batch.context)),)

    def infer_decoded(self, batch: Batch, pick: Pick) -> tuple[tuple[Latent, ...], Distribution]:
        latents = self.infer_latents(batch, pick)
        return latents, self.decode_latents(latents, batch.context)

    def decode(self, z: Tensor, context: Tensor | None = None) -> Distribution:
        self.check_context(context)
        return self.likelihood(self.decoder(beside(z, context)))

    def generate(self, pick: Pick, context: Tensor | None = None) -> tuple[Tensor, ...]:
        self.check_context(context)
        return (self.posterior.place(pick(0, self.prior(self.encode, context))),)
