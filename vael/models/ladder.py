"""Many stochastic layers at the scales of an image: residual towers, and latents that enter between their blocks.

The top layer is a vector, with the recipe's own prior and posterior; below it each *rung* of the ladder is a map of
normals whose prior is read from the way down, and whose posterior says how far x moves it.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal

from vael.errors import VaelError
from vael.models.base import VAE, Pick, beside
from vael.models.hierarchy import Ends
from vael.models.inference import Latent
from vael.networks.base import ACTIVATIONS, Activation
from vael.networks.residual import MapShape, ResidualBlock, ResidualDecoder, ResidualEncoder
from vael.posteriors.base import Posterior
from vael.types import Batch

__all__ = ["LadderVAE"]

LIMIT = 5.0  # log σ lies within ±5, softly: a map of hundreds of normals never meets one that overflows

Choose = Callable[[int, Tensor, Independent], Tensor]
"""Choose the latents `(…, D_r)` of rung r, counted from the top, given the way down's map and the rung's prior."""


class LadderVAE(VAE):
    """Let latents enter a residual decoder at every scale: p(z_l | z_>l) and q(z_l | z_>l, x) share the way down.

    The posterior is residual: with p = N(μ, σ²), q = N(μ + Δμ, (σ Δσ)²), and Δ begins at nothing.
    References: "NVAE: a deep hierarchical variational autoencoder", Vahdat & Kautz 2020,
    https://arxiv.org/abs/2007.03898; "Very deep VAEs generalize autoregressive models and can outperform them on
    images", Child 2021, https://arxiv.org/abs/2011.10650; both after "Improving variational inference with inverse
    autoregressive flow", Kingma et al. 2016, https://arxiv.org/abs/1606.04934.

    Arguments:
        ends: A residual encoder, the prior of the top layer, a residual decoder, and the likelihood.
        posterior: The encoder's features → q of the top layer.
        latents_per_scale: How many rungs each scale of the decoder has, from the smallest map to the largest.
        latent_channels: How many numbers each place of a rung's map holds.
        activation: Of the layers that a rung adds.
        context_dim: Y, the width of y; 0 for none.

    Raises:
        VaelError: Towers of different scales, or not one number of rungs for each.
    """

    def __init__(
        self,
        ends: Ends,
        posterior: Posterior,
        latents_per_scale: tuple[int, ...],
        *,
        latent_channels: int,
        activation: Activation,
        context_dim: int = 0,
    ) -> None:
        encoder, decoder = ends.encoder, ends.decoder
        assert isinstance(encoder, ResidualEncoder)  # `build` refuses others
        assert isinstance(decoder, ResidualDecoder)
        _check_scales(encoder, decoder, latents_per_scale)
        num_rungs = sum(latents_per_scale)
        scales = list(zip(decoder.map_shapes, reversed(encoder.map_shapes), latents_per_scale, strict=True))
        rungs = [
            [Rung(shape, side, latent_channels, activation, num_rungs=num_rungs) for _ in range(count)]
            for shape, (side, _, _), count in scales
        ]
        dims = [rung.latent_dim for scale in rungs for rung in scale]
        super().__init__(ends.likelihood, (*reversed(dims), posterior.latent_dim), context_dim)
        self.encoder = encoder
        self.posterior = posterior
        self.prior = ends.prior
        self.decoder = decoder
        self.latents_per_scale = latents_per_scale
        self.rungs = nn.ModuleList(rung for scale in rungs for rung in scale)
        self.has_density = posterior.has_density

    def encode(self, x: Tensor, context: Tensor | None = None) -> Distribution:
        """Return q(z_L | x) of the top layer, batch shape `(B,)`, for x `(B, *shape)` and conditions `(B, Y)`."""
        return self.posterior(self.encoder.flatten(self._rise(x, context)[-1]))

    def infer_latents(self, batch: Batch, pick: Pick) -> tuple[Latent, ...]:
        return self._infer(batch, pick, is_whole=False)[0]

    def infer_decoded(self, batch: Batch, pick: Pick) -> tuple[tuple[Latent, ...], Distribution]:
        latents, h = self._infer(batch, pick, is_whole=True)
        return latents, self.likelihood(h)

    def decode(self, z: Tensor, context: Tensor | None = None) -> Distribution:
        *rungs, top = self.split(z)
        return self.likelihood(self._descend(top, context, lambda rung, h, p_z: rungs[-1 - rung]))

    def generate(self, pick: Pick, context: Tensor | None = None) -> tuple[Tensor, ...]:
        self.check_context(context)
        num_rungs = len(self.rungs)
        zs = [pick(num_rungs, self.prior(self.encode, context))]

        def choose(rung: int, h: Tensor, p_z: Independent) -> Tensor:
            zs.insert(0, pick(num_rungs - 1 - rung, p_z))
            return zs[0]

        self._descend(zs[0], context, choose, is_whole=False)
        return tuple(zs)

    def _infer(self, batch: Batch, pick: Pick, *, is_whole: bool) -> tuple[tuple[Latent, ...], Tensor]:
        """Return the latents, lowest first, and what the way down ends with."""
        maps = self._rise(batch.input, batch.context)
        sides = [maps[-1 - scale] for scale, count in enumerate(self.latents_per_scale) for _ in range(count)]
        num_rungs = len(self.rungs)
        q_z = self.posterior(self.encoder.flatten(maps[-1]))
        latents = [Latent(pick(num_rungs, q_z), q_z, self.prior(self.encode, batch.context))]

        def choose(rung: int, h: Tensor, p_z: Independent) -> Tensor:
            q_z = self._rung(rung).infer(h, sides[rung], p_z)
            latents.insert(0, Latent(pick(num_rungs - 1 - rung, q_z), q_z, p_z))
            return latents[0].z

        h = self._descend(latents[0].z, batch.context, choose, is_whole=is_whole)
        return tuple(latents), h

    def _rung(self, number: int) -> "Rung":
        rung = self.rungs[number]
        assert isinstance(rung, Rung)
        return rung

    def _rise(self, x: Tensor, context: Tensor | None) -> list[Tensor]:
        """Return what the encoder sees of x at each scale, from the largest map to the smallest."""
        self.check_context(context)
        return self.encoder.pyramid(self.observation.as_input(x), context)

    def _descend(self, top: Tensor, context: Tensor | None, choose: Choose, *, is_whole: bool = True) -> Tensor:
        """Go down from the top layer's latents `(…, D_L)`; return `(…, P, *shape)`, or stop after the last rung."""
        self.check_context(context)
        lead = top.shape[:-1]
        h = self.decoder.smallest(beside(top, context).flatten(0, -2))
        done = 0
        for stage, count in enumerate(self.latents_per_scale):
            for _ in range(count):
                rung = self._rung(done)
                h = rung.enter(h, choose(done, h, rung(h, lead)))
                done += 1
            if done == len(self.rungs) and not is_whole:
                return h
            h = self.decoder.enlarge(stage, h)
        return self.decoder.finish(h).unflatten(0, lead)


class Rung(nn.Module):
    """One stochastic layer of the ladder: a map of normals.

    Arguments:
        shape: `(C, H, W)` of the way down's map at this scale.
        side_channels: Feature maps of the encoder at this scale.
        latent_channels: How many numbers each place holds.
        activation: What stands before each convolution.
        num_rungs: How many rungs the whole ladder has.
    """

    def __init__(
        self, shape: MapShape, side_channels: int, latent_channels: int, activation: Activation, *, num_rungs: int
    ) -> None:
        super().__init__()
        channels, height, width = shape
        if latent_channels < 1:
            raise VaelError(f"model.structure.latent_channels expects an integer ≥ 1, got {latent_channels}")
        self.map_shape = (latent_channels, height, width)
        self.latent_dim = math.prod(self.map_shape)
        self.prior = _silent(channels, 2 * latent_channels, activation)
        self.side = nn.Conv2d(side_channels, channels, 1)
        self.fall = nn.Conv2d(channels, channels, 3, padding=1)
        self.shift = _silent(channels, 2 * latent_channels, activation)
        self.into = nn.Conv2d(latent_channels, channels, 1)
        self.block = ResidualBlock(channels, num_rungs, activation)

    def forward(self, h: Tensor, lead: torch.Size) -> Independent:
        """Return p(z | z_>), batch shape `lead`, event shape `(D,)`, for the way down's maps `(N, C, H, W)`."""
        return self._normal(self.prior(h), lead, 0.0, 0.0)

    def infer(self, h: Tensor, side: Tensor, p_z: Independent) -> Independent:
        """Return q(z | z_>, x), batch shape `(K, B)`, for maps `(K·B, C, H, W)` and what x says `(B, C_e, H, W)`."""
        lead = p_z.batch_shape
        both = self.fall(h).unflatten(0, lead) + self.side(side)
        base = p_z.base_dist
        return self._normal(self.shift(both.flatten(0, len(lead) - 1)), lead, base.mean, torch.log(base.stddev))

    def enter(self, h: Tensor, z: Tensor) -> Tensor:
        """Put latents `(…, D)` into the maps `(N, C, H, W)`."""
        return self.block(h + self.into(z.reshape(-1, *self.map_shape)))

    def _normal(
        self, numbers: Tensor, lead: torch.Size, mean: Tensor | float, log_sigma: Tensor | float
    ) -> Independent:
        """Return the normal that maps `(N, 2·C, H, W)` move away from a mean and a log σ."""
        shift, log_factor = (half.flatten(1).unflatten(0, lead) for half in numbers.float().chunk(2, 1))
        sigma = torch.exp(log_sigma + LIMIT * torch.tanh(log_factor / LIMIT))
        return Independent(Normal(mean + shift, sigma, validate_args=False), 1, validate_args=False)


def _silent(before: int, after: int, activation: Activation) -> nn.Sequential:
    """Build an activation and a convolution that says nothing at the start."""
    conv = nn.Conv2d(before, after, 3, padding=1)
    nn.init.zeros_(conv.weight)
    assert conv.bias is not None
    nn.init.zeros_(conv.bias)
    return nn.Sequential(ACTIVATIONS[activation](), conv)


def _check_scales(encoder: ResidualEncoder, decoder: ResidualDecoder, latents_per_scale: tuple[int, ...]) -> None:
    """Refuse towers that do not meet."""
    num_scales = len(decoder.map_shapes)
    if len(encoder.map_shapes) != num_scales:
        raise VaelError(
            f"a ladder's towers meet at every scale: model.encoder.channels has {len(encoder.map_shapes)} stages and "
            f"model.decoder.channels {num_scales}: give both as many"
        )
    if len(latents_per_scale) != num_scales or min(latents_per_scale) < 0:
        raise VaelError(
            f"model.structure.latents_per_scale expects {num_scales} numbers ≥ 0, one for each stage of model.decoder, "
            f"got {list(latents_per_scale)}"
        )
