"""Push and pop observations x under p(x | z): coins, and levels by yes-or-no questions.

A level is searched for: is it the lowest? Then in which half of what is left, and so on. Each answer is a coin whose
chance is a difference of the distribution's cumulative probabilities, so that their product is the level's own. The
lowest comes first, since black is what most pictures of writing are made of; all other levels take log₂ L more.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Bernoulli, Distribution, Independent

from vael.coding.message import Message
from vael.distributions.logistic_mixture import LogisticMixture
from vael.distributions.rows import Row
from vael.errors import VaelError

__all__ = ["Answer", "Chances", "Flags", "answer_all", "ask_all", "push_answers"]

LEAST = 1e-12  # added to the chance of each answer, so that a level far out in the tail has one
SURE = 2.0**-22  # no answer is surer than that: a chance has 24 bits

Flags = NDArray[np.bool_]
Chances = NDArray[np.float64]
Answer = tuple[Flags, Chances]
"""Truth values `(n,)`, and the chance of each to be true."""


def answer_all(p_x: Distribution, x: Tensor) -> list[list[Answer]]:
    """Return the answers that lead to x under p(x | z), whose batch shape is `(1, B)`; x `(1, B, *shape)` in float64.

    One list for each part of x that is coded in one go (a colour, or all of x), one answer for each question.
    """
    base = _base_of(p_x)
    if isinstance(base, Bernoulli):
        return [[(_flat(x) > 0.5, _flat(torch.sigmoid(base.logits)))]]
    found = []
    for part, known in _parts(base, x):
        search, levels, answers = _Search(part, known.numel()), known.reshape(-1).long(), []
        while search.is_open:
            chances = search.ask()
            is_below = levels[search.where] <= search.middle
            answers.append((is_below.numpy(), chances))
            search.tell(is_below)
        found.append(answers)
    return found


def push_answers(message: Message, batches: Sequence[list[list[Answer]]]) -> None:
    """Push the answers of batches that lie side by side, the last question first."""
    for parts in reversed(list(zip(*batches, strict=True))):
        for question in reversed(range(max(map(len, parts)))):
            answers = [answers[question] for answers in parts if question < len(answers)]
            flags, chances = (np.concatenate(side) for side in zip(*answers, strict=True))
            message.push_flags(flags, chances)


def ask_all(p_x: Distribution, shape: tuple[int, ...], ask: Callable[[Chances], Flags | None]) -> Tensor:
    """Return x `(1, B, *shape)` from the answers to questions; `ask` returns None where nobody has a question left."""
    base = _base_of(p_x)
    if isinstance(base, Bernoulli):
        flags = ask(_flat(torch.sigmoid(base.logits)))
        assert flags is not None
        return torch.from_numpy(flags.astype(np.float64)).view(1, -1, *shape)
    x = torch.zeros((*p_x.batch_shape, *shape), dtype=torch.float64)
    for part, place in _parts(base, x):
        search = _Search(part, place.numel())
        while (flags := ask(search.ask())) is not None:
            search.tell(torch.from_numpy(flags))
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
        base: A distribution over levels 0 … L − 1, each number on its own, that has a row (`in_row`).
        count: n, how many numbers there are.
    """

    def __init__(self, base: Any, count: int) -> None:
        self.row: Row = base.in_row()
        self.low = torch.zeros(count, dtype=torch.long)
        """The lowest level that a number may still have, `(n,)`; its level, once nothing is open."""
        self.where = torch.arange(len(self.low))
        """Which numbers are open, `(m,)`."""
        self.first, self.last = self.low, torch.full_like(self.low, self.row.num_levels - 1)
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
        self.at_middle = torch.minimum(torch.maximum(self.row.cdf(self.middle.double()), self.below), self.upto)
        lower, upper = self.at_middle - self.below + LEAST, self.upto - self.at_middle + LEAST
        return (lower / (lower + upper)).clamp(SURE, 1 - SURE).numpy()

    def tell(self, is_below: Tensor) -> None:
        """Take the answers in, `(m,)`; numbers with one level left are closed."""
        self.first = torch.where(is_below, self.first, self.middle + 1)
        self.last = torch.where(is_below, self.middle, self.last)
        self.low[self.where] = self.first
        below, middle, upto = self.below, self.at_middle, self.upto
        if bool((self.first == self.last).any()):
            still = (self.first < self.last).nonzero().squeeze(-1)
            self.where, self.first, self.last = self.where[still], self.first[still], self.last[still]
            is_below, below, middle, upto = is_below[still], below[still], middle[still], upto[still]
            self.row = self.row.pick(still)
        self.below, self.upto = torch.where(is_below, below, middle), torch.where(is_below, middle, upto)
