import tomllib
from pathlib import Path

import pytest

from vael.errors import VaelError
from vael.recipe import Part, Recipe, parse_settings, read_value, shipped_recipes

GAUSSIAN = '[model]\nlikelihood = { name = "gaussian", sigma = 0.5, variance = "fixed" }'


@pytest.mark.parametrize("name", shipped_recipes())
def test_a_shipped_recipe_survives_toml(name: str):
    recipe = Recipe.find(name)
    assert Recipe.from_toml(recipe.to_toml()) == recipe


@pytest.mark.parametrize("name", shipped_recipes())
def test_a_shipped_recipe_keeps_every_value_of_its_file(name: str):
    path = Path(__file__).parents[1] / "vael" / "recipes" / f"{name}.toml"
    written = tomllib.loads(Recipe.find(name).to_toml())

    def check(expected: object, got: object) -> None:
        if isinstance(expected, dict):
            assert isinstance(got, dict)
            for key, value in expected.items():
                check(value, got[key])
        else:
            assert got == expected

    check(tomllib.loads(path.read_text(encoding="utf-8")), written)


def test_values_of_every_kind_survive_toml():
    recipe = Recipe(title='a "quoted" \\ line\nand another, β ≥ 0 😀\t').override(
        {
            "data.size": [32, 48],
            "training.learning_rate": {"name": "cosine", "start": 1e-3, "steps": 7},
            "objective": {"name": "elbo", "beta": {"name": "linear", "end": 4.0, "steps": 10}, "free_bits": 1e-17},
            "model.encoder": {"name": "conv", "channels": [8, 16], "batch_norm": True},
        }
    )
    assert Recipe.from_toml(recipe.to_toml()) == recipe
    assert recipe.objective.options["beta"] == {"name": "linear", "end": 4.0, "steps": 10}
    assert recipe.training.learning_rate == Part("cosine", {"start": 1e-3, "steps": 7})


def test_an_empty_text_is_the_default_recipe():
    assert Recipe.from_toml("") == Recipe()


def test_a_recipe_file_is_found_by_its_path(tmp_path: Path):
    path = tmp_path / "mine.toml"
    path.write_text(Recipe(title="mine").to_toml(), encoding="utf-8")
    assert Recipe.find(str(path)).title == "mine"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[training]\nepoch = 3", ["unknown key 'training.epoch'", "did you mean 'training.epochs'"]),
        ("[trainings]\nepochs = 3", ["unknown key 'trainings'", "did you mean 'training'"]),
        ("[model]\nlatent_dims = 3", ["did you mean 'model.latent_dim'"]),
        ("[training]\nepochs = 1.5", ["training.epochs expects an integer", "1.5"]),
        ("[training]\nepochs = true", ["training.epochs expects an integer", "True"]),
        ('[training]\nepochs = "3"', ["training.epochs expects an integer", "'3'"]),
        ("[training]\ngradient_clip = nan", ["training.gradient_clip expects a finite number"]),
        ("[training]\nlearning_rate = inf", ["training.learning_rate expects a number"]),
        ("[training]\nlearning_rate = true", ["training.learning_rate expects a number", "True"]),
        ('[training]\nprecision = "float23"', ["training.precision", "did you mean 'float32'"]),
        ('[data]\ncolor = "gray"', ["data.color", "did you mean 'grey'"]),
        ("[data]\nsize = [32, 4.5]", ["data.size expects an integer or a list"]),
        ("[data]\nsource = 3", ["data.source expects a string", "3"]),
        ("[model]\nencoder = 3", ["model.encoder expects a part", "3"]),
        ("[model]\nencoder = { hidden_features = [3] }", ["model.encoder expects a part", "hidden_features"]),
        ("model = 3", ["model expects a table", "3"]),
        ("title = [", ["recipe is not valid TOML"]),
    ],
)
def test_a_wrong_recipe_says_what_was_expected(text: str, words: list[str]):
    with pytest.raises(VaelError) as error:
        Recipe.from_toml(text)
    for word in words:
        assert word in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_recipe_names_the_closest_one():
    with pytest.raises(VaelError, match="unknown recipe 'bsic': did you mean 'basic'"):
        Recipe.find("bsic")


def test_a_missing_recipe_file_is_named():
    with pytest.raises(VaelError, match=r"no recipe file at nowhere/mine\.toml"):
        Recipe.find("nowhere/mine.toml")


def test_whole_numbers_are_numbers():
    rate = Recipe.from_toml("[training]\nlearning_rate = 1").training.learning_rate
    assert rate == 1.0
    assert isinstance(rate, float)


@pytest.mark.parametrize("key", ["model.likelihood", "model.likelihood.name"])
def test_naming_another_part_drops_the_options_of_the_one_before(key: str):
    assert Recipe.from_toml(GAUSSIAN).override({key: "laplace"}).model.likelihood == Part("laplace")


@pytest.mark.parametrize("key", ["model.likelihood", "model.likelihood.name"])
def test_naming_the_same_part_keeps_its_options(key: str):
    recipe = Recipe.from_toml(GAUSSIAN)
    assert recipe.override({key: "gaussian"}) == recipe


def test_one_option_of_a_part_can_be_replaced():
    likelihood = Recipe.from_toml(GAUSSIAN).override({"model.likelihood.sigma": 2.0}).model.likelihood
    assert likelihood == Part("gaussian", {"sigma": 2.0, "variance": "fixed"})


def test_a_schedule_gives_way_to_a_number_and_back():
    recipe = Recipe().override({"training.learning_rate": "cosine"})
    assert recipe.training.learning_rate == Part("cosine")
    assert recipe.override({"training.learning_rate": 0.5}).training.learning_rate == 0.5


def test_overriding_leaves_the_recipe_alone():
    recipe = Recipe.find("digits")
    before = recipe.to_toml()
    settings = {"model.encoder": {"name": "mlp"}, "model.encoder.hidden_features": [3], "training.epochs": 1}
    assert recipe.override(settings).model.encoder == Part("mlp", {"hidden_features": [3]})
    assert recipe.to_toml() == before
    assert settings["model.encoder"] == {"name": "mlp"}


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("trainig.epochs", "training.epochs"),
        ("training.epoch", "training.epochs"),
        ("model.encodr.name", "model.encoder.name"),
    ],
)
def test_an_unknown_path_names_the_closest_one(key: str, meant: str):
    with pytest.raises(VaelError, match=f"unknown key '{key}': did you mean '{meant}'"):
        Recipe().override({key: 3})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("3.5", 3.5),
        ("true", True),
        ("mnist", "mnist"),
        ('"3"', "3"),
        ("[400, 150]", [400, 150]),
        ('{ name = "linear", steps = 10 }', {"name": "linear", "steps": 10}),
        ("images:faces/a=b", "images:faces/a=b"),
        ("", ""),
    ],
)
def test_settings_are_toml_and_bare_words_are_strings(text: str, value: object):
    parsed = parse_settings([f" data.source = {text} "])["data.source"]
    assert parsed == value
    assert type(parsed) is type(value)


def test_a_setting_without_a_value_is_refused():
    with pytest.raises(VaelError, match=r"key=value, got 'training\.epochs'"):
        parse_settings(["training.epochs"])


def test_a_later_setting_wins():
    assert parse_settings(["a=1", "a=2"]) == {"a": 2}


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (tuple[int, ...], 400, r"key expects a list, got 400: try key=\[400\]"),
        (tuple[int, ...], [400, "a"], r"key\[1\] expects an integer"),
        (bool, 1, "key expects true or false"),
        (int, True, "key expects an integer"),
        (str, 1, "key expects a string"),
    ],
    ids=["no-list", "list-of-mixed", "bool", "bool-for-int", "string"],
)
def test_an_option_of_the_wrong_type_is_refused(kind: type, value: object, words: str):
    with pytest.raises(VaelError, match=words):
        read_value(kind, value, "key")
