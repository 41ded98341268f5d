"""Structures: how many stochastic layers a model has, and in which order they are inferred.

A structure is the options of one kind of model. It asks a `Kit` for the recipe's parts, at the sizes that its layers
have, and puts them together.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from vael.errors import VaelError
from vael.likelihoods.base import Likelihood
from vael.models.base import VAE
from vael.models.bottom_up import BottomUpVAE
from vael.models.hierarchy import Ends
from vael.models.ladder import LadderVAE
from vael.models.one_layer import OneLayerVAE
from vael.models.top_down import Merge, TopDownVAE, rising_widths
from vael.networks.base import Activation, Decoder, DenseActivation, Encoder
from vael.posteriors.base import Posterior
from vael.priors.base import Prior

__all__ = ["STRUCTURES", "BottomUp", "Kit", "Ladder", "OneLayer", "Structure", "TopDown"]


@dataclass(frozen=True)
class Kit:
    """Hold what a recipe names, to be built at the sizes that a structure asks for.

    Arguments:
        latent_dim: D of the recipe.
        context_dim: Y, the width of the condition; 0 for none.
        likelihood: The likelihood.
        encoder: The encoder.
        posterior: How many features it reads, D → a posterior.
        prior: D → the prior.
        decoder: D → the decoder; the condition's width comes on top.
    """

    latent_dim: int
    context_dim: int
    likelihood: Likelihood
    encoder: Encoder
    posterior: Callable[[int, int], Posterior]
    prior: Callable[[int], Prior]
    decoder: Callable[[int], Decoder]

    def ends(self, *, top_dim: int, decoded_dim: int) -> Ends:
        """Build what a hierarchy begins and ends with: a prior of `top_dim`, a decoder of `decoded_dim` latents."""
        return Ends(self.encoder, self.prior(top_dim), self.decoder(decoded_dim), self.likelihood)


class Structure(ABC):
    """Put the parts of a recipe together; the members are frozen dataclasses of their options."""

    is_deep: ClassVar[bool] = True
    """Whether there are several stochastic layers, so that the posterior must have a density and be reparametrised."""

    posteriors: ClassVar[tuple[str, ...]] = ()
    """The posteriors that fit; empty where every one does."""

    encoders: ClassVar[tuple[str, ...]] = ()
    """The encoders that fit; empty where every one does."""

    decoders: ClassVar[tuple[str, ...]] = ()
    """The decoders that fit; empty where every one does."""

    @abstractmethod
    def assemble(self, kit: Kit) -> VAE:
        """Build the model."""


@dataclass(frozen=True)
class OneLayer(Structure):
    """One stochastic layer: p(z) p(x | z), q(z | x)."""

    is_deep = False

    def assemble(self, kit: Kit) -> VAE:
        posterior = kit.posterior(kit.encoder.out_features, kit.latent_dim)
        prior = kit.prior(posterior.code_dim)
        decoder = kit.decoder(kit.latent_dim)
        return OneLayerVAE(kit.encoder, posterior, prior, decoder, kit.likelihood, context_dim=kit.context_dim)


@dataclass(frozen=True)
class BottomUp(Structure):
    """Several layers, inferred from the lowest to the top: q(z_1 | x) q(z_2 | z_1) and so on.

    The recipe's `latent_dim` is that of the lowest layer, its prior that of the top. See `BottomUpVAE`.

    Arguments:
        latent_dims: The dimensions of the layers above the first.
        hidden_features: Dense layers between two stochastic ones, on the way up; the way down is their mirror.
        activation: What follows each of them: relu, tanh, sigmoid, silu, elu or gated.
    """

    latent_dims: tuple[int, ...] = (50,)
    hidden_features: tuple[int, ...] = (100, 100)
    activation: DenseActivation = "tanh"

    posteriors = ("diagonal-normal",)

    def assemble(self, kit: Kit) -> VAE:
        dims = (kit.latent_dim, *check_layers(self.latent_dims))
        climbed = [self.hidden_features[-1] if self.hidden_features else below for below in dims[:-1]]
        features = [kit.encoder.out_features, *climbed]
        posteriors = [kit.posterior(width, dim) for width, dim in zip(features, dims, strict=True)]
        ends = kit.ends(top_dim=dims[-1], decoded_dim=dims[0])
        return BottomUpVAE(ends, posteriors, self.hidden_features, self.activation, context_dim=kit.context_dim)


@dataclass(frozen=True)
class TopDown(Structure):
    """Several layers, inferred from the top to the lowest: q(z_L | x) first, q(z_1 | z_>1, x) last.

    The recipe's `latent_dim` is that of the lowest layer, its prior that of the top. See `TopDownVAE`.

    Arguments:
        latent_dims: The dimensions of the layers above the first.
        hidden_features: Dense layers between two stochastic ones, on the way up; the way down is their mirror.
        activation: What follows each of them: relu, tanh, sigmoid, silu, elu or gated.
        merge: `features` reads q from a dense layer of both ways' features; `precision` multiplies a normal read from
            the way up with the layer's prior (Sønderby et al. 2016).
        sees_all: Whether each layer, and x, sees all layers above, not the next alone.
    """

    latent_dims: tuple[int, ...] = (50,)
    hidden_features: tuple[int, ...] = (100, 100)
    activation: DenseActivation = "silu"
    merge: Merge = "features"
    sees_all: bool = False

    posteriors = ("diagonal-normal",)

    def assemble(self, kit: Kit) -> VAE:
        dims = (kit.latent_dim, *check_layers(self.latent_dims))
        features = rising_widths(kit.encoder.out_features, self.hidden_features, len(dims))
        if self.merge == "features" and self.hidden_features:
            features[:-1] = [self.hidden_features[-1]] * (len(dims) - 1)
        posteriors = [kit.posterior(width, dim) for width, dim in zip(features, dims, strict=True)]
        return TopDownVAE(
            kit.ends(top_dim=dims[-1], decoded_dim=sum(dims) if self.sees_all else dims[0]),
            posteriors,
            self.hidden_features,
            self.activation,
            sees_all=self.sees_all,
            merge=self.merge,
            context_dim=kit.context_dim,
        )


@dataclass(frozen=True)
class Ladder(Structure):
    """Layers at the scales of an image, in residual towers, inferred from the top down.

    The top layer is a vector of the recipe's `latent_dim`, with the recipe's prior and posterior; the others are maps
    of normals. See `LadderVAE`.

    Arguments:
        latents_per_scale: How many stochastic layers each stage of the decoder has, from the smallest map to the
            largest; below them all stands the image.
        latent_channels: How many numbers each place of such a map holds.
        activation: Of the layers around the latents: relu, tanh, sigmoid, silu or elu.
    """

    latents_per_scale: tuple[int, ...] = (1, 1)
    latent_channels: int = 4
    activation: Activation = "silu"

    encoders = ("residual",)
    decoders = ("residual",)

    def assemble(self, kit: Kit) -> VAE:
        return LadderVAE(
            kit.ends(top_dim=kit.latent_dim, decoded_dim=kit.latent_dim),
            kit.posterior(kit.encoder.out_features, kit.latent_dim),
            self.latents_per_scale,
            latent_channels=self.latent_channels,
            activation=self.activation,
            context_dim=kit.context_dim,
        )


def check_layers(latent_dims: tuple[int, ...]) -> tuple[int, ...]:
    """Return the dimensions of the layers above the first, and refuse what is none."""
    if not latent_dims or min(latent_dims) < 1:
        raise VaelError(
            f"model.structure.latent_dims expects the dimensions of the layers above the first, such as [50], "
            f"got {list(latent_dims)}: for one layer use model.structure=one-layer"
        )
    return latent_dims


STRUCTURES: dict[str, type[Structure]] = {
    "one-layer": OneLayer,
    "bottom-up": BottomUp,
    "top-down": TopDown,
    "ladder": Ladder,
}
