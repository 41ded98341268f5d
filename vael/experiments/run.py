"""A trained (or half-trained) run: its model, its data, and the verbs on them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from vael import tasks
from vael.build import build_model, find_device
from vael.data import Dataset, destandardise
from vael.data.base import choose_split
from vael.data.batches import DeviceData
from vael.data.treatments import find_treatment
from vael.errors import VaelError, unknown_name
from vael.evaluation import Evaluation, evaluate
from vael.experiments.notebook import run_line
from vael.experiments.parts import read_data, read_recipe
from vael.experiments.snapshots import Snapshots
from vael.figures import as_pixels, image_grid, pair_grid, save_image
from vael.models import VAE
from vael.posteriors import POSTERIORS
from vael.random import seeded
from vael.recipe import Recipe
from vael.runs import RunFolder
from vael.training import load_weights
from vael.types import Batch, Observation

__all__ = ["RUNS", "Run", "load"]

RUNS = Path("runs")


def load(run: str | Path, *, runs: Path = RUNS, data_root: Path | None = None) -> "Run":
    """Open a run, by path or by name.

    Raises:
        VaelError: No such run, or a damaged one.
    """
    return Run(RunFolder.open(run, root=runs), data_root)


@dataclass
class Run:
    """A trained (or half-trained) run: its model, its data, and the verbs on them.

    Arguments:
        folder: Where it is kept.
        data_root: Where to look for data first.
        dataset: The data, where they are at hand; read again when needed otherwise.
    """

    folder: RunFolder
    data_root: Path | None = None
    dataset: Dataset | None = field(default=None, repr=False)
    _embeddings: dict[str, tasks.Embedding] = field(default_factory=dict, init=False, repr=False)

    def _repr_html_(self) -> str:
        return run_line(self.name, self.info)["text/html"]

    @property
    def path(self) -> Path:
        """The run folder."""
        return self.folder.path

    @property
    def name(self) -> str:
        """The run's name."""
        return self.folder.name

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe that made the run."""
        return read_recipe(self.folder)

    @property
    def info(self) -> dict[str, Any]:
        """What run.json says."""
        return self.folder.info()

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The records of the training, in order."""
        return self.folder.metrics()

    @property
    def snapshots(self) -> Snapshots:
        """The pictures of the model that the training kept on its way."""
        return Snapshots(self.path / "snapshots")

    @property
    def has_rate(self) -> bool:
        """Whether the posterior has a density, and so the bound a rate; a plain autoencoder's has none."""
        return POSTERIORS[self.recipe.model.posterior.name].has_density

    @cached_property
    def observation(self) -> Observation:
        """What one example is."""
        stated = self.info["observation"]
        return Observation(tuple(stated["shape"]), stated["domain"], stated["num_levels"], tuple(stated["columns"]))

    @property
    def is_image(self) -> bool:
        """Whether the data are images; they are a table otherwise."""
        return self.observation.is_image

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of a table's columns; empty for images."""
        return self.observation.columns

    def pixels(self, x: NDArray) -> NDArray[np.uint8]:
        """Turn images `(…, C, H, W)`, in the domain of the data or as bytes, into pixels `(…, H, W, 3)`.

        Raises:
            VaelError: The data are a table.
        """
        if not self.is_image:
            raise VaelError(f"the data of {self.name} are a table, which has no pixels: use .csv, .parquet or .npz")
        scale = 255.0 if x.dtype == np.uint8 else self.observation.scale
        flat = as_pixels(x.reshape(-1, *x.shape[-3:]), scale=scale)
        return flat.reshape(*x.shape[:-3], *flat.shape[1:])

    def in_file_units(self, x: NDArray) -> NDArray:
        """Return rows of a table `(…, F)` with the standardisation undone; images as they are."""
        return x if self.is_image else destandardise(x, self.info["data"]["facts"])

    @cached_property
    def model(self) -> VAE:
        """The model with the weights to use, in evaluation mode, on the recipe's device or else the CPU."""
        with seeded(0):
            model = build_model(self.recipe.model, self.observation)
        weights = self._weights()
        try:
            model.load_state_dict(weights)
        except RuntimeError:
            raise VaelError(
                f"{self.path}/model.safetensors does not fit its recipe.toml: one of them was replaced"
            ) from None
        return model.to(self._device).eval()

    def _weights(self) -> dict[str, torch.Tensor]:
        path = self.path / "model.safetensors"
        if not path.exists() and self.folder.status() == "running":
            raise VaelError(f"run {self.name} is still being trained and has written no weights yet: wait a little")
        return load_weights(path)

    @property
    def _device(self) -> torch.device:
        name = self.recipe.training.device
        return find_device(name if torch.cuda.is_available() or not name.startswith("cuda") else "cpu")

    def data(self, split: str | None = None) -> DeviceData:
        """Return a split's examples on the model's device.

        Raises:
            VaelError: The data set has no such split.
        """
        if self.dataset is None:
            self.dataset = read_data(self.recipe.data, self.data_root)
        splits = self.dataset.splits
        split = split or self.default_split
        if split not in splits:
            raise unknown_name("split", split, splits)
        treatment = find_treatment(self.recipe.data.treatment, self.dataset.num_levels)
        return DeviceData.of(splits[split], treatment, self._device)

    @property
    def default_split(self) -> str:
        """`test` where there is one, else `valid`, else `train`."""
        return choose_split(self.info["data"]["counts"])

    def rows(self, split: str | None = None) -> NDArray[np.float32]:
        """Return every example of a split as the model sees it, `(N, *shape)` float32; meant for tables."""
        examples = self.data(split)
        with seeded(0):
            return examples.batch(torch.arange(len(examples), device=examples.device)).x.cpu().numpy()

    def batch(self, indices: list[int], *, split: str | None = None) -> Batch:
        """Return chosen examples of a split.

        Raises:
            VaelError: An index is out of range.
        """
        examples = self.data(split)
        chosen = torch.tensor(self.find_examples(indices, split=split), device=examples.device)
        with seeded(0):
            return examples.batch(chosen)

    def find_examples(self, indices: Sequence[int], *, split: str | None = None) -> list[int]:
        """Return the numbers of examples counted from the start of a split; negative ones count from its end.

        Raises:
            VaelError: An index is out of range.
        """
        count = len(self.data(split))
        for index in indices:
            if not -count <= index < count:
                raise VaelError(f"an example's number expects 0 … {count - 1}, got {index}")
        return [index % count for index in indices]

    def evaluate(self, split: str | None = None, *, num_samples: int = 64, seed: int = 0) -> Evaluation:
        """Estimate the bounds on a split, see `vael.evaluation.evaluate`."""
        return evaluate(self.model, self.data(split), num_samples=num_samples, seed=seed)

    def sample(self, num_samples: int = 64, *, seed: int = 0, mean: bool = True) -> tasks.Samples:
        """Make examples up, see `vael.tasks.sample`."""
        return tasks.sample(self.model, num_samples, seed=seed, mean=mean)

    def reconstruct(self, indices: list[int] | None = None, *, split: str | None = None) -> tasks.Reconstruction:
        """Reconstruct chosen examples (the first ten by default), see `vael.tasks.reconstruct`."""
        count = min(10, len(self.data(split)))
        return tasks.reconstruct(self.model, self.batch(indices or list(range(count)), split=split))

    def interpolate(
        self,
        start: int,
        end: int,
        *,
        num_steps: int = 10,
        path: Literal["straight", "spherical"] = "straight",
        split: str | None = None,
    ) -> tasks.Interpolation:
        """Walk between two examples, see `vael.tasks.interpolate`."""
        return tasks.interpolate(self.model, self.batch([start, end], split=split), num_steps=num_steps, path=path)

    def embed(self, split: str | None = None) -> tasks.Embedding:
        """Encode a split, see `vael.tasks.embed`; done once for each split."""
        split = split or self.default_split
        if split not in self._embeddings:
            self._embeddings[split] = tasks.embed(self.model, self.data(split))
        return self._embeddings[split]

    def traverse(
        self,
        start: NDArray[np.float32] | None = None,
        *,
        dims: Sequence[int] | None = None,
        limit: float = 2.5,
        num_steps: int = 11,
    ) -> tasks.Traversal:
        """Move along one latent dimension after the other, see `vael.tasks.traverse`."""
        return tasks.traverse(self.model, start, dims=dims, limit=limit, num_steps=num_steps)

    def manifold(
        self,
        num_points: int | None = None,
        *,
        dims: tuple[int, int] = (0, 1),
        start: NDArray[np.float32] | None = None,
    ) -> tasks.Manifold:
        """Decode a grid over two latent dimensions, as fine as fits a picture; see `vael.tasks.manifold`."""
        num_points = num_points or tasks.fitting_points(self.observation.shape)
        return tasks.manifold(self.model, num_points, dims=dims, start=start)

    def labels(self, split: str | None = None) -> list[str] | None:
        """Return the label names of a split's examples, or None where there are none."""
        self.data(split)
        assert self.dataset is not None
        numbers = self.dataset.splits[split or self.default_split].labels
        return None if numbers is None else [self.dataset.classes[number] for number in numbers]

    def save_pictures(self) -> list[Path]:
        """Save samples and reconstructions as pictures under `figures/`; return their paths."""
        count = min(20, len(self.data()))
        pairs = self.reconstruct(list(range(count)))
        pictures = {
            "samples.png": image_grid(self.pixels(self.sample(64).x), columns=8),
            "reconstructions.png": pair_grid(self.pixels(pairs.x), self.pixels(pairs.mean)),
        }
        for name, picture in pictures.items():
            save_image(self.path / "figures" / name, picture)
        return [self.path / "figures" / name for name in pictures]
