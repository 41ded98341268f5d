"""One step of a training, done eagerly or as one compiled graph; both do the same arithmetic on the same tensors.

The compiled step traces gather, treatment, forward, gradient, clipping, update and averaging into one graph of tensor
operations (so it knows no architecture), and lets torch.compile fuse it. Random numbers are drawn by the same generator
calls as in an eager step: the two differ by rounding alone, and a training may change between them at any step.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from vael.compiling import compile_graph
from vael.data.batches import DeviceData
from vael.objectives import Loss, Objective
from vael.precision import Precision
from vael.schedules import Schedule
from vael.training.optimizers import Optimizer
from vael.training.state import TrainingState
from vael.types import Batch

__all__ = ["CannotCompile", "CompiledStep", "EagerStep", "Plan"]

CLIP_EPS = 1e-6  # torch.nn.utils.clip_grad_norm_'s, so that both steps clip alike


@dataclass(frozen=True)
class Plan:
    """Say how a training goes, with live parts; the recipe's words are in `TrainingRecipe`.

    Arguments:
        epochs: Passes over the data.
        batch_size: Examples a step.
        seed: Seed of order and noise.
        optimizer: What moves the weights.
        learning_rate: By step.
        precision: What products run in.
        compiled: Whether full batches run as one compiled graph.
        gradient_clip: Largest norm of the gradient; 0 is off.
        ema_decay: Decay a step of the average; 0 is off.
        patience: Epochs without a better validation ELBO before stopping; 0 is off.
    """

    epochs: int
    batch_size: int
    seed: int
    optimizer: Optimizer
    learning_rate: Schedule
    precision: Precision
    compiled: bool = False
    gradient_clip: float = 0.0
    ema_decay: float = 0.0
    patience: int = 0

    def learning_rates(self, steps: Sequence[int]) -> list[float]:
        """Return the learning rate of each step, counted from 0."""
        return self.learning_rate(torch.tensor(list(steps), dtype=torch.float32)).tolist()


class CannotCompile(Exception):
    """The step could not be compiled here; it can be taken eagerly."""


class EagerStep:
    """Do a step with autograd and torch's fused optimizer."""

    def __init__(self, state: TrainingState, objective: Objective, data: DeviceData, plan: Plan) -> None:
        self.state = state
        self.objective = objective
        self.data = data
        self.plan = plan
        self.params = list(state.named_parameters().values())
        critics = [] if state.critic is None else list(state.critic.parameters())
        self.moved = [param for param in state.model.parameters() if param.requires_grad], critics
        self.optimizer = plan.optimizer.eager(self.params)
        self.counters = [torch.zeros((), device=param.device) for param in self.params]
        for i, param in enumerate(self.params):
            slots = {name: tensors[i] for name, tensors in state.slots.items()}
            self.optimizer.state[param] = {"step": self.counters[i], **slots}

    def __call__(self, index: Tensor, step: int, learning_rate: float) -> Tensor:
        """Train on the examples at `index`; return the terms `(T,)`."""
        position = torch.full((), float(step), device=self.data.device)
        with self.plan.precision.autocasting(self.data.device):
            loss = self.objective(self.state.model, self.data.batch(index), position, self.state.critic)
        self.optimizer.zero_grad(set_to_none=True)
        mine, critics = self.moved
        loss.value.backward(inputs=mine, retain_graph=loss.adversary is not None)
        if loss.adversary is not None:
            loss.adversary.backward(inputs=critics)
        if self.plan.gradient_clip:
            nn.utils.clip_grad_norm_(self.params, self.plan.gradient_clip)
        self._update(step, learning_rate)
        return _terms(loss)

    @torch.no_grad()
    def _update(self, step: int, learning_rate: float) -> None:
        for counter in self.counters:  # torch counts from its own; a compiled step may have come between
            counter.fill_(step)
        self.optimizer.param_groups[0]["lr"] = learning_rate
        self.optimizer.step()
        for mean, param in zip(self.state.average, self.params, strict=False):
            mean.lerp_(param, 1 - self.plan.ema_decay)


class CompiledStep:
    """Do a step as one compiled graph; every batch has the same size."""

    def __init__(self, state: TrainingState, objective: Objective, data: DeviceData, plan: Plan) -> None:
        self.data = data
        self.plan = plan
        self.module = _LossOf(state, objective)
        params = dict(self.module.named_parameters())
        self.is_moved = [param.requires_grad for param in params.values()]
        self.num_model = len(list(state.model.parameters()))
        self.names = (list(params), list(dict(self.module.named_buffers())))
        slots = [tensor for tensors in state.slots.values() for tensor in tensors]
        self.tensors = [param.detach() for param in params.values()]
        self.tensors += [*self.module.buffers(), *slots, *state.average, *data.tensors().values()]
        self.graph: Any = None
        self.has_run = False

    def __call__(self, index: Tensor, step: int, learning_rate: float) -> Tensor:
        """Train on the examples at `index`; return the terms `(T,)`."""
        coefficients = self.plan.optimizer.coefficients(step + 1, learning_rate)
        numbers = torch.tensor((step, *coefficients), device=self.data.device)
        if self.has_run:
            return self.graph(*self.tensors, index, numbers)
        try:
            self.graph = compile_graph(self._program, *self.tensors, index, numbers)
            terms = self.graph(*self.tensors, index, numbers)
        except Exception as error:  # a compiler may fail in any way; nothing has been computed yet
            raise CannotCompile(f"{type(error).__name__}: {str(error).strip().splitlines()[0]}") from error
        self.has_run = True
        return terms

    def _program(self, *flat: Tensor) -> Tensor:
        """Write the step down as a function of tensors alone, for tracing."""
        *tensors, index, numbers = flat
        names = list(self.data.tensors())
        tensors, held = tensors[: -len(names)], tensors[-len(names) :]
        num_params, num_buffers = map(len, self.names)
        params, tensors = tensors[:num_params], tensors[num_params:]
        buffers, tensors = tensors[:num_buffers], tensors[num_buffers:]
        num_slots = len(self.plan.optimizer.slots)
        slots, average = tensors[: num_slots * num_params], tensors[num_slots * num_params :]
        leaves = [param.detach().requires_grad_(flag) for param, flag in zip(params, self.is_moved, strict=True)]
        batch = replace(self.data, **dict(zip(names, held, strict=True))).batch(index)
        with torch.enable_grad(), self.plan.precision.autocasting(index.device):
            weights = dict(zip(self.names[0] + self.names[1], [*leaves, *buffers], strict=True))
            loss = torch.func.functional_call(self.module, weights, (batch, numbers[0]))
        grads = _gradients(loss.value, leaves[: self.num_model], kept=loss.adversary is not None)
        if loss.adversary is not None:
            grads += _gradients(loss.adversary, leaves[self.num_model :])
        with torch.no_grad():
            scale = _clip_scale(grads, self.plan.gradient_clip)
            for i, (param, grad) in enumerate(zip(params, grads, strict=True)):
                if not self.is_moved[i]:
                    continue
                self.plan.optimizer.update(param, grad * scale, slots[i::num_params], numbers[1:].unbind())
            for mean, param in zip(average, params, strict=False):
                mean.lerp_(param, 1 - self.plan.ema_decay)
        return _terms(loss)


class _LossOf(nn.Module):
    """Make the objective a function of the weights, so that they can be swapped while tracing."""

    def __init__(self, state: TrainingState, objective: Objective) -> None:
        super().__init__()
        self.model = state.model
        self.critic = state.critic
        self.objective = objective

    def forward(self, batch: Batch, step: Tensor) -> Loss:
        return self.objective(self.model, batch, step, self.critic)


def _gradients(value: Tensor, leaves: Sequence[Tensor], *, kept: bool = False) -> list[Tensor]:
    """Return the gradient of a scalar for each leaf; zeros for those that stay as they are. `kept` keeps the graph."""
    moved = [leaf for leaf in leaves if leaf.requires_grad]
    found = iter(torch.autograd.grad(value, moved, materialize_grads=True, retain_graph=kept))
    return [next(found) if leaf.requires_grad else torch.zeros_like(leaf) for leaf in leaves]


def _clip_scale(grads: Sequence[Tensor], limit: float) -> Tensor | float:
    if not limit:
        return 1.0
    norm = torch.stack([grad.square().sum() for grad in grads]).sum().sqrt()
    return torch.clamp(limit / (norm + CLIP_EPS), max=1.0)


def _terms(loss: Loss) -> Tensor:
    return torch.stack([loss.value.detach(), loss.rate, loss.distortion, loss.beta]).detach()
