"""Several stochastic layers whose posterior comes down from the top, on the same way as the prior."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal

from vael.errors import VaelError
from vael.models.base import Pick, beside
from vael.models.hierarchy import Ends, Hierarchy
from vael.models.inference import Latent
from vael.networks.base import DenseActivation
from vael.networks.dense import dense_layers
from vael.posteriors.base import Posterior
from vael.types import Batch

__all__ = ["Merge", "TopDownVAE", "rising_widths"]

Merge = Literal["features", "precision"]
"""How q of a layer joins what comes up from x with what comes down: one more dense layer of both, or their product."""


class TopDownVAE(Hierarchy):
    """Infer q(z | x) = q(z_L | x) Π_l q(z_l | z_>l, x): what x says rises without chance, then p's own way is taken.

    References: "Ladder variational autoencoders", Sønderby et al. 2016, https://arxiv.org/abs/1602.02282; "Improving
    variational inference with inverse autoregressive flow", Kingma et al. 2016, https://arxiv.org/abs/1606.04934.

    Arguments:
        ends: Encoder, prior of the top layer, decoder and likelihood.
        posteriors: Features → q of each layer, lowest first. The top one, and with `precision` all of them, read what
            rises (`rising_widths`); with `features` the lower ones read a dense layer of the width that they state.
        hidden_features: Dense layers between two stochastic ones, on the way up; the way down is their mirror.
        activation: What follows each of them.
        sees_all: Whether each layer, and x, sees all layers above, not the next alone.
        merge: `features` reads q from a dense layer of both ways' features; `precision` multiplies a normal read from
            the way up with p(z_l | z_>l), as Sønderby et al. do.
        context_dim: Y, the width of y; 0 for none.
    """

    def __init__(
        self,
        ends: Ends,
        posteriors: Sequence[Posterior],
        hidden_features: tuple[int, ...],
        activation: DenseActivation,
        *,
        sees_all: bool = False,
        merge: Merge = "features",
        context_dim: int = 0,
    ) -> None:
        super().__init__(ends, posteriors, hidden_features, activation, sees_all=sees_all, context_dim=context_dim)
        if merge == "features" and not hidden_features:
            raise VaelError("merge = 'features' expects hidden_features such as [100], got []: or use precision")
        rising = rising_widths(ends.encoder.out_features, hidden_features, len(posteriors))
        self.ascents = nn.ModuleList(dense_layers((width, *hidden_features), activation) for width in rising[:-1])
        self.merges = nn.ModuleList()
        if merge == "features":
            widths = zip(rising, posteriors[:-1], strict=False)
            merges = [(width + hidden_features[0], posterior.in_features) for width, posterior in widths]
            self.merges.extend(dense_layers(both, activation) for both in merges)

    def encode(self, x: Tensor, context: Tensor | None = None) -> Distribution:
        return self.posteriors[-1](self._rise(x, context)[-1])

    def infer_latents(self, batch: Batch, pick: Pick) -> tuple[Latent, ...]:
        rising = self._rise(batch.input, batch.context)
        top = len(rising) - 1
        q_z = self.posteriors[top](rising[top])
        latents = [Latent(pick(top, q_z), q_z, self.prior(self.encode, batch.context))]
        code = latents[0].z
        for layer in reversed(range(top)):
            falling = self.descents[layer](self.above(layer, code, batch.context))
            p_z = self.conditionals[layer](falling)
            q_z = self._merged(layer, rising[layer], falling, p_z)
            latents.insert(0, Latent(pick(layer, q_z), q_z, p_z))
            code = torch.cat([latents[0].z, code], -1)
        return tuple(latents)

    def _rise(self, x: Tensor, context: Tensor | None) -> list[Tensor]:
        """Return what each layer is told of x, `(B, H_l)`, lowest first."""
        rising = [self.see(x, context)]
        for ascent in self.ascents:
            rising.append(ascent(rising[-1]))
        return rising

    def _merged(self, layer: int, rising: Tensor, falling: Tensor, p_z: Distribution) -> Distribution:
        """Return q(z_l | z_>l, x), batch shape `(K, B)`."""
        if not self.merges:
            return product_of_normals(self.posteriors[layer](rising), p_z)
        return self.posteriors[layer](self.merges[layer](beside(falling, rising)))


def rising_widths(encoder_features: int, hidden_features: tuple[int, ...], num_layers: int) -> list[int]:
    """Return how many features each of L layers is told of x, lowest first."""
    above = hidden_features[-1] if hidden_features else encoder_features
    return [encoder_features, *[above] * (num_layers - 1)]


def product_of_normals(q: Distribution, p: Distribution) -> Distribution:
    """Return the normalised product of two factorised normals: precisions add, means weigh by them."""
    assert isinstance(q, Independent)
    assert isinstance(p, Independent)
    a, b = q.base_dist, p.base_dist
    precision = a.scale**-2 + b.scale**-2
    mean = (a.mean * a.scale**-2 + b.mean * b.scale**-2) / precision
    return Independent(Normal(mean, precision**-0.5, validate_args=False), 1, validate_args=False)
