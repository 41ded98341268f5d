"""Elementary functions whose every bit is the same on every machine.

A C library's exp differs in its last bit from another's, and a vectorised one from its own scalar version; a decoder
that sees another probability than the encoder did reads rubbish from there on. IEEE 754 fixes the results of + − × ÷,
√, rounding and comparison, so what is built from them alone, one operation at a time, is the same everywhere. All
functions take and return float64; their error is a few units in the last place, but for sigmoid and tanh, which every
number of a network passes: they come from a table.
"""

import functools
import math
from collections.abc import Callable

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
PIECE = 2**17  # numbers for each thread at once: more leave the cache, fewer hand the interpreter's lock around
SIGMOID_REACH, SIGMOID_STEP = 24.0, 2.0**-9  # of the table: beyond it the sigmoid is 4·10⁻¹¹ from its end
ATANH_TERMS = tuple(1 / (2 * n + 1) for n in range(12))


def exp(x: Tensor) -> Tensor:
    """Return e^x for x ≤ 709, 0 below −708.

    x = n ln 2 + r with |r| ≤ ln 2 / 2, and e^r by its series.
    """
    return _by_pieces(_exp, x)


def _exp(x: Tensor) -> Tensor:
    n = torch.round(x.clamp(-LARGEST_EXPONENT, LARGEST_EXPONENT) * (1 / math.log(2)))
    r = x.clamp(-LARGEST_EXPONENT, LARGEST_EXPONENT).sub_(n * LN2_HIGH).sub_(n * LN2_LOW)
    result = _series(r, EXP_TERMS).mul_(_power_of_two(n.clamp_(min=-1022)))
    return result.masked_fill_(x < -708.0, 0.0)


def _by_pieces(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Apply a function of single numbers to pieces that stay in the cache between its many steps."""
    size = PIECE * torch.get_num_threads()
    if x.numel() <= size:
        return function(x)
    return torch.cat([function(piece) for piece in x.reshape(-1).split(size)]).view(x.shape)


def _power_of_two(n: Tensor) -> Tensor:
    """Return 2^n for whole numbers −1022 ≤ n ≤ 1023, by writing its exponent down."""
    return ((n.long() + 1023) << 52).view(torch.float64)


def _series(x: Tensor, terms: tuple[float, ...]) -> Tensor:
    result = torch.full_like(x, terms[-1])
    for term in reversed(terms[:-1]):
        result.mul_(x).add_(term)
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
    """Return 1 / (1 + e^−x) to 5·10⁻⁸, never falling: straight lines between the places of a table."""
    return _by_pieces(_sigmoid, x)


def _sigmoid(x: Tensor) -> Tensor:
    values, slopes = _sigmoid_table()
    place = x.clamp(-SIGMOID_REACH, SIGMOID_REACH).add_(SIGMOID_REACH).mul_(1 / SIGMOID_STEP)
    index = place.long()
    return place.sub_(index).mul_(slopes[index]).add_(values[index])


@functools.cache
def _sigmoid_table() -> tuple[Tensor, Tensor]:
    """Return 1 / (1 + e^−x) at every place, and the rise to the next; the last rises no more."""
    reach = round(SIGMOID_REACH / SIGMOID_STEP)
    places = torch.arange(-reach, reach + 1, dtype=torch.float64) * SIGMOID_STEP
    values = 1 / (1 + _exp(-places))
    return values, torch.cat([values[1:] - values[:-1], torch.zeros(1, dtype=torch.float64)])


def tanh(x: Tensor) -> Tensor:
    """Return 2 / (1 + e^−2x) − 1 to 10⁻⁷."""
    return sigmoid(2 * x).mul_(2).sub_(1)


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
