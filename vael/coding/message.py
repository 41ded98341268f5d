"""A message: a stack of bits onto which symbols are pushed and from which they are popped, each under a distribution.

Pushing a symbol of probability p makes the message −log₂ p bits longer, popping one under p makes it as much shorter;
popping undoes pushing. On a message of random bits popping is sampling. The stack is constriction's ANS coder (Duda
2009, https://arxiv.org/abs/0902.0271; Bamler 2022, https://arxiv.org/abs/2201.01741); its probabilities have 24 bits.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vael.errors import VaelError

__all__ = ["Bank", "Message"]

Ints = NDArray[np.int64]
DIGIT_BITS = 16


def stream() -> Any:
    """Return constriction's stream coders.

    Raises:
        VaelError: It is not installed.
    """
    try:
        import constriction
    except ModuleNotFoundError:
        raise VaelError("lossless coding needs constriction: pip install 'vael[compress]'") from None
    return getattr(constriction, "stream")  # noqa: B009 - it is made on import, and no module that can be imported


class Bank:
    """Hold distributions over symbols 0 … S − 1, to be chosen by number.

    Arguments:
        tables: The probabilities `(S,)` of each, S ≥ 2; a symbol of probability 0 keeps 2⁻²⁴.
    """

    def __init__(self, tables: Iterable[NDArray[np.float64]]) -> None:
        categorical = stream().model.Categorical
        self.models = [categorical(np.ascontiguousarray(table), perfect=False) for table in tables]


class Message:
    """A stack of bits; what is pushed last is popped first.

    Every method takes flat arrays of n symbols and pops them in the order in which they were given.

    Arguments:
        words: What is on the stack already, 32 bits each.
    """

    def __init__(self, words: NDArray[np.uint32]) -> None:
        self.coder: Any = stream().stack.AnsCoder(words)
        self.kinds: Any = stream().model
        self.fewest_words = self.num_words
        """The least there was on the stack since it began."""

    @property
    def num_bits(self) -> int:
        """The length in bits."""
        return int(self.coder.num_valid_bits())

    @property
    def num_words(self) -> int:
        """The length in words, the last one begun."""
        return int(self.coder.num_words())

    def _decode(self, *model: Any) -> NDArray[np.int32]:
        symbols = self.coder.decode(*model)
        self.fewest_words = min(self.fewest_words, self.num_words)
        return symbols

    def words(self) -> NDArray[np.uint32]:
        """Return the stack as words of 32 bits, the last pushed last."""
        return self.coder.get_compressed()

    def push_flags(self, flags: NDArray[np.bool_], p: NDArray[np.float64]) -> None:
        """Push truth values, `(n,)` each with its probability of being true."""
        if len(flags):
            self.coder.encode_reverse(flags.astype(np.int32), self.kinds.Bernoulli(perfect=False), p)

    def pop_flags(self, p: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Pop truth values."""
        if not len(p):
            return np.zeros(0, bool)
        return self._decode(self.kinds.Bernoulli(perfect=False), p).astype(bool)

    def push_chosen(self, symbols: Ints, bank: Bank, which: Ints) -> None:
        """Push symbols, each under the distribution of a bank that `which` names."""
        order, parts = _by_choice(which)
        for choice, part in reversed(parts):
            self.coder.encode_reverse(symbols[order[part]].astype(np.int32), bank.models[choice])

    def pop_chosen(self, bank: Bank, which: Ints) -> Ints:
        """Pop symbols, each under the distribution of a bank that `which` names."""
        order, parts = _by_choice(which)
        symbols = np.empty(len(which), np.int64)
        for choice, part in parts:
            symbols[order[part]] = self._decode(bank.models[choice], part.stop - part.start)
        return symbols

    def push_bits(self, numbers: Ints, num_bits: Ints) -> None:
        """Push whole numbers 0 ≤ x < 2ᵇ, each with b ≥ 0 bits of its own."""
        for digit in range(_num_digits(num_bits)):
            here = np.clip(num_bits - digit * DIGIT_BITS, 0, DIGIT_BITS)
            is_there = here > 0
            part = (numbers >> (digit * DIGIT_BITS)) & ((1 << here) - 1)
            sizes = (1 << here[is_there]).astype(np.int32)
            self.coder.encode_reverse(part[is_there].astype(np.int32), self.kinds.Uniform(), sizes)

    def pop_bits(self, num_bits: Ints) -> Ints:
        """Pop whole numbers of b ≥ 0 bits each."""
        numbers = np.zeros(len(num_bits), np.int64)
        for digit in reversed(range(_num_digits(num_bits))):
            here = np.clip(num_bits - digit * DIGIT_BITS, 0, DIGIT_BITS)
            is_there = here > 0
            sizes = (1 << here[is_there]).astype(np.int32)
            part = self._decode(self.kinds.Uniform(), sizes).astype(np.int64)
            numbers[is_there] |= part << (digit * DIGIT_BITS)
        return numbers


def _num_digits(num_bits: Ints) -> int:
    return -(-int(num_bits.max(initial=0)) // DIGIT_BITS)


def _by_choice(which: Ints) -> tuple[Ints, Sequence[tuple[int, slice]]]:
    """Return an order in which equal choices lie side by side, and each choice with its part of that order."""
    order = np.argsort(which, kind="stable")
    choices, starts = np.unique(which[order], return_index=True)
    ends = [*starts, len(order)][1:]
    parts = [(int(choice), slice(int(i), int(j))) for choice, i, j in zip(choices, starts, ends, strict=True)]
    return order, parts
