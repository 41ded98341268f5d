"""Residual perceptrons: deep, and as easy to train as shallow ones, since each block starts close to doing nothing."""

import math

import torch
from torch import Tensor, nn

from vael.errors import VaelError
from vael.networks.base import ACTIVATIONS, Activation, Decoder, Encoder
from vael.networks.dense import check_dropout

__all__ = ["ResidualMLPDecoder", "ResidualMLPEncoder"]


class ResidualMLPEncoder(Encoder):
    """Flatten x, map it to `width` features, and refine them block by block.

    Arguments:
        in_shape: The shape of one observation.
        context_dim: Y ≥ 0; the condition stands beside x.
        width: How many features every block keeps.
        num_blocks: How many blocks of two dense layers.
        activation: relu, tanh, sigmoid, silu or elu.
        layer_norm: Whether to normalise the features of each example where a block begins.
        dropout: The share of each block's inner features that is set to zero while training, 0 ≤ p < 1.
    """

    def __init__(
        self,
        in_shape: tuple[int, ...],
        context_dim: int = 0,
        *,
        width: int = 400,
        num_blocks: int = 2,
        activation: Activation = "silu",
        layer_norm: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(in_shape, context_dim)
        blocks = _blocks(width, num_blocks, activation, layer_norm=layer_norm, dropout=dropout)
        self.layers = nn.Sequential(nn.Linear(math.prod(in_shape) + context_dim, width), *blocks)
        self.out_features = width

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        rows = x.flatten(1)
        return self.layers(rows if context is None else torch.cat([rows, context], 1))


class ResidualMLPDecoder(Decoder):
    """Map z to `width` features, refine them block by block, and unflatten.

    Arguments:
        latent_dim: D.
        out_shape: `(P, *shape)`.
        width: How many features every block keeps.
        num_blocks: How many blocks of two dense layers.
        activation: relu, tanh, sigmoid, silu or elu.
        layer_norm: Whether to normalise the features of each example where a block begins.
        dropout: The share of each block's inner features that is set to zero while training, 0 ≤ p < 1.
    """

    def __init__(
        self,
        latent_dim: int,
        out_shape: tuple[int, ...],
        *,
        width: int = 400,
        num_blocks: int = 2,
        activation: Activation = "silu",
        layer_norm: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(latent_dim, out_shape)
        blocks = _blocks(width, num_blocks, activation, layer_norm=layer_norm, dropout=dropout)
        out = nn.Linear(width, math.prod(out_shape))
        self.layers = nn.Sequential(nn.Linear(latent_dim, width), *blocks, out)

    @property
    def last_bias(self) -> Tensor:
        return self.layers.get_parameter(f"{len(self.layers) - 1}.bias")

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z.flatten(0, -2)).float().reshape(*z.shape[:-1], *self.out_shape)


class Block(nn.Module):
    """Add to features what two dense layers make of them: h + W₂ φ(W₁ φ(h))."""

    def __init__(self, inner: nn.Module, last: nn.Linear, num_blocks: int) -> None:
        super().__init__()
        self.inner = inner
        self.last = last
        shrink(last, num_blocks)

    def forward(self, h: Tensor) -> Tensor:
        return h + self.last(self.inner(h))


@torch.no_grad()
def shrink(last: nn.Linear | nn.Conv2d, num_blocks: int) -> None:
    """Scale a block's last layer by 1/√N at the start, so that N blocks together neither explode nor hide the input.

    Reference: "Very deep VAEs generalize autoregressive models and can outperform them on images", Child 2021,
    https://arxiv.org/abs/2011.10650.
    """
    last.weight.mul_(num_blocks**-0.5)
    if last.bias is not None:
        last.bias.zero_()


def _blocks(
    width: int, num_blocks: int, activation: Activation, *, layer_norm: bool, dropout: float
) -> list[nn.Module]:
    """Build the blocks, and the activation after the last of them."""
    if width < 1 or num_blocks < 1:
        raise VaelError(f"a residual mlp expects width ≥ 1 and num_blocks ≥ 1, got {width} and {num_blocks}")
    check_dropout(dropout)
    act = ACTIVATIONS[activation]
    blocks: list[nn.Module] = []
    for _ in range(num_blocks):
        inner: list[nn.Module] = [nn.LayerNorm(width)] if layer_norm else []
        inner += [act(), nn.Linear(width, width), act()]
        inner += [nn.Dropout(dropout)] if dropout else []
        blocks.append(Block(nn.Sequential(*inner), nn.Linear(width, width), num_blocks))
    return [*blocks, act()]
