"""Seed and restore every source of chance that a computation draws from."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

__all__ = ["capture_random_state", "restore_random_state", "seeded"]


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Run a block from a fixed seed and leave the outer random states as they were.

    >>> with seeded(0): a = torch.rand(())
    >>> with seeded(0): b = torch.rand(())
    >>> bool(a == b)
    True
    """
    outer = capture_random_state()
    torch.manual_seed(seed)
    try:
        yield
    finally:
        restore_random_state(outer)


def capture_random_state() -> dict[str, Tensor]:
    """Copy the states of torch's generators: `cpu` and one `cuda:i` a GPU, each uint8."""
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_initialized():
        states |= {f"cuda:{i}": torch.cuda.get_rng_state(i) for i in range(torch.cuda.device_count())}
    return states


def restore_random_state(states: dict[str, Tensor]) -> None:
    """Put back what `capture_random_state` copied."""
    torch.set_rng_state(states["cpu"])
    for name, state in states.items():
        if name != "cpu":
            torch.cuda.set_rng_state(state, name)
