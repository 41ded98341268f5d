"""Decide whether a compiled step pays: a cold compile costs 10 to 20 seconds, the steps saved must be worth more.

The decision depends on the recipe and the shapes alone, never on a clock, so that the same seed takes the same path.
"""

import copy
import os
import shutil

import torch
from torch.utils.flop_counter import FlopCounterMode

from vael.data.batches import DeviceData
from vael.models import VAE
from vael.objectives import Objective
from vael.random import seeded

__all__ = ["choose_compiled"]

SECONDS_WORTH_COMPILING = 15.0
EAGER_SECONDS_PER_STEP = 1e-3  # what an eager step costs beside its products (measured on two cores, docs/log.md)
EAGER_FLOPS_PER_SECOND = 1e11  # two cores with AVX-512; a wrong guess costs seconds, never a result


def choose_compiled(
    setting: str, model: VAE, objective: Objective, data: DeviceData, *, batch_size: int, num_steps: int
) -> tuple[bool, str]:
    """Return whether to compile the step, and why.

    Arguments:
        setting: `on`, `off`, or `auto`: only if the eager steps ahead would take longer than a compile.
        model: The model, not changed.
        objective: What to minimise.
        data: The training examples.
        batch_size: Examples a step.
        num_steps: Steps ahead.
    """
    if setting != "auto":
        return setting == "on", f"training.compile={setting}"
    if data.device.type == "cpu" and not _has_compiler():
        return False, "no C++ compiler (g++ or clang++) found"
    if len(data) < batch_size:
        return False, "every batch is smaller than batch_size"
    seconds = num_steps * (
        EAGER_SECONDS_PER_STEP + _step_flops(model, objective, data, batch_size) / EAGER_FLOPS_PER_SECOND
    )
    comparison = ">" if seconds > SECONDS_WORTH_COMPILING else "≤"
    reason = f"about {seconds:.0f} s of eager steps {comparison} {SECONDS_WORTH_COMPILING:.0f} s"
    return seconds > SECONDS_WORTH_COMPILING, reason


def _step_flops(model: VAE, objective: Objective, data: DeviceData, batch_size: int) -> int:
    """Count the floating-point operations of one step's forward and backward pass on a copy of the model."""
    twin = copy.deepcopy(model).train()
    index = torch.arange(batch_size, device=data.device)
    with seeded(0), FlopCounterMode(display=False) as counter:
        objective(twin, data.batch(index), torch.zeros((), device=data.device)).value.backward()
    return counter.get_total_flops()


def _has_compiler() -> bool:
    return any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "g++", "clang++"))
