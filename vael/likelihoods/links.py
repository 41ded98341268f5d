"""How features, any real numbers, become the parameters of a distribution."""

import math
from typing import Literal

import torch
from torch import Tensor, nn

from vael.errors import VaelError
from vael.types import Observation

__all__ = ["Location", "bounded", "start_log_sigma"]


class Location(nn.Module):
    """Turn features `(…, 1, *shape)` into a mean: through the logistic function where x lies in [0, 1], else as is.

    Arguments:
        link: `auto` decides by the domain; `identity` and `logistic` insist.
    """

    def __init__(self, observation: Observation, link: Literal["auto", "identity", "logistic"]) -> None:
        super().__init__()
        self.num_event_dims = len(observation.shape)
        self.is_logistic = link == "logistic" or (link == "auto" and observation.domain == "unit")

    def forward(self, features: Tensor) -> Tensor:
        location = features.squeeze(-self.num_event_dims - 1)
        return torch.sigmoid(location) if self.is_logistic else location


def bounded(features: Tensor, span: float) -> Tensor:
    """Return features bent into (−span, span), smoothly: as they are near 0, where a log parameter lives.

    An exponential of what a network says overflows on a bad step, and one infinity ends a training.

    >>> bounded(torch.tensor([-1000.0, 0.1, 1000.0]), 20.0)
    tensor([-20.0000,   0.1000,  20.0000])
    """
    return span * torch.tanh(features / span)


def start_log_sigma(
    observation: Observation, *, variance: Literal["fixed", "shared", "per-dimension"], sigma: float, name: str
) -> nn.Parameter:
    """Return log σ, `()` or one for each number of x, learned unless it is fixed.

    Raises:
        VaelError: σ is not positive.
    """
    if sigma <= 0:
        raise VaelError(f"the {name}'s sigma expects a number > 0, got {sigma}")
    shape = observation.shape if variance == "per-dimension" else ()
    return nn.Parameter(torch.full(shape, math.log(sigma)), requires_grad=variance != "fixed")
