"""Products of matrices and convolutions whose every bit is the same, in whichever order the parts are added.

Both sides are rounded to multiples of 2⁻¹⁶, so that products are whole multiples of 2⁻³². Carried in float64, sums of
them are exact as long as they stay below 2⁵³, which is checked before.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vael.errors import VaelError

__all__ = ["Products"]

GRID = 2.0**16
LIMIT = 2.0**53

aten = torch.ops.aten


class Products:
    """Multiply; what a model's weights are in whole numbers is worked out once.

    Arguments:
        model: Whose weights these are; they must stay as they are. Without it nothing is kept.
    """

    def __init__(self, model: nn.Module | None = None) -> None:
        weights = () if model is None else model.parameters()
        self.places = frozenset(weight.untyped_storage().data_ptr() for weight in weights)
        self.kept: dict[object, tuple[Tensor, float]] = {}

    def mm(self, a: Tensor, b: Tensor) -> Tensor:
        """Return a · b, `(…, n, k)` and `(…, k, m)`."""
        a, (b, reach) = _whole(a), self._factor(b, (-2,))
        _check(a, reach)
        return torch.matmul(a, b).mul_(1 / (GRID * GRID))

    def addmm(self, bias: Tensor, a: Tensor, b: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
        """Return a · b + bias."""
        if beta != 1 or alpha != 1:
            raise VaelError("the model scales a product as it adds it: such a model cannot code losslessly")
        return self.mm(a, b).add_(bias)

    def convolution(
        self,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        stride: Sequence[int],
        padding: Sequence[int],
        dilation: Sequence[int],
        transposed: bool,
        output_padding: Sequence[int],
        groups: int,
    ) -> Tensor:
        """Return what torch's operation of this name returns."""
        x, (weight, reach) = _whole(x), self._factor(weight, (0, 2, 3) if transposed else (1, 2, 3))
        _check(x, reach)
        out = aten.convolution(x, weight, None, stride, padding, dilation, transposed, output_padding, groups)
        out.mul_(1 / (GRID * GRID))
        return out if bias is None else out.add_(bias.view(-1, 1, 1))

    def _factor(self, weight: Tensor, axes: tuple[int, ...]) -> tuple[Tensor, float]:
        """Return the second side in whole numbers, and its largest sum of absolute values along these axes."""
        if weight.untyped_storage().data_ptr() not in self.places:
            return _factor(weight, axes)
        key = (weight.data_ptr(), weight.shape, weight.stride(), axes)
        if key not in self.kept:
            self.kept[key] = _factor(weight, axes)
        return self.kept[key]


def _whole(x: Tensor) -> Tensor:
    return x.mul(GRID).round_()


def _factor(weight: Tensor, axes: tuple[int, ...]) -> tuple[Tensor, float]:
    weight = _whole(weight)
    return weight, float(weight.abs().sum(axes).max()) if weight.numel() else 0.0


def _check(x: Tensor, reach: float) -> None:
    """Refuse sums of products that could leave the integers that float64 holds."""
    if x.numel() == 0:
        return
    least, most = torch.aminmax(x)
    if not max(-float(least), float(most)) * reach < LIMIT:
        raise VaelError("the model's numbers are too large to be added exactly: such a model cannot code losslessly")
