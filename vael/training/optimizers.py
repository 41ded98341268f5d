"""Optimizers: torch's own for an eager step, the same update written out for a compiled one.

Both work on the same tensors (the slots), so a training may change between them at any step. A compiled graph needs the
update as plain arithmetic whose step-dependent numbers come from outside: inlined into the element-wise kernel, torch's
own `beta ** step` costs more than the rest of the update (docs/log.md). The tests hold each update to torch's.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from vael.errors import VaelError

__all__ = ["OPTIMIZERS", "SGD", "Adagrad", "Adam", "AdamW", "Optimizer"]


@dataclass(frozen=True)
class Optimizer(ABC):
    """Move parameters against their gradients."""

    slots: ClassVar[tuple[str, ...]]
    """The names of the state tensors that each parameter has, as torch names them."""

    @abstractmethod
    def eager(self, params: Sequence[Tensor]) -> torch.optim.Optimizer:
        """Build torch's optimizer, fused, with the same hyperparameters."""

    @abstractmethod
    def coefficients(self, step: int, learning_rate: float) -> tuple[float, ...]:
        """Return the numbers that `update` reads at a step counted from 1."""

    @abstractmethod
    def update(self, param: Tensor, grad: Tensor, slots: Sequence[Tensor], coefficients: Sequence[Tensor]) -> None:
        """Change `param` and its slots in place; coefficients are 0-dimensional."""


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam: m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², θ ← θ − α m̂ / (√v̂ + ε).

    Reference: Kingma & Ba 2015, https://arxiv.org/abs/1412.6980.

    Arguments:
        beta1: Decay of the mean of the gradient.
        beta2: Decay of the mean of its square.
        eps: ε, keeps the division finite.
    """

    slots = ("exp_avg", "exp_avg_sq")
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def __post_init__(self) -> None:
        """Refuse decays that never forget."""
        if not (0 <= self.beta1 < 1 and 0 <= self.beta2 < 1):
            raise VaelError(f"Adam expects beta1 and beta2 ≥ 0 and < 1, got {self.beta1} and {self.beta2}")

    def eager(self, params: Sequence[Tensor]) -> torch.optim.Optimizer:
        return torch.optim.Adam(list(params), betas=(self.beta1, self.beta2), eps=self.eps, fused=True)

    def coefficients(self, step: int, learning_rate: float) -> tuple[float, ...]:
        root = (1 - self.beta2**step) ** 0.5
        return learning_rate * root / (1 - self.beta1**step), self.eps * root

    def update(self, param: Tensor, grad: Tensor, slots: Sequence[Tensor], coefficients: Sequence[Tensor]) -> None:
        mean, square = slots
        mean.lerp_(grad, 1 - self.beta1)
        square.mul_(self.beta2).addcmul_(grad, grad, value=1 - self.beta2)
        param.sub_(coefficients[0] * mean / (square.sqrt() + coefficients[1]))


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay: θ ← (1 − αλ)θ first.

    Reference: Loshchilov & Hutter 2019, https://arxiv.org/abs/1711.05101.

    Arguments:
        weight_decay: λ.
    """

    weight_decay: float = 1e-2

    def eager(self, params: Sequence[Tensor]) -> torch.optim.Optimizer:
        betas = (self.beta1, self.beta2)
        return torch.optim.AdamW(list(params), betas=betas, eps=self.eps, weight_decay=self.weight_decay, fused=True)

    def coefficients(self, step: int, learning_rate: float) -> tuple[float, ...]:
        return *super().coefficients(step, learning_rate), 1 - learning_rate * self.weight_decay

    def update(self, param: Tensor, grad: Tensor, slots: Sequence[Tensor], coefficients: Sequence[Tensor]) -> None:
        param.mul_(coefficients[2])
        super().update(param, grad, slots, coefficients)


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent with momentum: b ← μb + g, θ ← θ − αb.

    Arguments:
        momentum: μ; 0 is plain descent.
    """

    slots = ("momentum_buffer",)
    momentum: float = 0.0

    def eager(self, params: Sequence[Tensor]) -> torch.optim.Optimizer:
        return torch.optim.SGD(list(params), momentum=self.momentum, fused=True)

    def coefficients(self, step: int, learning_rate: float) -> tuple[float, ...]:
        return (learning_rate,)

    def update(self, param: Tensor, grad: Tensor, slots: Sequence[Tensor], coefficients: Sequence[Tensor]) -> None:
        if self.momentum:
            grad = slots[0].mul_(self.momentum).add_(grad)
        param.sub_(coefficients[0] * grad)


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """Adagrad: s ← s + g², θ ← θ − α g / (√s + ε) (Duchi et al. 2011, https://jmlr.org/papers/v12/duchi11a.html).

    Arguments:
        eps: ε, keeps the division finite.
    """

    slots = ("sum",)
    eps: float = 1e-10

    def eager(self, params: Sequence[Tensor]) -> torch.optim.Optimizer:
        fused = all(param.device.type == "cpu" for param in params)
        return torch.optim.Adagrad(list(params), eps=self.eps, fused=fused)

    def coefficients(self, step: int, learning_rate: float) -> tuple[float, ...]:
        return (learning_rate,)

    def update(self, param: Tensor, grad: Tensor, slots: Sequence[Tensor], coefficients: Sequence[Tensor]) -> None:
        (total,) = slots
        total.addcmul_(grad, grad)
        param.sub_(coefficients[0] * grad / (total.sqrt() + self.eps))


OPTIMIZERS: dict[str, type[Optimizer]] = {"adam": Adam, "adamw": AdamW, "sgd": SGD, "adagrad": Adagrad}
