"""The one loop: a generator of records that moves a `TrainingState` forward.

    for record in fit(state, objective, data, plan, monitor=valid):
        …                                   # print it, append it, save a checkpoint: the state is consistent here

Nothing is read back from the device between two events (a record, or a pause that was asked for). The order of an
epoch is drawn from (seed, epoch) and the noise from the generators' states in the state, so a training that goes on
from a checkpoint is the one that was never stopped.
"""

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from vael.data.batches import DeviceData
from vael.errors import VaelError
from vael.models import VAE
from vael.objectives import Objective
from vael.random import capture_random_state, restore_random_state, seeded
from vael.runs import Record
from vael.training.state import TERMS, TrainingState
from vael.training.step import CannotCompile, CompiledStep, EagerStep, Plan

__all__ = ["Monitor", "NonFinite", "Pause", "fit"]

MAX_STEPS_PER_RECORD = 500
MONITOR_BATCH_SIZE = 1000


class NonFinite(VaelError):
    """The training met a number that is infinite or not a number."""


@dataclass(frozen=True)
class Monitor:
    """Say which examples are judged after every epoch.

    Arguments:
        split: Its name, as records carry it.
        data: The examples.
        selects: Whether its ELBO chooses the best weights and stops early (never the test split's).
    """

    split: str
    data: DeviceData
    selects: bool


@dataclass(frozen=True)
class Pause:
    """Mark a step at which `fit` was asked to hand the state out; whatever is done there leaves the training as it is.

    Arguments:
        step: Steps done.
    """

    step: int


def fit(
    state: TrainingState,
    objective: Objective,
    data: DeviceData,
    plan: Plan,
    *,
    monitor: Monitor | None = None,
    pauses: Sequence[int] = (),
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Record | Pause]:
    """Train and yield a record every few hundred steps and after every epoch, and a pause where one is asked for.

    Arguments:
        state: Where the training stands; changed in place.
        objective: What to minimise.
        data: The training examples.
        plan: How the training goes.
        monitor: Examples to judge after every epoch.
        pauses: Steps, in rising order, after which to yield a `Pause`; 0 is before the first.
        should_stop: Asked before every step; True ends the training there, resumable.

    Raises:
        NonFinite: A loss or gradient is infinite or not a number; the last checkpoint is still good.
    """
    steps_per_epoch = -(-len(data) // plan.batch_size)
    take_step = _Stepper(state, objective, data, plan)
    if state.step == 0 and 0 in pauses:
        yield Pause(0)
    while state.epoch < plan.epochs and not _has_stalled(state, plan):
        order = _order(len(data), plan.seed, state.epoch, data.device).split(plan.batch_size)
        for end in _record_ends(state.epoch, steps_per_epoch):
            if state.step < end:
                yield from _run(state, plan, take_step, order, _stops(pauses, state.step, end), should_stop)
            if state.step < end:
                return
        state.epoch += 1
        if monitor is not None:
            yield _judge(state, plan, monitor)


def _has_stalled(state: TrainingState, plan: Plan) -> bool:
    return plan.patience > 0 and state.epochs_since_best >= plan.patience


def _stops(pauses: Sequence[int], start: int, end: int) -> list[tuple[int, bool]]:
    """List the steps after `start` to halt at up to `end`, and whether each is a pause."""
    inside = [(step, True) for step in pauses if start < step <= end]
    return inside if inside and inside[-1][0] == end else [*inside, (end, False)]


def _run(
    state: TrainingState,
    plan: Plan,
    take_step: "_Stepper",
    order: tuple[Tensor, ...],
    stops: list[tuple[int, bool]],
    should_stop: Callable[[], bool],
) -> Iterator[Record | Pause]:
    """Take steps up to the last stop; yield the pauses on the way and, if all steps were taken, their record."""
    end = stops[-1][0]
    before = len(state.terms)
    first = state.step - before
    seconds = 0.0
    for stop, is_pause in stops:
        began = time.perf_counter()
        _take_steps(state, plan, take_step, order, stop, should_stop)
        seconds += time.perf_counter() - began
        if state.step < stop:
            return
        if is_pause:
            yield Pause(stop)
    sizes = torch.tensor([len(order[step % len(order)]) for step in range(first, end)])
    values = _mean_terms(state.terms, sizes) | {"learning_rate": plan.learning_rates(range(end - 1, end))[0]}
    state.terms = torch.zeros(0, len(TERMS))
    yield Record("train", (end - 1) // len(order) + 1, end, values, seconds, int(sizes[before:].sum()))


def _take_steps(
    state: TrainingState,
    plan: Plan,
    take_step: "_Stepper",
    order: tuple[Tensor, ...],
    end: int,
    should_stop: Callable[[], bool],
) -> None:
    """Take steps up to `end`, or to where the training was asked to stop; read their terms back once, at the end."""
    start, before = state.step, len(state.terms)
    rates = plan.learning_rates(range(start, end))
    terms = torch.zeros(before + end - start, len(TERMS), device=order[0].device)
    terms[:before] = state.terms
    with _own_randomness(state), plan.precision.multiplying():
        for step in range(start, end):
            if should_stop():
                break
            terms[before + step - start] = take_step(order[step % len(order)], step, rates[step - start])
            state.step = step + 1
    state.terms = terms[: before + state.step - start].cpu()
    _check_finite(state)


class _Stepper:
    """Give full batches to the compiled step, where there is one, and every other batch to the eager one."""

    def __init__(self, state: TrainingState, objective: Objective, data: DeviceData, plan: Plan) -> None:
        state.model.train()
        if state.critic is not None:
            state.critic.train()
        self.batch_size = plan.batch_size
        self.eager = EagerStep(state, objective, data, plan)
        self.compiled = CompiledStep(state, objective, data, plan) if plan.compiled else None

    def __call__(self, index: Tensor, step: int, learning_rate: float) -> Tensor:
        if self.compiled is not None and len(index) == self.batch_size:
            try:
                return self.compiled(index, step, learning_rate)
            except CannotCompile as error:
                warnings.warn(f"the step cannot be compiled ({error}): going on eagerly", stacklevel=2)
                self.compiled = None
        return self.eager(index, step, learning_rate)


@contextmanager
def _own_randomness(state: TrainingState) -> Iterator[None]:
    """Draw the steps' noise from the state's generators and leave the caller's as they were."""
    outer = capture_random_state()
    state.restore_random()
    try:
        yield
    finally:
        state.capture_random()
        restore_random_state(outer)


def _order(num_examples: int, seed: int, epoch: int, device: torch.device) -> Tensor:
    """Draw the order of an epoch from the seed and the epoch alone."""
    generator = torch.Generator().manual_seed((seed << 32) + epoch)
    return torch.randperm(num_examples, generator=generator).to(device)


def _record_ends(epoch: int, steps_per_epoch: int) -> list[int]:
    """Cut an epoch into equal parts of at most `MAX_STEPS_PER_RECORD` steps; return the step that ends each."""
    parts = -(-steps_per_epoch // MAX_STEPS_PER_RECORD)
    return [epoch * steps_per_epoch + (part + 1) * steps_per_epoch // parts for part in range(parts)]


def _mean_terms(terms: Tensor, sizes: Tensor) -> dict[str, float]:
    """Average over examples (batches weighted by their size) and add the ELBO."""
    weights = sizes.double() / sizes.sum()
    means = dict(zip(TERMS, (weights @ terms.double()).tolist(), strict=True))
    return {"elbo_nats": -(means["rate_nats"] + means["distortion_nats"]), **means}


def _check_finite(state: TrainingState) -> None:
    """Find the first step whose terms are not finite and say which term it was."""
    bad = ~torch.isfinite(state.terms)
    if not bad.any():
        return
    row = int(bad.any(1).nonzero()[0])
    step = state.step - len(state.terms) + row
    names = [name for name, is_bad in zip(TERMS, bad[row].tolist(), strict=True) if is_bad and name != "loss"]
    fault = names[0] if len(names) == 1 else ("gradient" if row or step else "loss")
    at = step - 1 if fault == "gradient" else step
    raise NonFinite(
        f"{fault} is not finite at step {at + 1}: the last checkpoint is kept; try a smaller training.learning_rate, "
        "training.gradient_clip=1, or training.precision=float32"
    )


@torch.inference_mode()
def _judge(state: TrainingState, plan: Plan, monitor: Monitor) -> Record:
    """Measure the bound on the monitor's examples with the weights to use, from a fixed seed."""
    with state.in_use(), seeded(plan.seed), plan.precision.multiplying():
        values = _mean_bound(state.model, monitor.data)
    if monitor.selects:
        _remember(state, values["elbo_nats"])
    return Record(monitor.split, state.epoch, state.step, values)


def _mean_bound(model: VAE, data: DeviceData) -> dict[str, float]:
    rate = distortion = torch.zeros((), dtype=torch.float64, device=data.device)
    for batch in data.in_order(MONITOR_BATCH_SIZE):
        inference = model.infer(batch)
        distortion = distortion + inference.distortion.double().sum()
        if model.has_density:
            rate = rate + inference.rate.double().sum()
    rate_nats, distortion_nats = float(rate) / len(data), float(distortion) / len(data)
    return {"elbo_nats": -(rate_nats + distortion_nats), "rate_nats": rate_nats, "distortion_nats": distortion_nats}


def _remember(state: TrainingState, elbo: float) -> None:
    if elbo > state.best_elbo:
        state.best_elbo, state.epochs_since_best = elbo, 0
        state.keep_best()
    else:
        state.epochs_since_best += 1
