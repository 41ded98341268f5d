"""Run any model so that each of its numbers is the same to the last bit, whatever the batch, the threads, the machine.

A sum of products depends on its order, and the order on the size of the batch, the number of threads and the chip. So
`exactly()` watches every operation of torch in its block:

- products of matrices and convolutions round both sides to multiples of 2⁻¹⁶ and add integers, carried in float64 and
  checked to stay below 2⁵³: such sums are exact, hence the same in every order (`integers`);
- exp, tanh and their kin come from `portable`;
- sums of other numbers go from first to last;
- what only moves numbers, or is one IEEE operation a number, is left alone;
- everything else is refused by name.

The model's own code runs as it is; it need not know. It is a copy in float64 (`in_double`), and casts to float32 are
left out: the numbers differ from the trained model's by rounding to 2⁻¹⁶, which costs next to nothing.
"""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from vael.coding import portable
from vael.coding.integers import Products
from vael.errors import VaelError
from vael.models import VAE

__all__ = ["exactly", "in_double"]

aten = torch.ops.aten


def in_double(model: VAE) -> VAE:
    """Return a copy of the model in float64, in evaluation mode, on the processor."""
    return copy.deepcopy(model).to("cpu").double().eval()


def exactly(products: Products | None = None) -> TorchDispatchMode:
    """Return a context in which every operation gives the same bits everywhere, or is refused.

    Arguments:
        products: Those of the model that is run, so that its weights are rounded once for many contexts.

    Raises (inside):
        VaelError: An operation whose result depends on the machine, or numbers too large to be added exactly.
    """
    return _Exactly(Products() if products is None else products)


class _Exactly(TorchDispatchMode):
    def __init__(self, products: Products) -> None:
        super().__init__()
        self.rules = {
            **RULES,
            "mm": products.mm,
            "bmm": products.mm,
            "addmm": products.addmm,
            "convolution": products.convolution,
        }

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        rule = self.rules.get(name)
        if rule is not None:
            return rule(*args, **kwargs)
        if name in UNCHANGED:
            return func(*args, **kwargs)
        raise VaelError(
            f"the model uses torch's '{name}', which need not give the same bits on every machine: such a model cannot "
            "code losslessly"
        )


def _batch_norm(
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    mean: Tensor,
    var: Tensor,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalise by the moments that were kept."""
    if training:
        raise VaelError("the model normalises over the batch: such a model cannot code losslessly")
    factor = 1 / torch.sqrt(var + eps)
    factor = factor if weight is None else factor * weight
    shape = (1, -1, *[1] * (x.dim() - 2))
    out = (x - mean.view(shape)) * factor.view(shape)
    nothing = x.new_empty(0)
    return out if bias is None else out + bias.view(shape), nothing, nothing


def _pow(x: Tensor, exponent: float) -> Tensor:
    powers: dict[float, Callable[[], Tensor]] = {
        -2: lambda: 1 / (x * x),
        -1: lambda: 1 / x,
        -0.5: lambda: 1 / torch.sqrt(x),
        0.5: lambda: torch.sqrt(x),
        2: lambda: x * x,
    }
    if exponent not in powers:
        raise VaelError(f"the model takes a power of {exponent}: such a model cannot code losslessly")
    return powers[exponent]()


def _cast(x: Tensor, **options: Any) -> Tensor:
    """Leave casts between floats out."""
    dtype = options.get("dtype")
    if x.is_floating_point() and (dtype is None or dtype.is_floating_point):
        return x.clone()
    return x.to(torch.float64 if dtype is not None and dtype.is_floating_point else dtype or x.dtype)


def _sum(x: Tensor, dim: Sequence[int] | None = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    if not x.is_floating_point():
        return x.sum() if dim is None else x.sum(list(dim), keepdim=keepdim)
    axes = sorted(axis % x.dim() for axis in (dim or range(x.dim())))
    for axis in reversed(axes):
        x = portable.sum_in_order(x, axis, keepdim=keepdim)
    return x


def _logsumexp(x: Tensor, dim: Sequence[int], keepdim: bool = False) -> Tensor:
    (axis,) = dim
    return portable.logsumexp(x, axis, keepdim=keepdim)


def _cumsum(x: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    total, found = None, []
    for part in x.unbind(dim):
        total = part if total is None else total + part
        found.append(total)
    return torch.stack(found, dim)


def _glu(x: Tensor, dim: int = -1) -> Tensor:
    a, b = x.chunk(2, dim)
    return a * portable.sigmoid(b)


def _softplus(x: Tensor, beta: float = 1, threshold: float = 20) -> Tensor:
    return portable.softplus(x * beta) / beta


def _elu(x: Tensor, alpha: float = 1, scale: float = 1, input_scale: float = 1) -> Tensor:
    return torch.where(x > 0, x, portable.expm1(x.clamp(max=0)) * alpha) * scale


RULES: dict[str, Callable[..., Any]] = {
    "native_batch_norm": _batch_norm,
    "_native_batch_norm_legit_no_training": lambda x, weight, bias, mean, var, momentum, eps: _batch_norm(
        x, weight, bias, mean, var, False, momentum, eps
    ),
    "pow": _pow,
    "_to_copy": _cast,
    "sum": _sum,
    "logsumexp": _logsumexp,
    "cumsum": _cumsum,
    "exp": portable.exp,
    "expm1": portable.expm1,
    "log": portable.log,
    "log1p": portable.log1p,
    "sigmoid": portable.sigmoid,
    "tanh": portable.tanh,
    "glu": _glu,
    "silu": lambda x: x * portable.sigmoid(x),
    "elu": _elu,
    "softplus": _softplus,
    "log_sigmoid_forward": lambda x: (-portable.softplus(-x), x.new_empty(0)),
    "_log_softmax": lambda x, dim, half_to_float: portable.log_softmax(x, dim),
    "_softmax": lambda x, dim, half_to_float: portable.softmax(x, dim),
}
"""What is done in the place of an operation, by its name; products aside."""

MOVES = (
    "_reshape_alias _unsafe_view alias arange as_strided cat clone constant_pad_nd copy_ detach diag_embed empty "
    "empty_like expand fill_ flip full full_like gather index index_put index_put_ index_select lift_fresh narrow "
    "new_empty new_full new_ones new_zeros ones ones_like permute repeat reshape scalar_tensor scatter select slice "
    "split split_with_sizes squeeze stack t transpose tril tril_indices unbind unfold unsqueeze upsample_nearest2d "
    "view where zero_ zeros zeros_like "
)
SINGLE = (
    "__rshift__ _local_scalar_dense abs add add_ all amax amin any argmax bitwise_and bitwise_not bitwise_or ceil "
    "clamp clamp_max clamp_min div div_ eq floor ge gt le logical_and logical_not logical_or lt max "
    "max_pool2d_with_indices maximum min minimum mul mul_ ne neg nonzero reciprocal relu relu_ round rsub sgn sign "
    "sqrt sub sub_ trunc"
)
UNCHANGED = frozenset((MOVES + SINGLE).split())
"""Operations that only move numbers, and those that are one IEEE operation for each number."""
