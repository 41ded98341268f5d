"""What every objective promises: finite terms, gradient everywhere, true terms, penalties, and both kinds of step."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributions import Distribution

from vael.build import build_model, build_objective
from vael.data.batches import DeviceData
from vael.data.treatments import find_treatment
from vael.errors import VaelError
from vael.models import VAE, OneLayerVAE
from vael.models.base import Pick
from vael.models.bottom_up import BottomUpVAE
from vael.models.hierarchy import Ends
from vael.models.inference import Latent
from vael.objectives import OBJECTIVES, Objective
from vael.objectives.base import Loss
from vael.objectives.elbo import ELBO
from vael.posteriors.normal import DiagonalNormal
from vael.precision import choose_precision
from vael.random import seeded
from vael.recipe import ModelRecipe, Part, Recipe
from vael.schedules import Constant, Linear
from vael.training import Plan, TrainingState, fit, load_checkpoint, save_checkpoint
from vael.training.optimizers import Adam
from vael.types import Batch, Observation

OBSERVATION = Observation((1, 8, 8), "unit")
SMALL = Part("mlp", {"hidden_features": [16]})
BATCH = Batch(torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0)))

SMALL_CRITIC = {"hidden_features": [16]}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "elbo": ("elbo", {}),
    "elbo-capacity": ("elbo", {"capacity": {"name": "linear", "end": 9.0}, "gamma": 10.0}),
    "elbo-free-bits": ("elbo", {"free_bits": 0.1, "free_bits_per": "layer"}),
    "elbo-trimmed": ("elbo", {"trim": 0.3}),
    "autoencoder": ("autoencoder", {}),
    "iwae": ("importance-weighted", {"num_samples": 3}),
    "iwae-stl": ("importance-weighted", {"num_samples": 2, "gradient": "stl"}),
    "iwae-dreg": ("importance-weighted", {"num_samples": 3, "num_groups": 2, "gradient": "dreg"}),
    "iwae-warm-up": ("importance-weighted", {"num_samples": 2, "gradient": "dreg", "beta": "linear"}),
    "iwae-resampled": ("importance-weighted", {"num_samples": 4, "gradient": "dreg", "num_resampled": 2}),
    "iwae-partial": ("importance-weighted", {"num_groups": 2, "partial": True, "elbo_share": 0.25}),
    "total-correlation": ("total-correlation", {}),
    "total-correlation-weighted": ("total-correlation", {"estimator": "weighted", "beta": "linear"}),
    "factor": ("factor", SMALL_CRITIC),
    "dip-i": ("dip", {"variant": "i"}),
    "dip-ii": ("dip", {}),
    "mmd": ("mmd", {}),
    "mmd-sliced": ("mmd", {"divergence": "sliced-wasserstein", "beta": 0.5}),
    "adversarial": ("adversarial", SMALL_CRITIC),
    "adversarial-images": ("adversarial-images", {**SMALL_CRITIC, "channels": [4], "distortion_weight": 1.0}),
    "regularised-l2": ("regularised", {}),
    "regularised-gradient": ("regularised", {"regulariser": "gradient-penalty", "decoder_weight": 0.1}),
    "perceptual": ("perceptual", {"window_size": 5}),
}
FREE_OF_LIKELIHOOD = ("adversarial-images", "perceptual")
POINT = [name for name, (kind, _) in CASES.items() if kind == "regularised"]


def recipe_of(name: str) -> Recipe:
    kind, options = CASES[name]
    posterior = Part("point" if name in POINT else "diagonal-normal")
    model = ModelRecipe(3, SMALL, SMALL, Part("gaussian"), posterior=posterior)
    return Recipe(model=model, objective=Part(kind, options))


def build(name: str) -> tuple[VAE, Objective]:
    recipe = recipe_of(name)
    with seeded(0):
        model = build_model(recipe.model, OBSERVATION)
    return model, build_objective(recipe, model, 10, num_examples=150)


def loss(model: VAE, objective: Objective, step: float = 4.0) -> Loss:
    with seeded(1):
        critic = objective.build_critic(model)
    with seeded(2):
        return objective(model, BATCH, torch.tensor(step), critic)


def test_every_objective_has_a_case() -> None:
    assert {kind for kind, _ in CASES.values()} == set(OBJECTIVES)


@pytest.mark.parametrize("name", CASES)
def test_terms_are_finite_unweighted_and_carry_no_gradient(name: str) -> None:
    model, objective = build(name)
    got = loss(model, objective)
    for term in (got.value, got.rate, got.distortion, got.beta):
        assert term.shape == ()
        assert torch.isfinite(term)
    assert got.value.requires_grad
    assert not any(term.requires_grad for term in (got.rate, got.distortion, got.beta))
    assert (got.adversary is not None) == objective.has_critic
    with seeded(2), torch.no_grad():
        num_samples = getattr(objective, "num_samples", 1) * getattr(objective, "num_groups", 1)
        inference = model.infer(BATCH, num_samples=num_samples)
    assert float(got.distortion) == pytest.approx(float(inference.distortion.mean()), rel=1e-5)
    if model.has_density and name != "autoencoder":
        assert float(got.rate) == pytest.approx(float(inference.rate.mean()), rel=1e-5)
    else:
        assert float(got.rate) == 0


@pytest.mark.parametrize("name", CASES)
def test_gradient_reaches_every_parameter(name: str) -> None:
    model, objective = build(name)
    loss(model, objective).value.backward()
    for parameter, param in model.named_parameters():
        is_unread = parameter.startswith("likelihood") and name in FREE_OF_LIKELIHOOD
        if not (is_unread and "perceptual" in name):
            assert param.grad is not None, parameter
            assert bool((param.grad != 0).any()), parameter


@pytest.mark.parametrize("name", CASES)
def test_calling_it_and_asking_for_misfits_leave_chance_and_mode_alone(name: str) -> None:
    model, objective = build(name)
    before = torch.get_rng_state()
    assert not objective.find_misfit(model)
    assert model.training
    assert torch.equal(torch.get_rng_state(), before)


class Asking(VAE):
    """A model whose posterior asks for a penalty of 2 nats."""

    has_density = True

    def __init__(self, inner: VAE) -> None:
        super().__init__(inner.likelihood, inner.latent_dims)
        self.inner = inner
        self.has_density = inner.has_density
        self.decoder = getattr(inner, "decoder", None)

    def infer_latents(self, batch: Batch, pick: Pick) -> tuple[Latent, ...]:
        latents = self.inner.infer_latents(batch, pick)
        for latent in latents:
            latent.__dict__["penalty"] = torch.full((len(batch.x),), 2.0)
        return latents

    def infer_decoded(self, batch: Batch, pick: Pick) -> tuple[tuple[Latent, ...], Distribution]:
        latents = self.infer_latents(batch, pick)
        return latents, self.decode_latents(latents, batch.context)

    def decode(self, z: Tensor, context: Tensor | None = None) -> Distribution:
        return self.inner.decode(z, context)

    def generate(self, pick: Pick, context: Tensor | None = None) -> tuple[Tensor, ...]:
        return self.inner.generate(pick, context)


@pytest.mark.parametrize("name", [name for name in CASES if name != "regularised-l2"])
def test_a_posteriors_penalty_is_added(name: str) -> None:
    model, objective = build(name)
    asked = loss(Asking(model), objective).value - loss(model, objective).value
    assert float(asked.detach()) == pytest.approx(2, abs=1e-3)


def conditional(name: str) -> VAE:
    recipe = replace(recipe_of(name).model, condition="label")
    with seeded(0):
        return build_model(recipe, replace(OBSERVATION, classes=("a", "b")))


@pytest.mark.parametrize("name", CASES)
def test_a_label_is_handed_on(name: str) -> None:
    model = conditional(name)
    objective = build_objective(recipe_of(name), model, 10)
    labels = torch.eye(2)[[0, 1, 0, 1, 1, 0]]
    with seeded(1):
        got = objective(model, Batch(BATCH.x, labels), torch.tensor(4.0), objective.build_critic(model))
    assert torch.isfinite(got.value)


def two_layers() -> VAE:
    with seeded(0):
        low, top = (build_model(ModelRecipe(dim, SMALL, SMALL, Part("gaussian")), OBSERVATION) for dim in (3, 2))
        assert isinstance(low, OneLayerVAE)
        assert isinstance(top, OneLayerVAE)
        ends = Ends(low.encoder, top.prior, low.decoder, low.likelihood)
        return BottomUpVAE(ends, [DiagonalNormal(16, 3), DiagonalNormal(8, 2)], (8,), "tanh")


@pytest.mark.parametrize("name", CASES)
def test_several_layers_are_served_or_refused(name: str) -> None:
    model, recipe = two_layers(), recipe_of(name)
    if recipe.objective.name in ("total-correlation", "dip", "regularised"):
        with pytest.raises(VaelError, match=r"expects one stochastic layer|in place of noise"):
            build_objective(recipe, model, 10)
        return
    got = loss(model, build_objective(recipe, model, 10))
    got.value.backward()
    assert torch.isfinite(got.value)
    for parameter, param in model.named_parameters():
        assert param.grad is None or bool(torch.isfinite(param.grad).all()), parameter


@dataclass(frozen=True)
class Setting:
    """A training of a few steps."""

    name: str
    compiled: bool = False

    def start(self) -> tuple[TrainingState, Objective, DeviceData, Plan]:
        device = torch.device("cpu")
        raw = torch.from_numpy(np.random.default_rng(0).integers(0, 17, (80, 1, 8, 8), dtype=np.uint8))
        model, objective = build(self.name)
        with seeded(1):
            state = TrainingState.start(model, Adam.slots, averaged=True, critic=objective.build_critic(model))
        plan = Plan(2, 32, 0, Adam(), Constant(1e-3), choose_precision("float32", device), ema_decay=0.9)
        data = DeviceData(raw, find_treatment("grey", 17))
        return state, objective, data, replace(plan, compiled=self.compiled, gradient_clip=50.0)

    def train(self, should_stop: Callable[[TrainingState], bool] = lambda _: False) -> TrainingState:
        state, objective, data, plan = self.start()
        list(fit(state, objective, data, plan, should_stop=lambda: should_stop(state)))
        return state


TRACED = ("elbo-capacity", "iwae", "iwae-dreg", "iwae-partial", "total-correlation", "factor", "mmd", "mmd-sliced")
TRACED_TOO = ("dip-ii", "adversarial", "adversarial-images", "regularised-gradient", "perceptual", "iwae-stl")


@pytest.mark.parametrize("name", TRACED + TRACED_TOO)
def test_the_step_can_be_traced_and_does_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The traced graph itself, run as it is: what torch.compile then makes of a graph is tested with the loop."""
    monkeypatch.setattr(torch, "compile", lambda traced, **_: traced)
    eager, traced = Setting(name).train().tensors(), Setting(name, compiled=True).train().tensors()
    for key, tensor in eager.items():
        torch.testing.assert_close(
            traced[key], tensor, rtol=2e-3, atol=2e-4, msg=lambda text, key=key: f"{key}: {text}"
        )


@pytest.mark.skipif(shutil.which("g++") is None, reason="no C++ compiler: compiled steps cannot be built")
@pytest.mark.parametrize("name", ["iwae-resampled"])  # the one with most in it, of minutes that compiling takes
def test_the_compiled_step_does_the_same(name: str) -> None:
    """The one that asks most of a compiler: weights are swapped and gradients scaled inside the step."""
    eager, compiled = Setting(name).train().tensors(), Setting(name, compiled=True).train().tensors()
    assert all(torch.equal(compiled[key], eager[key]) for key in eager if key.startswith("random"))
    for key in (key for key in eager if key.startswith(("model", "critic"))):
        torch.testing.assert_close(compiled[key], eager[key], rtol=2e-3, atol=2e-4, msg=f"{key} differs")


@pytest.mark.parametrize("name", ["factor", "adversarial", "adversarial-images"])
def test_a_training_with_a_critic_goes_on_as_if_never_stopped(name: str, tmp_path: Path) -> None:
    whole = Setting(name).train()
    stopped = Setting(name).train(lambda state: state.step >= 4)
    assert stopped.step == 4
    save_checkpoint(tmp_path, stopped, {})
    state, objective, data, plan = Setting(name).start()
    assert state.critic is not None
    with torch.no_grad():
        for param in (*state.critic.parameters(), *state.model.parameters()):
            param.zero_()  # nothing may come from anywhere but the checkpoint
    load_checkpoint(tmp_path, state)
    list(fit(state, objective, data, plan))
    for key, tensor in whole.tensors().items():
        assert torch.equal(state.tensors()[key], tensor), key


@pytest.mark.parametrize("name", ["factor", "adversarial", "adversarial-images"])
def test_a_training_moves_the_critic_too(name: str) -> None:
    before, after = Setting(name).start()[0].critic, Setting(name).train().critic
    assert before is not None
    assert after is not None
    for (key, old), new in zip(before.named_parameters(), after.parameters(), strict=True):
        assert not torch.equal(old, new), key


def test_refusals_name_both_parts_and_those_that_fit() -> None:
    point = Recipe(model=ModelRecipe(3, SMALL, SMALL, Part("gaussian"), posterior=Part("point")))
    with seeded(0):
        model = build_model(point.model, OBSERVATION)
    fitting = ("autoencoder", "mmd", "adversarial", "regularised")
    for kind in fitting:
        build_objective(point.override({"objective": kind}), model, 10)
    for kind in set(OBJECTIVES) - set(fitting):
        words = f"objective '{kind}' needs a density, posterior 'point' has none: use {', '.join(fitting)}"
        with pytest.raises(VaelError, match=words):
            build_objective(point.override({"objective": kind}), model, 10)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("importance-weighted", {"gradient": "stl"}),
        ("importance-weighted", {"gradient": "dreg"}),
        ("total-correlation", {}),
        ("factor", {}),
        ("mmd", {}),
        ("adversarial", {}),
    ],
)
def test_draws_without_a_gradient_are_refused(kind: str, options: dict[str, Any], monkeypatch) -> None:
    """Whatever the posterior is otherwise."""
    monkeypatch.setattr(DiagonalNormal, "is_reparametrised", False)
    recipe = Recipe(model=recipe_of("elbo").model, objective=Part(kind, options))
    with pytest.raises(VaelError, match=f"objective '{kind}' .* posterior 'diagonal-normal' is not reparametrised"):
        build_objective(recipe, build("elbo")[0], 10)
    plain = replace(recipe, objective=Part("importance-weighted"))
    build_objective(plain, build("elbo")[0], 10)


def test_schedules_of_every_option_last_the_whole_run() -> None:
    objective = build("elbo-capacity")[1]
    assert isinstance(objective, ELBO)
    assert objective.capacity == Linear(end=9.0, steps=10)
