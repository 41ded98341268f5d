"""Networks map tensors to tensors: encoders to features, decoders from latents to what a likelihood reads."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Literal

from torch import Tensor, nn

__all__ = ["ACTIVATIONS", "Activation", "Decoder", "DenseActivation", "Encoder"]

Activation = Literal["relu", "tanh", "sigmoid", "silu", "elu"]

DenseActivation = Literal["relu", "tanh", "sigmoid", "silu", "elu", "gated"]
"""What follows a dense layer; `gated` makes the layer (Wx + b) ⊙ σ(Vx + c)."""

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "elu": nn.ELU,
}


class Encoder(nn.Module, ABC):
    """Map x to features.

    Arguments:
        in_shape: The shape of one observation, `(C, H, W)` or `(F,)`.
        context_dim: Y ≥ 0, how many numbers condition the network besides x.
    """

    out_features: int

    def __init__(self, in_shape: tuple[int, ...], context_dim: int = 0) -> None:
        super().__init__()
        self.in_shape = in_shape
        self.context_dim = context_dim

    @abstractmethod
    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """Return features `(B, out_features)` for x `(B, *in_shape)` and conditions `(B, Y)`."""


class Decoder(nn.Module, ABC):
    """Map latents to what a likelihood reads.

    Arguments:
        latent_dim: D.
        out_shape: `(P, *shape)`: P numbers for each number of x.
    """

    def __init__(self, latent_dim: int, out_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.out_shape = out_shape

    @property
    @abstractmethod
    def last_bias(self) -> Tensor:
        """The bias of the last layer, a parameter: a number for each feature, or for each of its channels."""

    @abstractmethod
    def forward(self, z: Tensor) -> Tensor:
        """Return features `(…, P, *shape)` for latents `(…, D)` with at least one leading axis."""
