"""Modified Bessel functions of the first kind, I_v(x), at any order and argument: the constants of directions.

At orders ν ≥ 24 the uniform expansion (https://dlmf.nist.gov/10.41.E3) is exact to 10⁻¹⁰ at every x > 0,

    I_ν(νt) ≈ e^(νη) / √(2πν √(1+t²)) · Σ_k U_k(p) / ν^k,   p = 1/√(1+t²),   η = 1/p + log t − log(1 + 1/p),

and lower orders follow from r_ν = I_(ν+1)/I_ν by the recurrence r_(ν−1) = 1 / (2ν/x + r_ν), which is stable downwards.
There are no branches and no iterations to wait for. Everything is computed in float64, without gradients.
"""

import math

import torch
from torch import Tensor

__all__ = ["log_bessel"]

LEAST_ORDER = 24  # of the expansion; its first neglected term is U_5/ν⁵
SERIES = (
    ((1, 3 / 24), (3, -5 / 24)),
    ((2, 81 / 1152), (4, -462 / 1152), (6, 385 / 1152)),
    ((3, 30375 / 414720), (5, -369603 / 414720), (7, 765765 / 414720), (9, -425425 / 414720)),
    (
        (4, 4465125 / 39813120),
        (6, -94121676 / 39813120),
        (8, 349922430 / 39813120),
        (10, -446185740 / 39813120),
        (12, 185910725 / 39813120),
    ),
)
"""The polynomials U_1 … U_4 in p, as (power, coefficient)."""


@torch.no_grad()
def log_bessel(order: float, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return log I_v(x) and I_(v+1)(x)/I_v(x), float64 `(…,)`.

    Arguments:
        order: v ≥ 0.
        x: `(…,)`, positive.
    """
    x = x.double()
    num_steps = max(0, math.ceil(LEAST_ORDER - order))
    top = order + num_steps
    log_i = _expand(top, x)
    ratio = torch.exp(_expand(top + 1, x) - log_i)
    for step in range(num_steps):
        ratio = 1 / (2 * (top - step) / x + ratio)
        log_i = log_i - torch.log(ratio)
    return log_i, ratio


def _expand(order: float, x: Tensor) -> Tensor:
    """Return log I_ν(x) for ν ≥ 24."""
    t = x / order
    root = torch.sqrt(1 + t.square())
    eta = root + torch.log(t) - torch.log1p(root)
    series = torch.ones_like(x)
    for k, terms in enumerate(SERIES, 1):
        series = series + sum(factor * root**-power for power, factor in terms) / order**k
    return order * eta - 0.5 * math.log(2 * math.pi * order) - 0.5 * torch.log(root) + torch.log(series)
