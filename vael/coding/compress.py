"""A set of observations → one file, and back."""

import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vael.coding.bits_back import BitsBack
from vael.coding.container import Container, Header
from vael.coding.message import Message
from vael.coding.team import Team
from vael.errors import VaelError
from vael.models import VAE

__all__ = ["Compressed", "compress", "decompress", "fingerprint"]

STEP = 2.0**-7
FEATURES_AT_ONCE = 4_000_000  # of the decoder's outputs, in one block
FIRST_WORDS = 4096  # random words to begin with; those that were not needed are left out of the file
MARGIN = 0.9  # of the bits that are there, how many a block may be expected to take
SPARE_WORDS = 3  # of the stack's end that its state may hold


@dataclass(frozen=True)
class Compressed:
    """Hold a coded set and what it cost.

    Arguments:
        content: The file.
        count: How many observations.
        num_dims: How many numbers they hold together.
        message_bits: How much longer the message is than the random bits it began with: the observations' own cost.
        initial_bits: The random bits, which bits back needs to begin; they are in the file.
        overhead_bits: Header and checksum.
    """

    content: bytes
    count: int
    num_dims: int
    message_bits: int
    initial_bits: int
    overhead_bits: int

    @property
    def bits_per_dim(self) -> float:
        """The whole file's bits for each number of x."""
        return 8 * len(self.content) / self.num_dims

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers by name, as JSON holds them; without the content."""
        numbers = {name: value for name, value in vars(self).items() if name != "content"}
        return {**numbers, "bytes": len(self.content), "bits_per_dim": self.bits_per_dim}


def compress(
    model: VAE,
    x: NDArray[np.uint8],
    *,
    names: Sequence[str] = (),
    verify: bool = True,
    on_block: Callable[[int], None] = lambda done: None,
) -> Compressed:
    """Code observations losslessly.

    The first ones are coded one by one, and the more the longer the message grows: a block takes bits for all of its
    latents off the message before it gives any back.

    Arguments:
        model: A trained model of binary pixels or of levels.
        x: `(N, *shape)` its pixels, 0 … L − 1.
        names: The observations' names, or none.
        verify: Whether to decode the file again and compare before it is returned; that takes as long once more.
        on_block: Hears how many observations are done; with `verify` it counts them twice.

    Raises:
        VaelError: Nothing to code, x of another shape or with more levels than the model's, or a model that cannot.
    """
    observation = model.observation
    num_levels = 2 if observation.domain == "binary" else observation.num_levels
    _check(model, x, num_levels)
    num_words = FIRST_WORDS
    with Team() as team:
        coder, rows = BitsBack(model, team, step=STEP), torch.from_numpy(x)
        while True:
            message = Message(_random_words(num_words))
            sizes = []
            for size, done in _push_all(coder, message, rows):
                sizes.append(size)
                on_block(done)
            if message.fewest_words > SPARE_WORDS:
                break
            num_words *= 4  # the message ran out of bits, so what was coded is worth nothing
    unused = message.fewest_words - SPARE_WORDS
    header = Header(
        fingerprint(model),
        _digest(x),
        observation.shape,
        observation.domain,
        num_levels,
        STEP,
        num_words - unused,
        tuple((size, len(list(group))) for size, group in itertools.groupby(sizes)),
        tuple(names),
    )
    words = message.words()[unused:]
    content = Container(header, words).to_bytes()
    if verify:
        decompress(model, content, name="the coded set", on_block=lambda done: on_block(len(x) + done))
    initial_bits = 32 * header.initial_words
    return Compressed(
        content,
        len(x),
        x.size,
        message_bits=32 * len(words) - initial_bits,
        initial_bits=initial_bits,
        overhead_bits=8 * len(content) - 32 * len(words),
    )


def _push_all(coder: BitsBack, message: Message, x: torch.Tensor) -> Iterator[tuple[int, int]]:
    """Push all observations, in blocks as large as the message allows; yield each one's size and how many are done."""
    largest = max(1, FEATURES_AT_ONCE // (x[0].numel() * coder.model.likelihood.parameters_per_dim))
    done, size, taken = 0, 1, 1.0
    while done < len(x):
        size = min(size, len(x) - done)
        before = message.num_words
        fewest = coder.push(message, x[done : done + size])
        done += size
        yield size, done
        taken = max(taken, (before - fewest) / size)  # words that one observation's latents take, the most so far
        size = int(min(max(MARGIN * (message.num_words - message.fewest_words) / taken, 1), largest))


def decompress(
    model: VAE, content: bytes, *, name: str = "the file", on_block: Callable[[int], None] = lambda done: None
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Return the observations `(N, *shape)` of a file and their names.

    Raises:
        VaelError: No such file, a damaged one, or one of another model.
    """
    container = Container.from_bytes(content, name)
    header = container.header
    if header.model != fingerprint(model):
        raise VaelError(
            f"{name} was written with the model {header.model}, this one is {fingerprint(model)}: name the run that "
            "wrote it"
        )
    message, parts, done = Message(container.words), [], 0
    with Team() as team:
        coder = BitsBack(model, team, step=header.step)
        for size, times in reversed(header.blocks):
            for _ in range(times):
                parts.append(coder.pop(message, size).numpy().astype(np.uint8))
                done += size
                on_block(done)
    x = np.concatenate(parts[::-1])
    is_whole = np.array_equal(message.words(), _random_words(header.initial_words))
    if not is_whole or _digest(x) != header.pixels:
        raise VaelError(f"{name} did not come back as it was: its model gives other numbers here; please report this")
    return x, header.names


def _digest(x: NDArray[np.uint8]) -> str:
    return hashlib.blake2b(np.ascontiguousarray(x).data, digest_size=8).hexdigest()


def fingerprint(model: VAE) -> str:
    """Return 16 hexadecimal digits that follow from the kinds of the model's parts and from every weight."""
    digest = hashlib.blake2b(digest_size=8)
    for name, module in model.named_modules():
        digest.update(f"{name}:{type(module).__name__};".encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype};".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().data)
    return digest.hexdigest()


def _random_words(count: int) -> NDArray[np.uint32]:
    """Return words of which the last ones are the same for every count; the very last one is not 0."""
    words = np.random.Generator(np.random.PCG64(0)).integers(0, 2**32, count, dtype=np.uint32)
    words[0] |= 1 << 31
    return words[::-1].copy()


def _check(model: VAE, x: NDArray[np.uint8], num_levels: int) -> None:
    observation = model.observation
    if observation.domain not in ("binary", "levels"):
        raise VaelError(
            f"lossless coding expects a model of binary pixels or of levels, this one is of {observation.domain} "
            "numbers: train with data.treatment=levels"
        )
    if x.shape[1:] != observation.shape or len(x) == 0:
        raise VaelError(f"the model codes {observation.shape}, got {x.shape[1:]} of {len(x)} examples")
    if int(x.max()) >= num_levels:
        raise VaelError(
            f"the model codes the levels 0 … {num_levels - 1}, got {int(x.max())}: a model trained with "
            "data.treatment=levels codes all that files hold"
        )
