from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from vael.training.optimizers import OPTIMIZERS, SGD, Adagrad, Adam, AdamW, Optimizer

# SciPy has none of these: torch's unfused optimizers are the witness
TABLE: dict[str, tuple[Optimizer, Callable[[Iterable[Tensor]], torch.optim.Optimizer]]] = {
    "adam": (Adam(), torch.optim.Adam),
    "adam-options": (Adam(0.5, 0.9, 1e-3), lambda p: torch.optim.Adam(p, betas=(0.5, 0.9), eps=1e-3)),
    "adamw": (AdamW(), torch.optim.AdamW),
    "adamw-options": (
        AdamW(0.8, 0.95, 1e-4, weight_decay=0.3),
        lambda p: torch.optim.AdamW(p, betas=(0.8, 0.95), eps=1e-4, weight_decay=0.3),
    ),
    "sgd": (SGD(), torch.optim.SGD),
    "sgd-momentum": (SGD(momentum=0.9), lambda p: torch.optim.SGD(p, momentum=0.9)),
    "adagrad": (Adagrad(), torch.optim.Adagrad),
    "adagrad-options": (Adagrad(eps=1e-2), lambda p: torch.optim.Adagrad(p, eps=1e-2)),
}
SHAPES = [(3, 4), (5,), ()]
STEPS = 20


def gradients() -> list[list[Tensor]]:
    rng = np.random.default_rng(0)
    scales = 10.0 ** rng.uniform(-4, 2, STEPS)  # small and large ones, so that ε matters
    return [[torch.tensor(scale * rng.standard_normal(shape)) for shape in SHAPES] for scale in scales]


def learning_rates() -> list[float]:
    return [0.1 * 0.8**step * (1 + step % 3) for step in range(STEPS)]


def weights() -> list[Tensor]:
    rng = np.random.default_rng(1)
    return [torch.tensor(rng.standard_normal(shape)).requires_grad_() for shape in SHAPES]


def run_torch(build: Callable[[list[Tensor]], torch.optim.Optimizer]) -> tuple[list[Tensor], dict[Any, Any]]:
    params = weights()
    optimizer = build(params)
    for grads, learning_rate in zip(gradients(), learning_rates(), strict=True):
        optimizer.param_groups[0]["lr"] = learning_rate
        for param, grad in zip(params, grads, strict=True):
            param.grad = grad.clone()
        optimizer.step()
    return [param.detach() for param in params], {i: optimizer.state[param] for i, param in enumerate(params)}


def run_ours(optimizer: Optimizer) -> tuple[list[Tensor], list[list[Tensor]]]:
    params = [param.detach() for param in weights()]
    slots = [[torch.zeros_like(param) for _ in optimizer.slots] for param in params]
    for step, (grads, learning_rate) in enumerate(zip(gradients(), learning_rates(), strict=True), start=1):
        numbers = [torch.tensor(n, dtype=torch.float64) for n in optimizer.coefficients(step, learning_rate)]
        for param, grad, state in zip(params, grads, slots, strict=True):
            optimizer.update(param, grad, state, numbers)
    return params, slots


@pytest.mark.parametrize("name", TABLE)
def test_the_written_out_update_is_torchs(name: str):
    ours, theirs = TABLE[name]
    for got, expected in zip(run_ours(ours)[0], run_torch(theirs)[0], strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", TABLE)
def test_the_eager_optimizer_has_the_same_hyperparameters(name: str):
    ours, theirs = TABLE[name]
    for got, expected in zip(run_torch(ours.eager)[0], run_torch(theirs)[0], strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", [name for name in TABLE if name != "sgd"])
def test_slots_hold_what_torch_keeps_under_their_names(name: str):
    ours, theirs = TABLE[name]
    state = run_torch(theirs)[1]
    for i, slots in enumerate(run_ours(ours)[1]):
        for key, got in zip(ours.slots, slots, strict=True):
            torch.testing.assert_close(got, state[i][key], rtol=1e-10, atol=1e-10)


def test_every_optimizer_stands_in_the_table():
    assert {type(ours) for ours, _ in TABLE.values()} == set(OPTIMIZERS.values())


@pytest.mark.parametrize("name", TABLE)
def test_an_update_leaves_the_gradient_alone(name: str):
    ours, _ = TABLE[name]
    param, grad = weights()[0].detach(), gradients()[0][0]
    before = grad.clone()
    numbers = [torch.tensor(n, dtype=torch.float64) for n in ours.coefficients(1, 0.1)]
    ours.update(param, grad, [torch.zeros_like(param) for _ in ours.slots], numbers)
    assert torch.equal(grad, before)
