"""Logarithms of standard deviations as networks give them, and where they stop."""

from torch import Tensor

__all__ = ["bounded"]

LARGEST = 15.0
"""Of |log σ|: beyond σ = e^±15 ≈ 3·10^±6 a float32 holds neither μ + σε nor the density there, and NaN follows."""


def bounded(log_sigma: Tensor) -> Tensor:
    """Return log σ held within ±15, with its gradient as if it were not, so that it can come back."""
    return log_sigma + (log_sigma.clamp(-LARGEST, LARGEST) - log_sigma).detach()
