"""Push and pop observations x under p(x | z): coins, and levels by yes-or-no questions.

A level is searched for: is it the lowest? Then in which half of what is left, and so on. Each answer is a coin whose
chance is a difference of the distribution's cumulative probabilities, so that their product is the level's own. The
lowest comes first, since black is what most pictures of writing are made of; all other levels take log₂ L more.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Bernoulli, Distribution, Independent

from vael.coding.message import Message
from vael.distributions.logistic_mixture import LogisticMixture
from vael.errors import VaelError

__all__ = ["pop_x", "push_x"]

LEAST = 1e-12  # added to the chance of each answer, so that a level far out in the tail has one
SURE = 2.0**-22  # no answer is surer than that: a chance has 24 bits


def push_x(message: Message, p_x: Distribution, x: Tensor) -> None:
    """Push observations, `(1, B, *shape)` whole numbers in float64, under p(x | z) of batch shape `(1, B)`."""
    base = _base_of(p_x)
    if isinstance(base, Bernoulli):
        message.push_flags(_flat(x) > 0.5, _flat(torch.sigmoid(base.logits)))
        return
    for part, known in reversed(list(_parts(base, x))):
        search, levels = _Search(part), known.reshape(-1).long()
        answers = []
        while search.is_open:
            chance = search.ask()
            is_below = levels[search.where] <= search.middle
            answers.append((is_below.numpy(), chance))
            search.tell(is_below)
        for flags, chance in reversed(answers):
            message.push_flags(flags, chance)


def pop_x(message: Message, p_x: Distribution, shape: tuple[int, ...]) -> Tensor:
    """Pop observations `(1, B, *shape)`."""
    base = _base_of(p_x)
    if isinstance(base, Bernoulli):
        flags = message.pop_flags(_flat(torch.sigmoid(base.logits)))
        return torch.from_numpy(flags.astype(np.float64)).view(1, -1, *shape)
    x = torch.zeros((*p_x.batch_shape, *shape), dtype=torch.float64)
    for part, place in _parts(base, x):
        search = _Search(part)
        while search.is_open:
            search.tell(torch.from_numpy(message.pop_flags(search.ask())))
        place.copy_(search.low.view(place.shape))
    return x


def _base_of(p_x: Distribution) -> Distribution:
    return p_x.base_dist if isinstance(p_x, Independent) else p_x


def _flat(x: Tensor) -> NDArray:
    return x.detach().reshape(-1).numpy()


def _parts(base: Distribution, x: Tensor) -> Iterator[tuple[Any, Tensor]]:
    """Yield what can be coded together, given what came before: all numbers, or one colour; and its place in x."""
    if isinstance(base, LogisticMixture) and base.coefficients is not None:
        for channel in range(x.shape[-3]):
            yield base.channel(x, channel), x[..., channel, :, :]
    elif "in_row" in dir(base):
        yield base, x
    else:
        raise VaelError(
            f"lossless coding knows no code for {type(base).__name__}: use the likelihood bernoulli on binary pixels, "
            "discretized-logistic, logistic-mixture or categorical on levels"
        )


class _Search:
    """Narrow every number down to its level, one question at a time.

    Arguments:
        base: A distribution over levels 0 … L − 1, each number on its own, with `cdf`, `in_row` and `pick`.
    """

    def __init__(self, base: Any) -> None:
        self.base = base.in_row()
        self.num_levels: int = base.num_levels
        self.low = torch.zeros(self.base.batch_shape, dtype=torch.long)
        """The lowest level that a number may still have, `(n,)`; its level, once nothing is open."""
        self.where = torch.arange(len(self.low))
        """Which numbers are open, `(m,)`."""
        self.first, self.last = self.low, torch.full_like(self.low, self.num_levels - 1)
        self.below, self.upto = torch.zeros(len(self.low)).double(), torch.ones(len(self.low)).double()
        self.middle = self.first

    @property
    def is_open(self) -> bool:
        """Whether any number may still have more than one level."""
        return len(self.where) > 0

    def ask(self) -> NDArray[np.float64]:
        """Return the chance of each open number to lie in the lower part, up to `middle`, `(m,)`."""
        is_first = not bool(self.first.any())  # afterwards the lowest level is closed
        self.middle = self.first if is_first else (self.first + self.last) >> 1
        self.at_middle = torch.minimum(torch.maximum(self.base.cdf(self.middle.double()), self.below), self.upto)
        lower, upper = self.at_middle - self.below + LEAST, self.upto - self.at_middle + LEAST
        return (lower / (lower + upper)).clamp(SURE, 1 - SURE).numpy()

    def tell(self, is_below: Tensor) -> None:
        """Take the answers in, `(m,)`; numbers with one level left are closed."""
        first = torch.where(is_below, self.first, self.middle + 1)
        last = torch.where(is_below, self.middle, self.last)
        below = torch.where(is_below, self.below, self.at_middle)
        upto = torch.where(is_below, self.at_middle, self.upto)
        self.low[self.where] = first
        if bool((first == last).any()):
            still = (first < last).nonzero().squeeze(-1)
            first, last, below, upto = (part[still] for part in (first, last, below, upto))
            self.where, self.base = self.where[still], self.base.pick(still)
        self.first, self.last, self.below, self.upto = first, last, below, upto
