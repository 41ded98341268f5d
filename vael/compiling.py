"""Decide whether a compiled step pays: it saves a little at every step and costs a compile at the start.

The decision depends on the recipe and the model alone, never on a clock, so that the same seed takes the same path.
"""

import os
import shutil

import torch
from torch import nn

__all__ = ["choose_compiled"]

SECONDS_SAVED_PER_STEP = 1.5e-3  # measured for dense networks on two cores (docs/log.md)
SECONDS_WORTH_COMPILING = 15.0  # what a cold compile was seen to cost (docs/performance.md); a cached one costs 3 to 6


def choose_compiled(
    setting: str, model: nn.Module, device: torch.device, *, num_full_batches: int, epochs: int
) -> tuple[bool, str]:
    """Return whether to compile the step, and why.

    Arguments:
        setting: `on`, `off`, or `auto`: where it saves more than it costs.
        model: The model.
        device: Where it is trained.
        num_full_batches: Batches of an epoch that have the full size; the smaller last one is never compiled.
        epochs: Epochs ahead.
    """
    if setting != "auto":
        return setting == "on", f"training.compile={setting}"
    if device.type == "cpu" and not _has_compiler():
        return False, "no C++ compiler (g++ or clang++) found"
    if device.type == "cpu" and any(isinstance(part, nn.modules.conv._ConvNd) for part in model.modules()):
        return False, "convolutions on a CPU are no faster compiled"
    seconds = num_full_batches * epochs * SECONDS_SAVED_PER_STEP
    pays = seconds > SECONDS_WORTH_COMPILING
    return pays, f"{num_full_batches * epochs:,} steps would save about {seconds:.0f} s"


def _has_compiler() -> bool:
    return any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "g++", "clang++"))
