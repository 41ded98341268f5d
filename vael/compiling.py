"""Compile work that is done many times, and decide whether that pays: it costs some seconds once.

The decision depends on the work and the model alone, never on a clock, so that the same seed takes the same path.
"""

import os
import shutil
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx.experimental.proxy_tensor import make_fx

__all__ = ["choose_compiled", "choose_compiled_draws", "compile_graph"]

SECONDS_SAVED_PER_STEP = 1.5e-3  # measured for dense networks on two cores (docs/log.md)
SECONDS_SAVED_PER_DRAW = 5e-6  # measured for dense networks of 200 to 400 units on two cores (docs/log.md)
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
    hindrance = _find_hindrance(model, device)
    if hindrance:
        return False, hindrance
    seconds = num_full_batches * epochs * SECONDS_SAVED_PER_STEP
    pays = seconds > SECONDS_WORTH_COMPILING
    return pays, f"{num_full_batches * epochs:,} steps would save about {seconds:.0f} s"


def choose_compiled_draws(setting: str, model: nn.Module, device: torch.device, *, num_draws: int) -> bool:
    """Return whether to compile the decoding of draws: what an evaluation with many of them does.

    Arguments:
        setting: `on`, `off`, or `auto`: where it saves more than it costs.
        model: The model.
        device: Where it is judged.
        num_draws: Draws ahead, of all examples together.
    """
    if setting != "auto":
        return setting == "on"
    pays = num_draws * SECONDS_SAVED_PER_DRAW > SECONDS_WORTH_COMPILING
    return pays and not _find_hindrance(model, device)


def compile_graph(function: Callable[..., Any], *tensors: Tensor) -> Callable[..., Any]:
    """Trace a function of tensors on fake ones, which computes nothing, and compile the graph for these shapes.

    Tracing runs the model's own Python; random numbers come from the generator calls that it makes.
    """
    traced = make_fx(function, tracing_mode="fake")(*tensors)
    options: dict[str, Any] = {"fallback_random": True}
    return torch.compile(traced, fullgraph=True, dynamic=False, options=options)


def _find_hindrance(model: nn.Module, device: torch.device) -> str:
    """Say why compiling would not help, whatever the work; empty where it may."""
    if device.type == "cpu" and not _has_compiler():
        return "no C++ compiler (g++ or clang++) found"
    if device.type == "cpu" and any(isinstance(part, nn.modules.conv._ConvNd) for part in model.modules()):
        return "convolutions on a CPU are no faster compiled"
    return ""


def _has_compiler() -> bool:
    return any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "g++", "clang++"))
