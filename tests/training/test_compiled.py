"""The compiled step does what the eager one does, for every kind of model."""

import shutil
from dataclasses import replace

import pytest
import torch

from vael.build import build_model
from vael.data import load
from vael.data.batches import DeviceData
from vael.data.treatments import find_treatment
from vael.objectives.elbo import ELBO
from vael.precision import choose_precision
from vael.random import seeded
from vael.recipe import ModelRecipe, Part
from vael.schedules import Constant, Cosine, Cyclical
from vael.training import Plan, TrainingState, fit
from vael.training.compiling import choose_compiled
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
            encoder=Part("conv", {"channels": [4, 8], "batch_norm": True}),
            decoder=Part("conv", {"channels": [8, 4]}),
            likelihood=Part("optimal-gaussian"),
        ),
        "grey",
    ),
}


def train(name: str, *, compiled: bool) -> TrainingState:
    recipe, treatment = MODELS[name]
    device = torch.device("cpu")
    raw = torch.from_numpy(load("digits").splits["train"].x[:150])
    data = DeviceData(raw, find_treatment(treatment, 17))
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


def test_short_trainings_are_not_compiled_and_long_ones_are() -> None:
    model = build_model(ModelRecipe(), Observation((1, 28, 28), "unit"))
    data = DeviceData(torch.zeros(1000, 1, 28, 28, dtype=torch.uint8), find_treatment("grey", 256))
    options = {"batch_size": 128}
    short, reason = choose_compiled("auto", model, ELBO(), data, num_steps=10, **options)
    long, _ = choose_compiled("auto", model, ELBO(), data, num_steps=100_000, **options)
    assert not short
    assert "eager steps" in reason
    assert long == (shutil.which("g++") is not None or shutil.which("clang++") is not None)
    assert choose_compiled("on", model, ELBO(), data, num_steps=1, **options)[0]
    assert not choose_compiled("off", model, ELBO(), data, num_steps=100_000, **options)[0]


def test_choosing_leaves_the_model_and_the_generators_alone() -> None:
    model = build_model(MODELS["conv-batch-norm-optimal"][0], Observation((1, 8, 8), "unit"))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.get_rng_state()
    data = DeviceData(torch.zeros(64, 1, 8, 8, dtype=torch.uint8), find_treatment("grey", 17))
    choose_compiled("auto", model, ELBO(Constant(1.0)), data, batch_size=32, num_steps=10)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
