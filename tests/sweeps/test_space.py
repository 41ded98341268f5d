"""What may vary: read, checked against the recipe, refused where bounds would not compare."""

import re

import pytest

from vael.errors import VaelError
from vael.recipe import Recipe
from vael.sweeps import Choices, Range, Space, shipped_spaces

DIGITS = Recipe.find("digits")


def test_every_shipped_space_fits_its_recipe() -> None:
    assert "basic" in shipped_spaces()
    for name in shipped_spaces():
        recipe = Recipe.find(name)
        space = Space.find(name, None).checked(recipe)
        recipe.override(space.settings(space.stated(recipe)))


def test_the_space_of_basic_leaves_the_size_of_its_networks_and_its_epochs() -> None:
    space = Space.find("basic", None)
    assert not {path for path in [*space.varied, *space.fixed] if "hidden" in path or path.endswith(("dim", "epochs"))}


def test_dots_outside_of_quotes_mean_the_same() -> None:
    quoted = Space.from_toml('"model.latent_dim" = { low = 2, high = 8 }')
    assert quoted == Space.from_toml("model.latent_dim = { low = 2, high = 8 }")


def test_whole_numbers_are_integers_only_where_the_recipe_takes_integers() -> None:
    text = '"model.latent_dim" = { low = 2, high = 8, step = 2 }\n"training.gradient_clip" = { low = 0, high = 2 }'
    space = Space.from_toml(text).checked(DIGITS)
    assert space.varied == {
        "model.latent_dim": Range(2, 8, step=2, is_integer=True),
        "training.gradient_clip": Range(0, 2),
    }


def test_lists_are_choices_under_their_json() -> None:
    space = Space.from_toml('"model.encoder.hidden_features" = { choices = [[400], [400, 150]] }').checked(DIGITS)
    choices = space.varied["model.encoder.hidden_features"]
    assert isinstance(choices, Choices)
    assert choices.labels == ("[400]", "[400, 150]")
    assert space.settings({"model.encoder.hidden_features": "[400, 150]"}) == {
        "model.encoder.hidden_features": [400, 150]
    }


def test_a_space_is_the_same_after_json(space: Space) -> None:
    checked = space.checked(DIGITS)
    assert Space.from_dict(checked.as_dict()) == checked


def test_what_the_recipe_states_is_found_where_the_space_holds_it() -> None:
    text = '"training.batch_size" = { choices = [64, 128] }\n"model.latent_dim" = { low = 2, high = 4 }'
    assert Space.from_toml(text).checked(DIGITS).stated(DIGITS) == {"training.batch_size": 64}  # its latent_dim is 8


WRONG = {
    "": "varies nothing",
    '"training.ema_decay" = { value = 0.9 }': "varies nothing",
    '"training.learning_rat" = { low = 1e-3, high = 1e-2 }': "did you mean 'training.learning_rate'",
    '"model.encoder.hiden_features" = { choices = [[8], [9]] }': "did you mean 'hidden_features'",
    '"training.batch_size" = { choices = [64, "many"] }': "training.batch_size expects an integer, got 'many'",
    '"training.batch_size" = { low = 16.5, high = 64.5 }': "training.batch_size expects an integer, got 16.5",
    '"training.batch_size" = { low = 64, high = 64 }': "expects low < high",
    '"training.batch_size" = { low = 0, high = 64 }': "expects a number ≥ 1, got 0",
    '"training.gradient_clip" = { low = 0.0, high = 1.0, log = true }': "expects low > 0 with log",
    '"training.gradient_clip" = { low = 0.0, high = 1.0, step = 0.3 }': "whole number of steps",
    '"training.gradient_clip" = { low = "a", high = 1.0 }': "expects a number as low, got 'a'",
    '"training.batch_size" = { choices = [64] }': "at least two choices",
    '"training.batch_size" = { choices = [64, 64] }': "names a choice twice",
    '"training.batch_size" = 64': "expects { low = …, high = … }",
    '"training.batch_size" = { lwo = 64, high = 128 }': "expects { low = …, high = … }",
    '"data.treatment" = { choices = ["grey", "rounded"] }': "other data, treatments or splits do not compare",
    '"data.split_seed" = { low = 0, high = 3 }': "other data, treatments or splits do not compare",
    '"model.likelihood" = { choices = ["bernoulli", "laplace"] }': "another kind of likelihood do not compare",
    '"model.likelihood.name" = { choices = ["bernoulli", "laplace"] }': "another kind of likelihood do not compare",
    '"training.seed" = { low = 0, high = 3 }': "luck",
    '"model.posterior" = { choices = ["diagonal-normal", "point"] }': "has no density and so no bound to compare",
    '"model" = { choices = [{}, { latent_dim = 2 }] }': "a whole table",
    "]": "is not valid TOML",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_with_a_space_is_said_in_one_line(text: str) -> None:
    with pytest.raises(VaelError, match=re.escape(WRONG[text])) as caught:
        Space.from_toml(text).checked(DIGITS)
    assert "\n" not in str(caught.value)


def test_a_recipe_without_a_shipped_space_asks_for_one() -> None:
    with pytest.raises(VaelError, match=r"no space ships for the recipe 'deep': give --space"):
        Space.find("deep", None)


def test_the_objective_and_beta_may_vary() -> None:
    space = Space.from_toml('"objective.beta" = { low = 0.5, high = 2.0 }').checked(DIGITS)
    assert space.varied == {"objective.beta": Range(0.5, 2.0)}
