"""The planar map: it stretches or squeezes space along one direction, around one hyperplane."""

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["Planar"]

NUM_HALVINGS = 30  # of an interval of length 2|wᵀû|: what is left is a float32's rounding
LEAST_SLOPE = 1e-4  # of the map along w: at 0 it would not be invertible, and its log determinant −∞


class Planar:
    """Map x to x + û tanh(wᵀx + b), with log |det| = log(1 + wᵀû (1 − tanh²(wᵀx + b))).

    It is invertible where wᵀû > −1, so û is u moved along w until wᵀû = softplus(wᵀu) − 1. The inverse solves
    α + wᵀû tanh(α + b) = wᵀy for α = wᵀx by halving intervals; a last Newton step makes its gradient exact.
    Reference: "Variational inference with normalizing flows", Rezende & Mohamed 2015,
    https://arxiv.org/abs/1505.05770, appendix A.

    Arguments:
        u: `(…, D)`, any real numbers.
        w: `(…, D)`, any real numbers.
        b: `(…,)`.
    """

    def __init__(self, u: Tensor, w: Tensor, b: Tensor) -> None:
        inner = (w * u).sum(-1)
        squared = w.square().sum(-1).clamp(min=torch.finfo(w.dtype).tiny)
        self.gain = F.softplus(inner) - 1 + LEAST_SLOPE
        self.u = u + ((self.gain - inner) / squared).unsqueeze(-1) * w
        self.w = w
        self.b = b

    def call_and_ladj(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return f(x) and log |det ∂f/∂x|, `(…)`."""
        h = torch.tanh((self.w * x).sum(-1) + self.b)
        return x + self.u * h.unsqueeze(-1), torch.log1p(self.gain * (1 - h.square()))

    def inv(self, y: Tensor) -> Tensor:
        """Return x with f(x) = y."""
        along = (self.w * y).sum(-1)
        h = torch.tanh(self._solve(along) + self.b)
        return y - self.u * h.unsqueeze(-1)

    def _solve(self, along: Tensor) -> Tensor:
        """Return α with α + wᵀû tanh(α + b) = wᵀy: the left side rises with α, and differs from it by |wᵀû| at most."""
        with torch.no_grad():
            alpha, step = along.double(), self.gain.double().abs().expand_as(along)
            for _ in range(NUM_HALVINGS):
                step = 0.5 * step
                is_low = alpha + self.gain * torch.tanh(alpha + self.b) < along
                alpha = torch.where(is_low, alpha + step, alpha - step)
            h = torch.tanh(alpha + self.b)
            slope = 1 + self.gain * (1 - h.square())
        alpha = alpha.to(along.dtype)
        return alpha - (alpha + self.gain * torch.tanh(alpha + self.b) - along) / slope.to(along.dtype)
