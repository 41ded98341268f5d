"""What a run folder holds, brought back: its recipe, its model, its data, and material from outside in their form."""

from abc import ABC
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vael import data as sources
from vael.build import build_model, find_device
from vael.data import Dataset, destandardise
from vael.data.base import choose_split
from vael.data.batches import DeviceData
from vael.data.foreign import read_image, read_rows
from vael.data.like import load_like
from vael.data.lossless import NamedPixels, read_exact
from vael.data.treatments import Treatment, find_treatment
from vael.errors import VaelError, unknown_name
from vael.experiments.notebook import run_line
from vael.experiments.parts import read_data, read_recipe
from vael.experiments.snapshots import Snapshots
from vael.figures import as_pixels
from vael.files import read_file
from vael.models import VAE
from vael.posteriors import POSTERIORS
from vael.random import seeded
from vael.recipe import Recipe
from vael.runs import RunFolder
from vael.training import load_weights
from vael.types import Batch, Observation

__all__ = ["Contents"]


@dataclass
class Contents(ABC):
    """Read what a run folder holds, each part when it is first asked for; `Run` adds the verbs.

    Arguments:
        folder: Where it is kept.
        data_root: Where to look for data first.
        dataset: The data, where they are at hand; read again when needed otherwise.
    """

    folder: RunFolder
    data_root: Path | None = None
    dataset: Dataset | None = field(default=None, repr=False)

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
        return Observation(
            tuple(stated["shape"]),
            stated["domain"],
            stated["num_levels"],
            tuple(stated["columns"]),
            tuple(stated.get("classes", ())),  # runs of version 0.1 do not say
        )

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
        """Return rows of a table `(…, F)` in the units of their file, the standardisation undone where there was one.

        Images come back as they are.
        """
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
            self.dataset = read_data(self.recipe.data, self.data_root, data_path=self.info["data"].get("path"))
        splits = self.dataset.splits
        split = split or self.default_split
        if split not in splits:
            raise unknown_name("split", split, splits)
        treatment = find_treatment(self.recipe.data.treatment, self.dataset.num_levels)
        return DeviceData.of(splits[split], treatment, self._device, num_classes=self.model.context_dim)

    @property
    def default_split(self) -> str:
        """`test` where there is one, else `valid`, else `train`."""
        return choose_split(self.info["data"]["counts"])

    def rows(self, split: str | None = None) -> NDArray[np.float32]:
        """Return every example of a split as the model sees it, `(N, *shape)` float32; meant for tables."""
        examples = self.data(split)
        return examples.chosen(range(len(examples))).x.cpu().numpy()

    def batch(self, indices: list[int], *, split: str | None = None) -> Batch:
        """Return chosen examples of a split.

        Raises:
            VaelError: An index is out of range.
        """
        return self.data(split).chosen(self.find_examples(indices, split=split))

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

    def labels(self, split: str | None = None) -> list[str] | None:
        """Return the label names of a split's examples, or None where there are none."""
        self.data(split)
        assert self.dataset is not None
        numbers = self.dataset.splits[split or self.default_split].labels
        return None if numbers is None else [self.dataset.classes[number] for number in numbers]

    def examples_from(
        self,
        content: bytes,
        *,
        name: str = "the file",
        invert: bool = False,
        center: bool = False,
        label: str | int | None = None,
        may_miss: bool = False,
    ) -> Batch:
        """Turn an image file (one example) or a CSV file (one a row) from outside into what the model sees.

        Arguments:
            content: The file; see `vael.data.foreign`.
            name: What to call it in an error.
            invert: Take the negative of an image.
            center: Scale and place what an image shows as MNIST's digits are.
            label: What it shows, for a conditional model: the name of a class or its number.
            may_miss: Whether cells of rows may be missing: the batch then says which are observed.

        Raises:
            VaelError: The content does not fit, or the run's own data are not here: they say how many levels x has.
        """
        treatment = self.data().treatment
        if self.is_image:
            shape, num_levels = self.observation.shape, treatment.num_levels
            raw = read_image(content, shape=shape, num_levels=num_levels, invert=invert, center=center, name=name)
        else:
            facts = self.info["data"]["facts"]
            raw = read_rows(content, columns=self.columns, facts=facts, may_miss=may_miss, name=name)
        batch = self._on_device(raw, treatment, label).chosen(range(len(raw)))
        holes = batch.x.isnan()
        return replace(batch, observed=~holes) if bool(holes.any()) else batch

    def foreign_data(
        self, data: str | Path, *, split: str | None = None, label: str | int | None = None
    ) -> tuple[DeviceData, list[str] | None]:
        """Read examples from elsewhere as the model sees its own, and the names of their labels where they have any.

        Arguments:
            data: Whatever `vael.data.load` reads (see `load_like`), or a single image file.
            split: Of data that have any; the test split where there is one.
            label: What all of them show, for a conditional model.

        Raises:
            VaelError: The data cannot be read or do not fit, or the run's own data are not here.
        """
        own, spec = self.data().treatment, str(data)
        if self.is_image and Path(spec).expanduser().is_file() and sources.find_path(spec) is None:
            content = read_file(Path(spec).expanduser())
            raw = read_image(content, shape=self.observation.shape, num_levels=own.num_levels, name=spec)
            return self._on_device(raw, own, label), None
        dataset = load_like(spec, self.observation, self.info["data"]["facts"], root=self.data_root)
        name = split or dataset.default_split
        if name not in dataset.splits:
            raise unknown_name("split", name, dataset.splits)
        if self.observation.domain == "levels" and dataset.num_levels != own.num_levels:
            raise VaelError(f"{spec} has {dataset.num_levels} levels, the model knows {own.num_levels}")
        found = dataset.splits[name]
        names = None if found.labels is None else [dataset.classes[number] for number in found.labels]
        return self._on_device(found.x, type(own)(dataset.num_levels), label), names

    def _on_device(self, raw: NDArray, treatment: Treatment, label: str | int | None) -> DeviceData:
        rows = torch.from_numpy(raw).to(self._device)
        return DeviceData(rows, treatment, self._labels_of(label, len(rows)), self.model.context_dim)

    def exact_images(self, data: str | Path | None = None, *, split: str | None = None) -> NamedPixels:
        """Return images as they stand in their files, for lossless coding; those of a folder or zip with their names.

        Arguments:
            data: A folder or zip of images, or whatever `vael.data.load` reads; None takes the run's own data.
            split: Of data that have any; the test split where there is one.

        Raises:
            VaelError: An image of another form, no such split, or no images.
        """
        if not self.is_image:
            raise VaelError(f"lossless coding is of images, the data of {self.name} are a table")
        observation, spec = self.observation, None if data is None else str(data)
        num_levels = 2 if observation.domain == "binary" else 256
        if spec is not None and (Path(spec).expanduser().is_dir() or spec.lower().endswith(".zip")):
            return read_exact(Path(spec).expanduser(), observation.shape, num_levels)
        if spec is None:
            self.data(split)
            dataset = self.dataset
            assert dataset is not None
        else:
            dataset = sources.load(spec, root=self.data_root, valid_fraction=0.0, test_fraction=0.0)
        name = split or (self.default_split if spec is None else dataset.default_split)
        if name not in dataset.splits:
            raise unknown_name("split", name, dataset.splits)
        return NamedPixels(dataset.splits[name].x, ())

    def label_number(self, label: str | int | None) -> int | None:
        """Return the number of a class by its name or number; None stays None.

        Raises:
            VaelError: The data have no such class.
        """
        classes = self.observation.classes
        if label is None or (isinstance(label, int) and 0 <= label < len(classes)):
            return label
        if str(label) not in classes:
            raise unknown_name("label", str(label), classes)
        return classes.index(str(label))

    def _labels_of(self, label: str | int | None, count: int) -> torch.Tensor | None:
        """Return one label for all of some foreign examples, `(count,)`; None for a model without conditions."""
        number = self.label_number(label)
        if self.model.context_dim == 0:
            return None
        if number is None:
            raise VaelError(
                f"{self.name} is conditioned on the label: say what the example shows, one of "
                f"{', '.join(self.observation.classes)}"
            )
        return torch.full((count,), number, dtype=torch.int64, device=self._device)
