"""Normalising flows: a simple distribution seen through an invertible map. The maps are zuko's, loaded when needed."""

import math
from types import ModuleType
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal, constraints
from torch.types import _size

from vael.distributions.pieces import in_pieces
from vael.errors import VaelError

__all__ = ["NormalizingFlow", "load_zuko"]

CELLS_PER_NUMBER = 32
"""Numbers that a map holds at once for each number of z: those of a spline with eight bins."""


def load_zuko() -> ModuleType:
    """Import zuko and undo what its import switches off: torch's own checks of distributions' arguments.

    Raises:
        VaelError: It is not installed.
    """
    checked = Distribution._validate_args
    try:
        import zuko
    except ModuleNotFoundError:
        raise VaelError("normalising flows need zuko: pip install 'vael[flows]'") from None
    finally:
        Distribution.set_default_validate_args(checked)
    return zuko


class NormalizingFlow(Distribution):
    """Give z the density p(z) = N(f(z); 0, I) |det ∂f/∂z|, f invertible.

    The map and its determinant are computed in float32 also under autocast: rounded differently they would no longer
    belong together, and the density would not integrate to one.

    Arguments:
        transform: f, from z to noise, one of zuko's transforms.
        scale: `(…, D)` of ones, where the noise lives; the leading axes are those of the conditions.
    """

    has_rsample = True

    def __init__(self, transform: Any, scale: Tensor) -> None:
        self.transform = transform
        self.noise = Independent(Normal(torch.zeros_like(scale), scale, validate_args=False), 1, validate_args=False)
        super().__init__(scale.shape[:-1], scale.shape[-1:], validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """What torch asks of a distribution that prints itself."""
        return {}

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log p(z) in nats, `(…)`, for `(…, D)`."""
        if value.dim() <= len(self.batch_shape) + 1:
            return self._log_density(value)
        return in_pieces(self._log_density, value, CELLS_PER_NUMBER * math.prod(value.shape[1:]))

    def _log_density(self, value: Tensor) -> Tensor:
        with torch.autocast(value.device.type, enabled=False):
            noise, log_det = self.transform.call_and_ladj(value.float())
            return self.noise.log_prob(noise) + log_det

    def rsample(self, sample_shape: _size = ()) -> Tensor:
        """Draw z, `(*sample_shape, …, D)`, through the inverse map."""
        noise = self.noise.rsample(torch.Size(sample_shape))
        with torch.autocast(noise.device.type, enabled=False):
            return self.transform.inv(noise)
