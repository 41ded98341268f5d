"""Multilayer perceptrons of any depth; with no hidden layer they are linear maps."""

import math

import torch
from torch import Tensor, nn

from vael.networks.base import Decoder, DenseActivation, Encoder
from vael.networks.dense import dense_layers

__all__ = ["MLPDecoder", "MLPEncoder"]


class MLPEncoder(Encoder):
    """Flatten x and pass it through dense layers.

    Arguments:
        in_shape: The shape of one observation.
        context_dim: Y ≥ 0; the condition stands beside x.
        hidden_features: The width of each hidden layer; none makes the features x itself.
        activation: relu, tanh, sigmoid, silu or elu; `gated` makes each layer (Wx + b) ⊙ σ(Vx + c) instead.
        batch_norm: Whether to normalise each layer's output over the batch before the activation.
        dropout: The share of each layer's outputs that is set to zero while training, 0 ≤ p < 1.
    """

    def __init__(
        self,
        in_shape: tuple[int, ...],
        context_dim: int = 0,
        *,
        hidden_features: tuple[int, ...] = (400,),
        activation: DenseActivation = "relu",
        batch_norm: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(in_shape, context_dim)
        widths = (math.prod(in_shape) + context_dim, *hidden_features)
        self.layers = dense_layers(widths, activation, batch_norm=batch_norm, dropout=dropout)
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
        activation: relu, tanh, sigmoid, silu or elu; `gated` makes each layer (Wx + b) ⊙ σ(Vx + c) instead.
        batch_norm: Whether to normalise each layer's output over the batch before the activation.
        dropout: The share of each layer's outputs that is set to zero while training, 0 ≤ p < 1.
    """

    def __init__(
        self,
        latent_dim: int,
        out_shape: tuple[int, ...],
        *,
        hidden_features: tuple[int, ...] = (400,),
        activation: DenseActivation = "relu",
        batch_norm: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(latent_dim, out_shape)
        widths = (latent_dim, *hidden_features)
        self.layers = dense_layers(widths, activation, batch_norm=batch_norm, dropout=dropout)
        self.out = nn.Linear(widths[-1], math.prod(out_shape))

    @property
    def last_bias(self) -> Tensor:
        return self.out.bias

    def forward(self, z: Tensor) -> Tensor:
        features = self.out(self.layers(z.flatten(0, -2)))
        return features.float().reshape(*z.shape[:-1], *self.out_shape)
