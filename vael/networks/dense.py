"""Dense layers of any widths: what perceptrons are made of, and what stands between the layers of a deeper model."""

import itertools

from torch import nn

from vael.errors import VaelError
from vael.networks.base import ACTIVATIONS, DenseActivation

__all__ = ["dense_layers"]


def dense_layers(
    widths: tuple[int, ...], activation: DenseActivation, *, batch_norm: bool = False, dropout: float = 0.0
) -> nn.Sequential:
    """Build dense layers between the given widths, each followed by (normalisation,) the activation (and dropout).

    A `gated` layer is (Wx + b) ⊙ σ(Vx + c), with no other activation: one product of twice the width, halved.

    Raises:
        VaelError: A width < 1, or a dropout that is no share below 1.
    """
    if min(widths[1:], default=1) < 1:
        raise VaelError(f"hidden_features expects widths ≥ 1, got {list(widths[1:])}")
    check_dropout(dropout)
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        wide = 2 * after if activation == "gated" else after
        layers.append(nn.Linear(before, wide, bias=not batch_norm))  # the normalisation has a shift of its own
        layers += [nn.BatchNorm1d(wide)] if batch_norm else []
        layers.append(nn.GLU() if activation == "gated" else ACTIVATIONS[activation]())
        layers += [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(*layers)


def check_dropout(dropout: float) -> None:
    """Refuse a dropout that is no share below 1."""
    if not 0 <= dropout < 1:
        raise VaelError(f"dropout expects a share ≥ 0 and < 1, got {dropout}")
