"""Elementary functions whose every bit is the same on every machine.

A C library's exp differs in its last bit from another's, and a vectorised one from its own scalar version; a decoder
that sees another probability than the encoder did reads rubbish from there on. IEEE 754 fixes the results of + − × ÷,
√, rounding and comparison, so what is built from them alone, one operation at a time, is the same everywhere. All
functions take and return float64; their error is a few units in the last place.
"""

import math

import torch
from torch import Tensor

__all__ = [
    "exp",
    "expm1",
    "log",
    "log1p",
    "log_softmax",
    "logsumexp",
    "sigmoid",
    "softmax",
    "softplus",
    "sum_in_order",
    "tanh",
]

LN2_HIGH = 6.93147180369123816490e-01  # ln 2 to 32 bits, so that its product with an exponent is exact
LN2_LOW = 1.90821492927058770002e-10
LARGEST_EXPONENT = 709.0
EXP_TERMS = tuple(1 / math.factorial(n) for n in range(14))
ATANH_TERMS = tuple(1 / (2 * n + 1) for n in range(12))


def exp(x: Tensor) -> Tensor:
    """Return e^x for x ≤ 709, 0 below −708.

    x = n ln 2 + r with |r| ≤ ln 2 / 2, and e^r by its series.
    """
    x = x.clamp(-LARGEST_EXPONENT, LARGEST_EXPONENT)
    n = torch.round(x * (1 / math.log(2)))
    r = (x - n * LN2_HIGH) - n * LN2_LOW
    result = _series(r, EXP_TERMS) * _power_of_two(n.clamp(min=-1022))
    return torch.where(x < -708.0, torch.zeros_like(result), result)


def _power_of_two(n: Tensor) -> Tensor:
    """Return 2^n for whole numbers −1022 ≤ n ≤ 1023, by writing its exponent down."""
    return ((n.long() + 1023) << 52).view(torch.float64)


def _series(x: Tensor, terms: tuple[float, ...]) -> Tensor:
    result = torch.full_like(x, terms[-1])
    for term in reversed(terms[:-1]):
        result = result * x + term
    return result


def expm1(x: Tensor) -> Tensor:
    """Return e^x − 1 without losing its digits near 0."""
    near = x.clamp(-0.5, 0.5)
    small = near * _series(near, tuple(1 / math.factorial(n + 1) for n in range(14)))
    return torch.where(x.abs() < 0.5, small, exp(x) - 1)


def log(x: Tensor) -> Tensor:
    """Return ln x for normal x > 0; −∞ for 0.

    x = 2^n m with √½ ≤ m < √2, and ln m = 2 artanh((m − 1)/(m + 1)) by its series.
    """
    m, n = torch.frexp(x)
    is_low = m < math.sqrt(0.5)
    m, n = torch.where(is_low, m * 2, m), torch.where(is_low, n - 1, n).double()
    s = (m - 1) / (m + 1)
    inside = 2 * s * _series(s * s, ATANH_TERMS)
    return torch.where(x == 0, -math.inf, n * LN2_HIGH + (n * LN2_LOW + inside))


def log1p(x: Tensor) -> Tensor:
    """Return ln(1 + x) for x > −1 without losing its digits near 0 (Kahan)."""
    u = 1 + x
    lost = torch.where(u == 1, 1.0, u - 1)
    return torch.where(u == 1, x, log(u) * (x / lost))


def sigmoid(x: Tensor) -> Tensor:
    """Return 1 / (1 + e^−x)."""
    e = exp(-x.abs())
    return torch.where(x >= 0, 1 / (1 + e), e / (1 + e))


def tanh(x: Tensor) -> Tensor:
    """Return (e^2x − 1) / (e^2x + 1)."""
    e = expm1(-2 * x.abs())
    return -torch.sign(x) * e / (e + 2)


def softplus(x: Tensor) -> Tensor:
    """Return ln(1 + e^x)."""
    return x.clamp(min=0) + log1p(exp(-x.abs()))


def sum_in_order(x: Tensor, dim: int, *, keepdim: bool = False) -> Tensor:
    """Add along one axis, first to last: a sum's last bit depends on its order."""
    parts = iter(x.unbind(dim))
    total = next(parts).clone()
    for part in parts:
        total += part
    return total.unsqueeze(dim) if keepdim else total


def logsumexp(x: Tensor, dim: int, *, keepdim: bool = False) -> Tensor:
    """Return ln Σ e^x along one axis."""
    largest = x.amax(dim, keepdim=True)
    total = log(sum_in_order(exp(x - largest), dim, keepdim=True)) + largest
    return total if keepdim else total.squeeze(dim)


def log_softmax(x: Tensor, dim: int) -> Tensor:
    """Return x − ln Σ e^x along one axis."""
    return x - logsumexp(x, dim, keepdim=True)


def softmax(x: Tensor, dim: int) -> Tensor:
    """Return e^x / Σ e^x along one axis."""
    e = exp(x - x.amax(dim, keepdim=True))
    return e / sum_in_order(e, dim, keepdim=True)
