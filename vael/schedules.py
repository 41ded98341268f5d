"""Schedules turn a step into a number: warm-up of β, cyclical β, a learning rate that decays.

A schedule is called with the step as a 0-dimensional tensor, so that it can be part of a compiled graph; `step` counts
from 0. Each member states its shape over the steps; `steps = 0` means the whole run, which `build.py` fills in.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from vael.errors import VaelError

__all__ = ["SCHEDULES", "Constant", "Cosine", "Cyclical", "Linear", "Schedule"]


@dataclass(frozen=True)
class Schedule(ABC):
    """Give a number for every step of a training."""

    @abstractmethod
    def __call__(self, step: Tensor) -> Tensor:
        """Return the 0-dimensional value at a 0-dimensional step ≥ 0."""


@dataclass(frozen=True)
class Constant(Schedule):
    """Stay at `value`.

    >>> float(Constant(0.5)(torch.tensor(3)))
    0.5
    """

    value: float = 1.0

    def __call__(self, step: Tensor) -> Tensor:
        return torch.full_like(step, self.value, dtype=torch.float32)


@dataclass(frozen=True)
class Linear(Schedule):
    """Go straight from `start` to `end` in `steps`, then stay: the warm-up of β (Bowman et al. 2016, arXiv:1511.06349).

    >>> float(Linear(steps=100)(torch.tensor(50)))
    0.5
    """

    start: float = 0.0
    end: float = 1.0
    steps: int = 0

    def __call__(self, step: Tensor) -> Tensor:
        return self.start + (self.end - self.start) * torch.clamp(step / max(self.steps, 1), max=1.0)


@dataclass(frozen=True)
class Cyclical(Schedule):
    """Repeat a linear warm-up `cycles` times (Fu et al. 2019, "Cyclical Annealing Schedule", arXiv:1903.10145).

    Each cycle rises from `start` to `end` during its first `ramp` share and stays there for the rest; after `steps` it
    stays at `end`.
    """

    start: float = 0.0
    end: float = 1.0
    cycles: int = 4
    ramp: float = 0.5
    steps: int = 0

    def __post_init__(self) -> None:
        """Refuse a cycle that is none."""
        if self.cycles < 1 or not 0 < self.ramp <= 1:
            raise VaelError(
                f"a cyclical schedule expects cycles ≥ 1 and ramp in (0, 1], got {self.cycles} and {self.ramp}"
            )

    def __call__(self, step: Tensor) -> Tensor:
        position = torch.remainder(step / max(self.steps, 1) * self.cycles, 1.0)
        rising = torch.clamp(position / self.ramp, max=1.0)
        return self.start + (self.end - self.start) * torch.where(step >= self.steps, 1.0, rising)


@dataclass(frozen=True)
class Cosine(Schedule):
    """Fall from `start` to `end` along half a cosine, after a linear warm-up.

    Reference: "SGDR", Loshchilov & Hutter 2017, https://arxiv.org/abs/1608.03983.
    """

    start: float = 1e-3
    end: float = 0.0
    warmup_steps: int = 0
    steps: int = 0

    def __call__(self, step: Tensor) -> Tensor:
        share = torch.clamp((step - self.warmup_steps) / max(self.steps - self.warmup_steps, 1), 0.0, 1.0)
        value = self.end + (self.start - self.end) * (0.5 + 0.5 * torch.cos(math.pi * share))
        return value * torch.clamp((step + 1) / (self.warmup_steps + 1), max=1.0)


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "linear": Linear,
    "cyclical": Cyclical,
    "cosine": Cosine,
}
