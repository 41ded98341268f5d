import math

import numpy as np
import pytest
import torch

from vael.schedules import SCHEDULES, Constant, Cosine, Cyclical, Linear, Schedule

STEPS = [0, 1, 7, 10, 25, 50, 99, 100, 101, 1000]


def values(schedule: Schedule, steps: list[int]) -> list[float]:
    return [float(schedule(torch.tensor(step, dtype=torch.float32))) for step in steps]


def test_constant_is_the_same_at_every_step():
    assert values(Constant(0.25), STEPS) == [0.25] * len(STEPS)


@pytest.mark.parametrize(("start", "end"), [(0.0, 1.0), (1.0, 0.0), (0.2, 4.0)], ids=["up", "down", "beyond-one"])
def test_linear_is_the_line_through_its_two_ends(start: float, end: float):
    expected = np.interp(STEPS, [0, 100], [start, end])  # np.interp also stays at the ends
    np.testing.assert_allclose(values(Linear(start, end, 100), STEPS), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("step", "expected"),
    [(0, 0.0), (5, 0.5), (10, 1.0), (19, 1.0), (20, 0.0), (25, 0.5), (30, 1.0), (39, 1.0), (40, 1.0), (47, 1.0)],
)
def test_cyclical_repeats_its_ramp_and_ends_high(step: int, expected: float):
    # 2 cycles of 20 steps, each rising for its first half
    schedule = Cyclical(cycles=2, ramp=0.5, steps=40)
    assert values(schedule, [step]) == pytest.approx([expected], abs=1e-6)


def test_cyclical_goes_from_start_to_end():
    schedule = Cyclical(start=0.5, end=3.0, cycles=1, ramp=1.0, steps=10)
    assert values(schedule, [0, 4, 10]) == pytest.approx([0.5, 1.5, 3.0], abs=1e-6)


@pytest.mark.parametrize("step", STEPS)
def test_cosine_is_half_a_cosine_from_start_to_end(step: int):
    share = min(step / 100, 1.0)
    expected = 1e-5 + 0.5 * (2e-3 - 1e-5) * (1 + math.cos(math.pi * share))
    assert values(Cosine(2e-3, 1e-5, steps=100), [step]) == pytest.approx([expected], abs=1e-9)


def test_cosine_agrees_with_torch():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=30, eta_min=0.01)
    expected = []
    for _ in range(30):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    np.testing.assert_allclose(values(Cosine(0.1, 0.01, steps=30), list(range(30))), expected, rtol=1e-5)


def test_cosine_warms_up_in_equal_strides_to_its_start():
    warm = values(Cosine(1.0, 0.0, warmup_steps=4, steps=100), [0, 1, 2, 3, 4])
    assert warm == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0], abs=1e-6)


def test_cosine_falls_only_after_the_warm_up():
    schedule = Cosine(1.0, 0.0, warmup_steps=10, steps=110)
    assert values(schedule, [10, 60, 110, 500]) == pytest.approx([1.0, 0.5, 0.0, 0.0], abs=1e-6)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("dtype", [torch.int64, torch.float32], ids=["integer", "float"])
def test_value_is_a_float_without_axes(name: str, dtype: torch.dtype):
    value = SCHEDULES[name]()(torch.tensor(3, dtype=dtype))
    assert value.shape == ()
    assert value.dtype == torch.float32
    assert torch.isfinite(value)
