"""Push and pop observations x under p(x | z): coins and levels."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Bernoulli, Distribution, Independent

from vael.coding.message import Message
from vael.distributions.logistic_mixture import LogisticMixture
from vael.errors import VaelError

__all__ = ["pop_x", "push_x"]

NIBBLE = 16
LEAST = 1e-12  # added to each probability, so that a row far out in the tail is not empty


def push_x(message: Message, p_x: Distribution, x: Tensor) -> None:
    """Push observations, `(1, B, *shape)` whole numbers in float64, under p(x | z) of batch shape `(1, B)`."""
    base = _base_of(p_x)
    if isinstance(base, Bernoulli):
        message.push_flags(_flat(x) > 0.5, _flat(torch.sigmoid(base.logits)))
        return
    for part in reversed(list(_parts(base, x))):
        symbols = _flat(part.of(x)).astype(np.int64)
        if part.num_levels <= 2 * NIBBLE:
            message.push_rows(symbols, part.rows())
            continue
        high, low = np.divmod(symbols, NIBBLE)
        message.push_rows(low, part.low_rows(high))
        message.push_rows(high, part.high_rows())


def pop_x(message: Message, p_x: Distribution, shape: tuple[int, ...]) -> Tensor:
    """Pop observations `(1, B, *shape)`."""
    base = _base_of(p_x)
    if isinstance(base, Bernoulli):
        flags = message.pop_flags(_flat(torch.sigmoid(base.logits)))
        return torch.from_numpy(flags.astype(np.float64)).view(1, -1, *shape)
    x = torch.zeros((*p_x.batch_shape, *shape), dtype=torch.float64)
    for part in _parts(base, x):
        if part.num_levels <= 2 * NIBBLE:
            symbols = message.pop_rows(part.rows())
        else:
            high = message.pop_rows(part.high_rows())
            symbols = NIBBLE * high + message.pop_rows(part.low_rows(high))
        part.write(x, symbols)
    return x


def _base_of(p_x: Distribution) -> Distribution:
    return p_x.base_dist if isinstance(p_x, Independent) else p_x


def _flat(x: Tensor) -> NDArray:
    return x.detach().reshape(-1).numpy()


class _Part:
    """The numbers of x that can be coded together, given those before them: all of them, or one colour.

    Arguments:
        base: A distribution over levels with a `cdf`.
        known: What is known of x; the part's own numbers may be anything.
        channel: Which colour; None for all numbers.
    """

    def __init__(self, base: Distribution, known: Tensor, channel: int | None) -> None:
        self.base, self.known, self.channel = base, known, channel
        self.num_levels: int = _num_levels(base)

    def of(self, x: Tensor) -> Tensor:
        return x if self.channel is None else x[..., self.channel, :, :]

    def write(self, x: Tensor, symbols: NDArray[np.int64]) -> None:
        part = self.of(x)
        part.copy_(torch.from_numpy(symbols.astype(np.float64)).view(part.shape))

    def rows(self) -> NDArray[np.float64]:
        """Return the probability of every level, `(n, L)`."""
        return self._masses([self._filled(level) for level in range(self.num_levels)])

    def high_rows(self) -> NDArray[np.float64]:
        """Return the probability of each sixteen of levels."""
        last = range(NIBBLE - 1, self.num_levels + NIBBLE - 1, NIBBLE)
        return self._masses([self._filled(min(level, self.num_levels - 1)) for level in last])

    def low_rows(self, high: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the probability of each level within a sixteen, up to a factor."""
        first = torch.from_numpy(high * NIBBLE).double().view(self.of(self.known).shape)
        edges = [(first + (i - 1)).clamp(max=self.num_levels - 1) for i in range(NIBBLE + 1)]
        below = self._cdf(edges[0].clamp(min=0))
        return self._masses(edges[1:], torch.where(first > 0, below, 0.0))

    def _filled(self, level: int) -> Tensor:
        return torch.full_like(self.of(self.known), float(level))

    def _cdf(self, level: Tensor) -> Tensor:
        value = self.known
        if self.channel is None:
            return self.base.cdf(level)
        value = value.clone()
        self.of(value).copy_(level)
        return self.of(self.base.cdf(value))

    def _masses(self, edges: list[Tensor], below: Tensor | None = None) -> NDArray[np.float64]:
        cdf = np.stack([_flat(self._cdf(edge)) for edge in edges], 1)
        first = np.zeros(len(cdf)) if below is None else _flat(below)
        return np.diff(cdf, axis=1, prepend=first[:, None]).clip(0) + LEAST


def _parts(base: Distribution, x: Tensor) -> Iterator[_Part]:
    if isinstance(base, LogisticMixture) and base.coefficients is not None:
        for channel in range(x.shape[-3]):
            yield _Part(base, x, channel)
    else:
        yield _Part(base, x, None)


def _num_levels(base: Distribution) -> int:
    found = getattr(base, "num_levels", None)
    if found is None:
        raise VaelError(
            f"lossless coding knows no code for {type(base).__name__}: use the likelihood bernoulli on binary pixels, "
            "discretized-logistic or logistic-mixture on levels"
        )
    return found
