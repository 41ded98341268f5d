"""The compiled step does what the eager one does, for every kind of model."""

import math
import shutil
from dataclasses import replace

import pytest
import torch

from vael.build import build_model
from vael.compiling import choose_compiled
from vael.data import load
from vael.data.batches import DeviceData
from vael.data.corruptions import Gaussian
from vael.data.treatments import find_treatment
from vael.objectives.elbo import ELBO
from vael.precision import choose_precision
from vael.random import seeded
from vael.recipe import ModelRecipe, Part
from vael.schedules import Cosine, Cyclical
from vael.training import Plan, TrainingState, fit
from vael.training.optimizers import Adam
from vael.types import Observation

needs_compiler = pytest.mark.skipif(
    shutil.which("g++") is None, reason="no C++ compiler: compiled steps cannot be built"
)

MODELS = {
    "mlp-dynamic-full": (ModelRecipe(latent_dim=3, posterior=Part("full-normal")), "dynamic"),
    "conv-batch-norm-optimal": (
        ModelRecipe(
            latent_dim=3,
            encoder=Part("conv", {"channels": [4], "batch_norm": True}),
            decoder=Part("conv", {"channels": [4]}),
            likelihood=Part("optimal-gaussian"),
        ),
        "grey",
    ),
}


def train(name: str, *, compiled: bool) -> TrainingState:
    recipe, treatment = MODELS[name]
    device = torch.device("cpu")
    raw = torch.from_numpy(load("digits").splits["train"].x[:150])
    data = DeviceData(raw, find_treatment(treatment, 17), corruption=Gaussian(0.2))
    plan = Plan(2, 32, 0, Adam(), Cosine(1e-2, steps=10), choose_precision("float32", device), ema_decay=0.9)
    plan = replace(plan, gradient_clip=20.0, compiled=compiled)
    observation = Observation((1, 8, 8), "binary" if treatment == "dynamic" else "unit", 2)
    with seeded(0):
        state = TrainingState.start(build_model(recipe, observation), Adam.slots, averaged=True)
    objective = ELBO(beta=Cyclical(steps=10, cycles=2), free_bits=0.0 if "full" in name else 0.1)
    list(fit(state, objective, data, plan))
    return state


@needs_compiler
@pytest.mark.parametrize("name", MODELS)
def test_compiled_and_eager_steps_agree(name: str) -> None:
    """All that a step changes, after ten steps: weights, buffers, moments, averages, and the generators to the bit."""
    eager, compiled = train(name, compiled=False).tensors(), train(name, compiled=True).tensors()
    for key, tensor in eager.items():
        if key.startswith("random"):
            assert torch.equal(tensor, compiled[key])
        else:  # Adam divides gradients by their size: rounding in tiny ones shows in the third digit of a step of 1e-2
            torch.testing.assert_close(
                compiled[key], tensor, rtol=2e-3, atol=2e-4, msg=lambda text, key=key: f"{key}: {text}"
            )


def test_a_fixed_variance_stays_fixed_in_a_compiled_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """The traced step moves what asks for a gradient, and that alone."""
    monkeypatch.setattr(torch, "compile", lambda traced, **_: traced)  # the graph as it is: quick, and no compiler
    fixed = Part("gaussian", {"variance": "fixed", "sigma": 0.5})
    monkeypatch.setitem(MODELS, "fixed", (ModelRecipe(latent_dim=3, likelihood=fixed), "grey"))
    eager, compiled = train("fixed", compiled=False), train("fixed", compiled=True)
    for state in (eager, compiled):
        assert float(state.model.get_parameter("likelihood.log_sigma")) == pytest.approx(math.log(0.5))
    for name, param in eager.model.named_parameters():
        torch.testing.assert_close(compiled.model.get_parameter(name), param, rtol=2e-3, atol=2e-4)
    moved = compiled.model.get_parameter("decoder.out.bias")
    assert float(moved.detach().abs().max()) > 0.02


@pytest.fixture
def dense() -> torch.nn.Module:
    return build_model(ModelRecipe(), Observation((1, 28, 28), "unit"))


CPU = torch.device("cpu")


@needs_compiler
def test_long_trainings_are_compiled_and_short_ones_are_not(dense: torch.nn.Module) -> None:
    assert choose_compiled("auto", dense, CPU, num_full_batches=468, epochs=50)[0]
    is_compiled, reason = choose_compiled("auto", dense, CPU, num_full_batches=468, epochs=10)
    assert not is_compiled
    assert "4,680 steps" in reason


def test_a_setting_is_obeyed(dense: torch.nn.Module) -> None:
    assert choose_compiled("on", dense, CPU, num_full_batches=1, epochs=1)[0]
    assert not choose_compiled("off", dense, CPU, num_full_batches=10_000, epochs=1000)[0]


def test_convolutions_on_a_cpu_are_not_compiled() -> None:
    model = build_model(MODELS["conv-batch-norm-optimal"][0], Observation((1, 8, 8), "unit"))
    is_compiled, reason = choose_compiled("auto", model, CPU, num_full_batches=10_000, epochs=1000)
    assert not is_compiled
    assert "no C++ compiler" in reason or "convolutions" in reason


def test_without_a_compiler_nothing_is_compiled(dense: torch.nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    is_compiled, reason = choose_compiled("auto", dense, CPU, num_full_batches=10_000, epochs=1000)
    assert not is_compiled
    assert "no C++ compiler" in reason


def test_a_step_that_cannot_be_compiled_is_taken_eagerly(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the compiler is broken")

    expected = train("mlp-dynamic-full", compiled=False).tensors()
    monkeypatch.setattr(torch, "compile", broken)
    with pytest.warns(UserWarning, match="cannot be compiled .*the compiler is broken.* going on eagerly"):
        tensors = train("mlp-dynamic-full", compiled=True).tensors()
    assert all(torch.equal(tensor, tensors[name]) for name, tensor in expected.items())
