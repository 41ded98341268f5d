"""The label that a conditional model is asked with."""

import torch
from torch import Tensor

from vael.errors import VaelError
from vael.models import VAE

__all__ = ["condition", "cycle_labels"]


def condition(model: VAE, label: int | None) -> Tensor | None:
    """Return the condition of one label, `(Y,)` one-hot on the model's device; None for a model without conditions.

    Arguments:
        model: The model.
        label: The label's number, 0 … Y − 1; None takes the first.

    Raises:
        VaelError: The model knows no such label, or no labels at all.
    """
    if model.context_dim == 0:
        if label is not None:
            raise VaelError(
                f"this model is not conditioned on a label, got label {label}: train one with "
                "--set model.condition=label"
            )
        return None
    if not 0 <= (label or 0) < model.context_dim:
        raise VaelError(f"a label expects 0 … {model.context_dim - 1}, got {label}")
    return torch.eye(model.context_dim, device=model.device)[label or 0]


def cycle_labels(model: VAE, count: int, label: int | None) -> Tensor | None:
    """Return `count` conditions `(count, Y)`: all of one label, or one label after the other where none is named."""
    if model.context_dim == 0 or label is not None:
        row = condition(model, label)
        return None if row is None else row.expand(count, -1)
    numbers = torch.arange(count, device=model.device) % model.context_dim
    return torch.eye(model.context_dim, device=model.device)[numbers]
