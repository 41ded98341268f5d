"""A model trained on rows in memory, and the scale that it sees them on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from vael.build import build_corruption, build_model, build_objective, build_plan, find_device
from vael.data.batches import DeviceData
from vael.data.treatments import Real
from vael.models import VAE
from vael.random import seeded
from vael.recipe import Recipe
from vael.training import TrainingState, fit
from vael.types import Observation

__all__ = ["Fitted", "Scale", "fit_rows", "one_thread"]


@dataclass(frozen=True)
class Scale:
    """Hold what is taken out of each column: x ↦ (x − mean) / spread.

    Arguments:
        mean: `(F,)` float64.
        spread: `(F,)` float64, > 0; 1 for a constant column.
    """

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]

    @classmethod
    def of(cls, x: NDArray, *, is_on: bool) -> "Scale":
        """Measure the columns of rows `(N, F)`; leave them as they are where scaling is off."""
        width = x.shape[1]
        if not is_on:
            return cls(np.zeros(width), np.ones(width))
        rows = x.astype(np.float64)
        spread = rows.std(0)
        is_constant = (rows.max(0) == rows.min(0)) | (spread == 0)
        return cls(np.where(is_constant, rows[0], rows.mean(0)), np.where(is_constant, 1.0, spread))

    def apply(self, x: NDArray) -> NDArray[np.float32]:
        """Return rows on the scale, cut to what float32 holds."""
        limits = np.finfo(np.float32)
        scaled = (x.astype(np.float64) - self.mean) / self.spread
        return np.clip(scaled, limits.min, limits.max).astype(np.float32)

    def undo(self, x: NDArray) -> NDArray[np.float64]:
        """Return rows in the units that they came in."""
        return x.astype(np.float64) * self.spread + self.mean


@dataclass
class Fitted:
    """Hold a trained model with all that is needed to use it and to keep it.

    Arguments:
        recipe: What it was built from.
        scale: What it sees rows on.
        model: In evaluation mode.
    """

    recipe: Recipe
    scale: Scale
    model: VAE

    def data(self, x: NDArray) -> DeviceData:
        """Return rows `(N, F)` as the model sees them."""
        return _data(self.scale.apply(x), self.model.device)

    def __getstate__(self) -> dict[str, Any]:
        """Return what joblib and pickle keep: the recipe as TOML and the weights as safetensors, no live module."""
        weights = {name: tensor.contiguous().cpu() for name, tensor in self.model.state_dict().items()}
        return {
            "recipe": self.recipe.to_toml(),
            "mean": self.scale.mean,
            "spread": self.scale.spread,
            "device": str(self.model.device),
            "weights": save_tensors(weights),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Rebuild the model; on the CPU where its device is not here."""
        self.recipe = Recipe.from_toml(state["recipe"], where="the estimator")
        self.scale = Scale(state["mean"], state["spread"])
        device = state["device"] if torch.cuda.is_available() else "cpu"
        self.model = _build(self.recipe, len(self.scale.mean)).to(find_device(device))
        self.model.load_state_dict(load_tensors(state["weights"]))
        self.model.eval()


def fit_rows(x: NDArray, recipe: Recipe, *, is_scaled: bool, start: Fitted | None = None) -> Fitted:
    """Train a model on rows.

    Arguments:
        x: `(N, F)`, finite.
        recipe: Its model, objective and training; of the training's options those of the loop are used.
        is_scaled: Whether columns are standardised first.
        start: Where to go on from: its weights and its scale.

    Raises:
        VaelError: Parts that do not fit, or a loss that is not finite.
    """
    scale = Scale.of(x, is_on=is_scaled) if start is None else start.scale
    device = find_device(recipe.training.device)
    data = _data(scale.apply(x), device)
    num_steps = recipe.training.epochs * -(-len(x) // recipe.training.batch_size)
    model = _build(recipe, x.shape[1]).to(device)
    if start is not None:
        model.load_state_dict(start.model.state_dict())
    with seeded(recipe.training.seed):
        objective = build_objective(recipe, model, num_steps, num_examples=len(x))
        plan = build_plan(recipe.training, device, num_steps, compiled=False)
        critic = objective.build_critic(model)
        critic = None if critic is None else critic.to(device)
        state = TrainingState.start(model, plan.optimizer.slots, averaged=plan.ema_decay > 0, critic=critic)
        corruption = build_corruption(recipe.training, model.observation)
    seen = DeviceData(data.raw, data.treatment, corruption=corruption)
    with one_thread():
        for _ in fit(state, objective, seen, plan):
            pass
    model.load_state_dict(state.weights())
    return Fitted(recipe, scale, model.eval())


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute in one thread: products this small gain nothing by a second, and lose all where others use the cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _build(recipe: Recipe, width: int) -> VAE:
    columns = tuple(f"column_{number}" for number in range(1, width + 1))
    with seeded(recipe.training.seed):
        return build_model(recipe.model, Observation((width,), "real", 0, columns))


def _data(rows: NDArray[np.float32], device: torch.device) -> DeviceData:
    return DeviceData(torch.from_numpy(np.ascontiguousarray(rows)).to(device), Real(0))
