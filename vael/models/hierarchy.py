"""What models with several dense stochastic layers share: the way down from the top layer to x.

    p(x, z) = p(z_L) Π_l p(z_l | z_>l) p(x | z),   p(z_l | z_>l) = N(μ_l(z_>l), diag σ_l²(z_>l))

They differ in q: `bottom_up` goes from x to the top, `top_down` comes back on the way of p.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from vael.likelihoods.base import Likelihood
from vael.models.base import VAE, Pick, beside
from vael.models.inference import Latent
from vael.networks.base import Decoder, DenseActivation, Encoder
from vael.networks.dense import dense_layers
from vael.posteriors.base import Posterior
from vael.posteriors.normal import DiagonalNormal
from vael.priors.base import Prior
from vael.types import Batch

__all__ = ["Ends", "Hierarchy"]


@dataclass(frozen=True)
class Ends:
    """Hold the parts of a hierarchy that a model with one stochastic layer has too.

    Arguments:
        encoder: x (and y) → features.
        prior: p(z_L).
        decoder: z_1, or all layers where x sees all of them (and y) → what the likelihood reads.
        likelihood: That → p(x | z).
    """

    encoder: Encoder
    prior: Prior
    decoder: Decoder
    likelihood: Likelihood


class Hierarchy(VAE):
    """Hold the parts of several dense stochastic layers, and decode and draw with them.

    Arguments:
        ends: Encoder, prior of the top layer, decoder and likelihood.
        posteriors: Features → q of each layer, lowest first.
        hidden_features: Dense layers between two stochastic ones, on the way up; the way down is their mirror.
        activation: What follows each of them.
        sees_all: Whether each layer, and x, sees all layers above, not the next alone.
        context_dim: Y, the width of y; 0 for none. Encoder, prior, conditional priors and decoder see it.
    """

    has_density = True

    def __init__(
        self,
        ends: Ends,
        posteriors: Sequence[Posterior],
        hidden_features: tuple[int, ...],
        activation: DenseActivation,
        *,
        sees_all: bool = False,
        context_dim: int = 0,
    ) -> None:
        latent_dims = tuple(posterior.latent_dim for posterior in posteriors)
        super().__init__(ends.likelihood, latent_dims, context_dim)
        self.encoder = ends.encoder
        self.posteriors = nn.ModuleList(posteriors)
        self.prior = ends.prior
        self.decoder = ends.decoder
        self.sees_all = sees_all
        self.descents = nn.ModuleList()
        self.conditionals = nn.ModuleList()
        for layer, latent_dim in enumerate(latent_dims[:-1]):
            above = sum(latent_dims[layer + 1 :]) if sees_all else latent_dims[layer + 1]
            widths = (above + context_dim, *reversed(hidden_features))
            self.descents.append(dense_layers(widths, activation))
            self.conditionals.append(DiagonalNormal(widths[-1], latent_dim))

    def above(self, layer: int, code: Tensor, context: Tensor | None) -> Tensor:
        """Return what a layer (−1 for x) sees of the latents above it, `(…, D_>l)` lowest first, and of y."""
        return beside(code if self.sees_all else code[..., : self.latent_dims[layer + 1]], context)

    def decode(self, z: Tensor, context: Tensor | None = None) -> Distribution:
        self.check_context(context)
        return self.likelihood(self.decoder(self.above(-1, z, context)))

    def generate(self, pick: Pick, context: Tensor | None = None) -> tuple[Tensor, ...]:
        self.check_context(context)
        zs = [pick(len(self.conditionals), self.prior(self.encode, context))]
        for layer in reversed(range(len(self.conditionals))):
            above = self.above(layer, torch.cat(zs, -1), context)
            zs.insert(0, pick(layer, self.conditionals[layer](self.descents[layer](above))))
        return tuple(zs)

    def infer_decoded(self, batch: Batch, pick: Pick) -> tuple[tuple[Latent, ...], Distribution]:
        latents = self.infer_latents(batch, pick)
        return latents, self.decode_latents(latents, batch.context)

    def see(self, x: Tensor, context: Tensor | None) -> Tensor:
        """Return the encoder's features `(B, H)` of x `(B, *shape)`, given conditions `(B, Y)`."""
        self.check_context(context)
        return self.encoder(self.observation.as_input(x), context)

    @abstractmethod
    def encode(self, x: Tensor, context: Tensor | None = None) -> Distribution:
        """Return q(z_L | x) of the top layer, batch shape `(B,)`, for x `(B, *shape)` and conditions `(B, Y)`."""
