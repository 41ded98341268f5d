import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from vael.build import build_model, build_objective, build_plan, check_recipe, find_device
from vael.data.treatments import TREATMENTS
from vael.errors import VaelError
from vael.likelihoods import LIKELIHOODS
from vael.random import seeded
from vael.recipe import Part, Recipe, shipped_recipes
from vael.schedules import Constant, Cosine, Linear
from vael.types import DOMAINS, Batch, Domain, Observation

CPU = torch.device("cpu")
SHAPES = {
    "mnist": (1, 28, 28),
    "binarized-mnist": (1, 28, 28),
    "cifar10": (3, 32, 32),
    "celeba": (3, 64, 64),
    "digits": (1, 8, 8),
    "images:.": (3, 21, 34),
    "table:table.csv": (5,),
}
LEVELS: dict[Domain, int] = {"binary": 2, "levels": 17}
SMALL = Recipe().override({"model.encoder.hidden_features": [4], "model.decoder.hidden_features": [4]})


def observe(shape: tuple[int, ...], domain: Domain) -> Observation:
    return Observation(shape, domain, LEVELS.get(domain, 0))


def draw(observation: Observation, count: int) -> torch.Tensor:
    rng = np.random.default_rng(0)
    size = (count, *observation.shape)
    levels = observation.num_levels
    draws: dict[Domain, Callable[[tuple[int, ...]], Any]] = {
        "unit": rng.random,
        "real": rng.standard_normal,
        "counts": lambda size: rng.poisson(3.0, size),
        "positive": lambda size: rng.lognormal(size=size),
    }
    x = draws.get(observation.domain, lambda size: rng.integers(0, levels, size))
    return torch.tensor(x(size), dtype=torch.float32)


@pytest.mark.parametrize("name", shipped_recipes())
def test_a_shipped_recipe_builds_and_gives_a_finite_loss(name: str):
    recipe = Recipe.find(name)
    observation = observe(SHAPES[recipe.data.source], TREATMENTS[recipe.data.treatment].domain)
    with seeded(0):
        model = build_model(recipe.model, observation)
        objective = build_objective(recipe, model, 100)
        loss = objective(model, Batch(draw(observation, 2)), torch.tensor(0.0))
    plan = build_plan(recipe.training, CPU, 100, compiled=False)
    assert torch.isfinite(loss.value)
    assert plan.epochs == recipe.training.epochs
    assert plan.batch_size == recipe.training.batch_size
    assert 0 < plan.learning_rates([0])[0] < 0.1


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("name", LIKELIHOODS)
def test_a_likelihood_is_built_on_its_domains_and_refused_on_the_others(name: str, domain: Domain):
    recipe = SMALL.override({"model.likelihood": name}).model
    observation = observe((1, 2, 2) if LIKELIHOODS[name].is_of_images else (3,), domain)
    if domain in LIKELIHOODS[name].domains:
        assert build_model(recipe, observation).observation is observation
    else:
        with pytest.raises(VaelError, match=f"likelihood '{name}' expects x in the domain"):
            build_model(recipe, observation)


def test_a_domain_mismatch_names_the_likelihoods_and_treatments_that_fit():
    with pytest.raises(VaelError) as error:
        build_model(SMALL.model, observe((1, 8, 8), "levels"))
    assert "expects x in the domain binary or unit, got levels" in str(error.value)
    assert "model.likelihood=discretized-logistic|" in str(error.value)
    assert str(error.value).endswith(", or data.treatment=grey|rounded|dynamic|static")


def test_a_domain_mismatch_names_the_treatments_of_tables_for_tables():
    poisson = SMALL.override({"model.likelihood": "poisson"}).model
    with pytest.raises(VaelError, match=r"use model\.likelihood=gaussian\|.*, or data\.treatment=counts$"):
        build_model(poisson, observe((3,), "real"))
    with pytest.raises(VaelError, match=r"use model\.likelihood=poisson\|negative-binomial, or data\.treatment=real$"):
        build_model(SMALL.override({"model.likelihood": "gaussian"}).model, observe((3,), "counts"))
    with pytest.raises(VaelError, match=r"got binary: use model\.likelihood=bernoulli[a-z|-]*$"):
        build_model(poisson, observe((1, 8, 8), "binary"))


def test_every_likelihood_that_a_mismatch_names_can_be_built():
    observation = observe((3,), "real")
    with pytest.raises(VaelError) as error:
        build_model(SMALL.model, observation)
    named = str(error.value).split("model.likelihood=")[1].split(",")[0].split("|")
    assert named
    for name in named:
        build_model(SMALL.override({"model.likelihood": name}).model, observation)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"model.likelihood": "bernouli"}, "unknown model.likelihood 'bernouli': did you mean 'bernoulli'"),
        ({"model.encoder": "mpl"}, "unknown model.encoder 'mpl': did you mean 'mlp'"),
        ({"model.prior": "standard"}, "unknown model.prior 'standard'"),
        ({"model.posterior": "fullnormal"}, "unknown model.posterior 'fullnormal': did you mean 'full-normal'"),
        ({"model.encoder.hidden_feature": [3]}, "did you mean 'hidden_features'"),
        ({"model.encoder.in_shape": [3]}, "unknown option of model.encoder 'mlp' 'in_shape'"),
        ({"model.prior.scale": 2.0}, "model.prior 'standard-normal' takes no options, got 'scale'"),
        ({"model.encoder.hidden_features": 400}, r"try model.encoder.hidden_features=\[400\]"),
        ({"model.encoder.batch_norm": 1}, "model.encoder.batch_norm expects true or false"),
        ({"model.encoder.activation": "rely"}, "did you mean 'relu'"),
        ({"model.encoder": "conv"}, "a conv network expects images"),
        ({"model.decoder": "conv"}, "a conv network expects images"),
        ({"model.latent_dim": 0}, "model.latent_dim expects an integer ≥ 1, got 0"),
        ({"model.encoder.hidden_features": [0]}, "hidden_features"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_a_wrong_model_is_refused(settings: dict, words: str):
    with pytest.raises(VaelError, match=words):
        build_model(SMALL.override(settings).model, observe((3,), "binary"))


@pytest.mark.parametrize(
    ("likelihood", "domain"),
    [
        ({"name": "gaussian", "sigma": 0.0}, "real"),
        ({"name": "laplace", "scale": -1.0}, "real"),
        ({"name": "discretized-logistic", "sigma": 0.0}, "levels"),
    ],
    ids=["gaussian", "laplace", "discretized-logistic"],
)
def test_a_scale_that_is_not_positive_is_refused(likelihood: dict, domain: Domain):
    with pytest.raises(VaelError, match="expects a number > 0"):
        build_model(SMALL.override({"model.likelihood": likelihood}).model, observe((3,), domain))


@pytest.mark.parametrize(
    "part",
    [{"channels": []}, {"channels": [0]}, {"kernel_size": 0}, {"kernel_size": 4, "pooling": "max"}],
    ids=["no-stage", "no-channel", "no-kernel", "even-kernel-with-pooling"],
)
def test_a_wrong_convolution_is_refused(part: dict):
    recipe = SMALL.override({"model.encoder": {"name": "conv", **part}}).model
    with pytest.raises(VaelError):
        build_model(recipe, observe((1, 8, 8), "binary"))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"objective": "elbow"}, "unknown objective 'elbow': did you mean 'elbo'"),
        ({"objective.betta": 2.0}, "did you mean 'beta'"),
        ({"objective.beta": -1.0}, "objective.beta expects a number ≥ 0"),
        ({"objective.beta": "liner"}, "unknown objective.beta 'liner': did you mean 'linear'"),
        ({"objective.beta": {"name": "linear", "step": 3}}, "did you mean 'steps'"),
        ({"objective.free_bits": -1.0}, "free_bits ≥ 0"),
        ({"objective.num_samples": 0}, "num_samples ≥ 1"),
        ({"objective.num_samples": 1.5}, "objective.num_samples expects an integer"),
        ({"model.posterior": "point"}, "posterior 'point' has none: use autoencoder"),
        ({"model.posterior": "full-normal", "objective.free_bits": 0.1}, "free bits need independent latents"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_a_wrong_objective_is_refused(settings: dict, words: str):
    recipe = SMALL.override(settings)
    model = build_model(recipe.model, observe((3,), "binary"))
    with pytest.raises(VaelError, match=words):
        build_objective(recipe, model, 10)


def test_a_schedule_without_a_length_lasts_the_whole_run():
    recipe = SMALL.override({"objective.beta": "linear", "training.learning_rate": "cosine"})
    objective = build_objective(recipe, build_model(recipe.model, observe((3,), "binary")), 70)
    assert getattr(objective, "beta", None) == Linear(steps=70)
    assert build_plan(recipe.training, CPU, 70, compiled=False).learning_rate == Cosine(steps=70)


def test_a_schedule_with_a_length_keeps_it():
    recipe = SMALL.override({"training.learning_rate": {"name": "cosine", "steps": 7}})
    assert build_plan(recipe.training, CPU, 70, compiled=False).learning_rate == Cosine(steps=7)


def test_a_number_is_a_constant_learning_rate():
    recipe = SMALL.override({"training.learning_rate": 0.25})
    assert build_plan(recipe.training, CPU, 70, compiled=False).learning_rate == Constant(0.25)


@pytest.mark.parametrize(
    ("key", "wrong", "edge"),
    [
        ("epochs", -1, 0),
        ("batch_size", 0, 1),
        ("seed", -1, 0),
        ("seed", 2**31, 2**31 - 1),
        ("gradient_clip", -0.1, 0.0),
        ("ema_decay", 1.0, 0.0),
        ("ema_decay", -0.1, 0.999),
        ("patience", -1, 0),
        ("checkpoint_seconds", -1.0, 0.0),
        ("learning_rate", 0.0, 1e-9),
        ("learning_rate", -1.0, 1.0),
    ],
)
def test_a_number_out_of_range_is_refused_and_the_edge_is_not(key: str, wrong: float, edge: float):
    build_plan(SMALL.override({f"training.{key}": edge}).training, CPU, 10, compiled=False)
    with pytest.raises(VaelError, match=f"training.{key} expects a number .*, got {wrong}"):
        build_plan(SMALL.override({f"training.{key}": wrong}).training, CPU, 10, compiled=False)


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (Part("adma"), "unknown training.optimizer 'adma': did you mean 'adam'"),
        (Part("adam", {"bet1": 0.5}), "did you mean 'beta1'"),
        (Part("sgd", {"momentum": "big"}), "training.optimizer.momentum expects a number"),
    ],
    ids=["name", "option", "type"],
)
def test_a_wrong_optimizer_is_refused(part: Part, words: str):
    recipe = SMALL.override({"training.optimizer": {"name": part.name, **part.options}}).training
    with pytest.raises(VaelError, match=words):
        build_plan(recipe, CPU, 10, compiled=False)


def test_the_same_seed_builds_the_same_weights():
    observation = observe((3,), "binary")
    with seeded(5):
        first = build_model(SMALL.model, observation).state_dict()
    with seeded(5):
        second = build_model(SMALL.model, observation).state_dict()
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_the_cpu_is_found_by_name():
    assert find_device("cpu") == CPU


def test_an_unknown_device_is_refused():
    with pytest.raises(VaelError, match=r"training\.device expects cpu, cuda or cuda:1, got 'gpu'"):
        find_device("gpu")


@pytest.mark.parametrize("name", shipped_recipes())
def test_every_shipped_recipe_passes_the_check_without_its_data(name: str) -> None:
    check_recipe(Recipe.find(name))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"model.encoder.name": "mpl"}, "did you mean 'mlp'"),
        ({"model.decoder.hidden_feature": [4]}, "did you mean 'hidden_features'"),
        ({"model.prior.mean": 1}, "model.prior 'standard-normal' takes no options"),
        ({"model.latent_dim": 0}, "model.latent_dim expects an integer ≥ 1"),
        ({"objective.beta": -1.0}, "objective.beta expects a number ≥ 0"),
        ({"training.batch_size": 0}, "training.batch_size expects a number ≥ 1"),
    ],
)
def test_what_is_wrong_whatever_the_data_is_told_without_them(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(VaelError, match=re.escape(words)):
        check_recipe(Recipe.find("digits").override(settings))
