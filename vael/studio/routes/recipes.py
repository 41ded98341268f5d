"""Recipes and data: what a training can be made of, and starting one."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from vael.build import check_recipe
from vael.data import describe
from vael.errors import VaelError, unknown_name
from vael.experiments import Run, next_name
from vael.recipe import Recipe, parse_settings, shipped_recipes
from vael.studio.form import describe_form, find_field, flat_settings
from vael.studio.packing import plain
from vael.studio.shelf import Shelf
from vael.studio.state import TheStudio

__all__ = ["router"]

router = APIRouter(tags=["recipes"])


class Order(BaseModel):
    """Order a training as `vael train --recipe … --set …` does.

    Arguments:
        recipe: A name of `GET /api/recipes`.
        run: The name of a run to start from, instead of a recipe.
        settings: `key.path=value` each, the value in TOML.
        name: The run's name; empty numbers it.
    """

    recipe: str = Field("", max_length=100)
    run: str = Field("", max_length=300)
    settings: list[str] = Field(default_factory=list, max_length=200)
    name: str = Field("", max_length=100)

    def read(self, shelf: Shelf) -> Recipe:
        """Return the recipe with its settings, checked as far as it can be without its data.

        Raises:
            VaelError: No such recipe or run, or a wrong value, by its field.
        """
        recipe = self._start(shelf).override(parse_settings(self.settings))
        check_recipe(recipe)
        return recipe

    def _start(self, shelf: Shelf) -> Recipe:
        if self.run:
            return Run(shelf.find(self.run)).recipe
        if self.recipe not in shipped_recipes():  # a path would read any file of this machine
            raise unknown_name("recipe", self.recipe, shipped_recipes())
        return Recipe.find(self.recipe)


@router.get("/recipes")
def list_recipes() -> dict[str, Any]:
    """List the recipes, each with its values by path."""
    recipes = []
    for name in shipped_recipes():
        recipe = Recipe.find(name)
        known = {"name": name, "title": recipe.title, "reference": recipe.reference}
        recipes.append(known | {"settings": flat_settings(recipe)})
    return {"recipes": recipes, "form": plain(describe_form())}


@router.get("/datasets")
def list_datasets(studio: TheStudio) -> list[dict[str, Any]]:
    """List the data sets, and whether they lie here."""
    return plain(
        [
            {"name": entry.name, "summary": entry.summary, "where": entry.where}
            for entry in describe(root=studio.data_root)
        ]
    )


@router.post("/recipes/check")
def check(order: Order, studio: TheStudio) -> dict[str, Any]:
    """Say whether a training could start, as far as that can be known without reading its data.

    A value that is refused is an answer here, not an error: `refusal` holds the sentence and its field, or null.
    """
    try:
        recipe = order.read(studio.shelf)
    except VaelError as error:
        return {"recipe": None, "refusal": {"detail": str(error), "field": find_field(str(error))}}
    return {"recipe": recipe.to_toml(), "refusal": None}


@router.post("/runs", status_code=201)
def train(order: Order, studio: TheStudio) -> dict[str, Any]:
    """Start a training; answers when its run folder is there."""
    recipe = order.read(studio.shelf)
    name = order.name or next_name(studio.root, order.recipe or order.run)
    studio.trainings.start(recipe, name)
    return {"name": name}
