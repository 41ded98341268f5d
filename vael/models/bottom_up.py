"""Several stochastic layers whose posterior climbs from x to the top, each layer drawn given the one below."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from vael.models.base import Pick
from vael.models.hierarchy import Ends, Hierarchy
from vael.models.inference import Latent
from vael.networks.base import DenseActivation
from vael.networks.dense import dense_layers
from vael.posteriors.base import Posterior
from vael.types import Batch

__all__ = ["BottomUpVAE"]


class BottomUpVAE(Hierarchy):
    """Infer q(z | x) = q(z_1 | x) q(z_2 | z_1) … q(z_L | z_{L−1}), the mirror of p.

    References: "Stochastic backpropagation and approximate inference in deep generative models", Rezende et al. 2014,
    https://arxiv.org/abs/1401.4082; the two layers of "Importance weighted autoencoders", Burda et al. 2016,
    https://arxiv.org/abs/1509.00519.

    Arguments:
        ends: Encoder, prior of the top layer, decoder and likelihood.
        posteriors: Features → q of each layer, lowest first: of the encoder, then of `ascents`.
        hidden_features: Dense layers between two stochastic ones, on the way up; the way down is their mirror.
        activation: What follows each of them.
        context_dim: Y, the width of y; 0 for none.
    """

    def __init__(
        self,
        ends: Ends,
        posteriors: Sequence[Posterior],
        hidden_features: tuple[int, ...],
        activation: DenseActivation,
        *,
        context_dim: int = 0,
    ) -> None:
        super().__init__(ends, posteriors, hidden_features, activation, context_dim=context_dim)
        climbs = [dense_layers((below, *hidden_features), activation) for below in self.latent_dims[:-1]]
        self.ascents = nn.ModuleList(climbs)

    def encode(self, x: Tensor, context: Tensor | None = None) -> Distribution:
        """Return q(z_L | x), batch shape `(B,)`, the layers below at their means: for a prior made of posteriors."""
        q_z = self.posteriors[0](self.see(x, context))
        for ascent, posterior in zip(self.ascents, self.posteriors[1:], strict=True):
            q_z = posterior(ascent(q_z.mean))
        return q_z

    def infer_latents(self, batch: Batch, pick: Pick) -> tuple[Latent, ...]:
        q_zs = [self.posteriors[0](self.see(batch.input, batch.context))]
        zs = [pick(0, q_zs[0])]
        for layer, ascent in enumerate(self.ascents, 1):
            q_zs.append(self.posteriors[layer](ascent(zs[-1])))
            zs.append(pick(layer, q_zs[-1]))
        p_zs = [self._prior_of(layer, zs, batch.context) for layer in range(len(zs))]
        return tuple(map(Latent, zs, q_zs, p_zs))

    def _prior_of(self, layer: int, zs: Sequence[Tensor], context: Tensor | None) -> Distribution:
        """Return p(z_l | z_>l), or p(z_L)."""
        if layer == len(zs) - 1:
            return self.prior(self.encode, context)
        above = self.above(layer, torch.cat(list(zs[layer + 1 :]), -1), context)
        return self.conditionals[layer](self.descents[layer](above))
