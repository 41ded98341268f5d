"""A recipe made alive: its data, its model, its objective, its plan."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from vael import data as sources
from vael.build import build_corruption, build_model, build_objective, build_plan, find_device
from vael.compiling import choose_compiled
from vael.data import Dataset
from vael.data.base import ReadOptions, SplitPlan
from vael.data.batches import DeviceData
from vael.data.cells import KEPT
from vael.data.corruptions import Corruption
from vael.data.pixels import check_size
from vael.data.places import cache_folder, search_folders
from vael.data.treatments import Treatment, find_treatment, observe
from vael.models import VAE
from vael.objectives import Objective
from vael.random import seeded
from vael.recipe import DataRecipe, Recipe
from vael.runs import RunFolder
from vael.training import Monitor, Plan, TrainingState

__all__ = ["Parts", "read_data", "read_recipe"]


@dataclass(frozen=True)
class Parts:
    """Everything that a recipe names, alive."""

    recipe: Recipe
    dataset: Dataset
    treatment: Treatment
    device: torch.device
    model: VAE
    objective: Objective
    plan: Plan
    corruption: Corruption | None
    state: TrainingState
    compile_reason: str

    @classmethod
    def build(
        cls,
        recipe: Recipe,
        data_root: Path | None,
        *,
        compiled: bool | None = None,
        data_path: str | None = None,
    ) -> "Parts":
        """Build the parts; `compiled` repeats an earlier choice, None makes one; `data_path` as in `read_data`."""
        device = find_device(recipe.training.device)
        dataset = read_data(recipe.data, data_root, data_path=data_path)
        treatment = find_treatment(recipe.data.treatment, dataset.num_levels)
        num_steps = recipe.training.epochs * -(-len(dataset.splits["train"]) // max(recipe.training.batch_size, 1))
        with seeded(recipe.training.seed):
            model = build_model(recipe.model, observe(dataset, treatment)).to(device)
            num_examples = len(dataset.splits["train"])
            objective = build_objective(recipe, model, num_steps, num_examples=num_examples)
            plan = build_plan(recipe.training, device, num_steps, compiled=bool(compiled))
            corruption = build_corruption(recipe.training, model.observation)
            critic = objective.build_critic(model)
            critic = None if critic is None else critic.to(device)
            state = TrainingState.start(model, plan.optimizer.slots, averaged=plan.ema_decay > 0, critic=critic)
        reason = "as in the run's first part"
        if compiled is None:
            full_batches = len(dataset.splits["train"]) // plan.batch_size
            choice, reason = choose_compiled(
                recipe.training.compile, model, device, num_full_batches=full_batches, epochs=plan.epochs
            )
            plan = replace(plan, compiled=choice)
        return cls(recipe, dataset, treatment, device, model, objective, plan, corruption, state, reason)

    def examples(self, split: str) -> DeviceData:
        """Return a split on the device."""
        return DeviceData.of(
            self.dataset.splits[split], self.treatment, self.device, num_classes=self.model.context_dim
        )

    def training_examples(self) -> DeviceData:
        """Return the training split as the training sees it: spoilt for the encoder where the recipe says so."""
        return replace(self.examples("train"), corruption=self.corruption, scale=self.model.observation.scale)

    def monitor(self) -> Monitor | None:
        """Judge on the validation split where there is one; else show the test split's bound, which selects nothing."""
        for split, selects in (("valid", True), ("test", False)):
            if split in self.dataset.splits:
                return Monitor(split, self.examples(split), selects)
        return None


def read_data(recipe: DataRecipe, data_root: Path | None, *, data_path: str | None = None) -> Dataset:
    """Read the data that a recipe names.

    Arguments:
        recipe: The source and how to read it.
        data_root: Where to look for data first.
        data_path: Where a run found them when it was made: taken where the source's own path, which may be relative to
            another working directory, leads to nothing.
    """
    size = tuple(recipe.size) if isinstance(recipe.size, list) else recipe.size
    valid_fraction = None if recipe.valid_fraction < 0 else recipe.valid_fraction
    test_fraction = None if recipe.test_fraction < 0 else recipe.test_fraction
    options = ReadOptions(
        search_folders(data_root),
        cache_folder(),
        size=check_size(size or None),
        color=None if recipe.color == "as-is" else recipe.color,
        plan=SplitPlan(valid_fraction, test_fraction, recipe.split_seed),
        cells=KEPT.get(recipe.treatment, "real"),
    )
    return replace(sources.read(_found_source(recipe.source, data_path), options), name=recipe.source)


def _found_source(source: str, data_path: str | None) -> str:
    """Return the source, or, where its own path leads to nothing and the recorded one to data, that one."""
    if data_path is None or sources.find_path(source) is not None:
        return source
    recorded = sources.with_path(source, data_path)
    return source if sources.find_path(recorded) is None else recorded


def read_recipe(folder: RunFolder) -> Recipe:
    """Read a run's recipe."""
    path = folder.path / "recipe.toml"
    return Recipe.from_toml(path.read_text(encoding="utf-8"), where=str(path))
