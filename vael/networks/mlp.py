"""Multilayer perceptrons of any depth; with no hidden layer they are linear maps."""

import itertools
import math

import torch
from torch import Tensor, nn

from vael.errors import VaelError
from vael.networks.base import ACTIVATIONS, Activation, Decoder, Encoder

__all__ = ["MLPDecoder", "MLPEncoder", "dense_layers"]


class MLPEncoder(Encoder):
    """Flatten x and pass it through dense layers.

    Arguments:
        in_shape: The shape of one observation.
        context_dim: Y ≥ 0; the condition stands beside x.
        hidden_features: The width of each hidden layer; none makes the features x itself.
        activation: relu, tanh, sigmoid or silu.
        batch_norm: Whether to normalise each layer's output over the batch before the activation.
    """

    def __init__(
        self,
        in_shape: tuple[int, ...],
        context_dim: int = 0,
        *,
        hidden_features: tuple[int, ...] = (400,),
        activation: Activation = "relu",
        batch_norm: bool = False,
    ) -> None:
        super().__init__(in_shape, context_dim)
        widths = (math.prod(in_shape) + context_dim, *hidden_features)
        self.layers = dense_layers(widths, activation, batch_norm)
        self.out_features = widths[-1]

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        rows = x.flatten(1)
        return self.layers(rows if context is None else torch.cat([rows, context], 1))


class MLPDecoder(Decoder):
    """Pass z through dense layers and unflatten.

    Arguments:
        latent_dim: D.
        out_shape: `(P, *shape)`.
        hidden_features: The width of each hidden layer, from the latents to x.
        activation: relu, tanh, sigmoid or silu.
        batch_norm: Whether to normalise each layer's output over the batch before the activation.
    """

    def __init__(
        self,
        latent_dim: int,
        out_shape: tuple[int, ...],
        *,
        hidden_features: tuple[int, ...] = (400,),
        activation: Activation = "relu",
        batch_norm: bool = False,
    ) -> None:
        super().__init__(latent_dim, out_shape)
        widths = (latent_dim, *hidden_features)
        self.layers = dense_layers(widths, activation, batch_norm)
        self.out = nn.Linear(widths[-1], math.prod(out_shape))

    def forward(self, z: Tensor) -> Tensor:
        features = self.out(self.layers(z.flatten(0, -2)))
        return features.float().reshape(*z.shape[:-1], *self.out_shape)


def dense_layers(widths: tuple[int, ...], activation: Activation, batch_norm: bool) -> nn.Sequential:
    """Build dense layers between the given widths, each followed by (normalisation and) the activation.

    Raises:
        VaelError: A width < 1.
    """
    if min(widths[1:], default=1) < 1:
        raise VaelError(f"hidden_features expects widths ≥ 1, got {list(widths[1:])}")
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        layers.append(nn.Linear(before, after, bias=not batch_norm))  # the normalisation has a shift of its own
        if batch_norm:
            layers.append(nn.BatchNorm1d(after))
        layers.append(ACTIVATIONS[activation]())
    return nn.Sequential(*layers)
