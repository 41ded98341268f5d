"""A trained (or half-trained) run: its model, its data, and the verbs on them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vael import tasks
from vael.build import build_corruption
from vael.data.lossless import NamedPixels
from vael.errors import VaelError
from vael.evaluation import Evaluation, evaluate
from vael.evaluation.bounds import BoundOptions
from vael.experiments.contents import Contents
from vael.experiments.inline import Inline, explore_inline
from vael.figures import image_grid, pair_grid, save_image
from vael.files import read_file
from vael.runs import RunFolder
from vael.tasks.project import Method
from vael.types import Batch

__all__ = ["RUNS", "Run", "load"]

RUNS = Path("runs")


def load(run: str | Path, *, runs: Path = RUNS, data_root: Path | None = None) -> "Run":
    """Open a run, by path or by name.

    Raises:
        VaelError: No such run, or a damaged one.
    """
    return Run(RunFolder.open(run, root=runs), data_root)


@dataclass
class Run(Contents):
    """A trained (or half-trained) run: its model, its data, and the verbs on them.

    Arguments:
        folder: Where it is kept.
        data_root: Where to look for data first.
        dataset: The data, where they are at hand; read again when needed otherwise.
    """

    _embeddings: dict[str, tasks.Embedding] = field(default_factory=dict, init=False, repr=False)
    _searches: dict[str, tasks.NeighbourSearch] = field(default_factory=dict, init=False, repr=False)
    _scores: dict[str, tasks.Scores] = field(default_factory=dict, init=False, repr=False)
    _projections: dict[tuple[str, int, str], tasks.Projection] = field(default_factory=dict, init=False, repr=False)

    def evaluate(self, split: str | None = None, **options: Unpack[BoundOptions]) -> Evaluation:
        """Estimate the bounds on a split, see `vael.evaluation.evaluate`."""
        return evaluate(self.model, self.data(split), **options)

    def sample(
        self, num_samples: int = 64, *, seed: int = 0, mean: bool = True, label: str | int | None = None
    ) -> tasks.Samples:
        """Make examples up, all of one label where the model knows any and one is named; see `vael.tasks.sample`."""
        return tasks.sample(self.model, num_samples, seed=seed, mean=mean, label=self.label_number(label))

    def reconstruct(self, indices: list[int] | None = None, *, split: str | None = None) -> tasks.Reconstruction:
        """Reconstruct chosen examples (the first ten by default), see `vael.tasks.reconstruct`."""
        count = min(10, len(self.data(split)))
        return tasks.reconstruct(self.model, self.batch(indices or list(range(count)), split=split))

    def denoise(
        self,
        examples: Sequence[int] | Batch | None = None,
        *,
        noise: str | Mapping[str, Any] | None = None,
        split: str | None = None,
        num_samples: int = 16,
        seed: int = 0,
    ) -> tasks.Denoising:
        """Spoil chosen examples of a split (the first ten by default) and mend them, see `vael.tasks.denoise`.

        Arguments:
            examples: Their numbers; or foreign ones (`examples_from`), which are mended as they are.
            noise: A corruption by name or with options, as `training.corruption`; that of the training by default, or
                else Gaussian.
            split: Which examples; the test split where there is one.
            num_samples: K draws of z whose means are averaged; 0 takes the posterior's mean.
            seed: Seed of noise and draws.

        Raises:
            VaelError: An unknown corruption, or one that does not suit the data.
        """
        if isinstance(examples, Batch):
            return tasks.denoise(self.model, examples, num_samples=num_samples, seed=seed)
        count = min(10, len(self.data(split)))
        batch = self.batch(list(examples if examples is not None else range(count)), split=split)
        stated = self.recipe.training.corruption.name
        chosen = noise or ("gaussian" if stated == "none" else None)
        recipe = self.recipe if chosen is None else self.recipe.override({"training.corruption": chosen})
        corruption = build_corruption(recipe.training, self.observation)
        if corruption is None:
            raise VaelError("denoise expects a noise, got none: use gaussian, salt-and-pepper or masking")
        spoilt = tasks.spoil(batch, corruption, scale=self.observation.scale, seed=seed)
        return tasks.denoise(self.model, spoilt, num_samples=num_samples, seed=seed)

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

    def compress(
        self,
        images: NamedPixels | NDArray[np.uint8] | str | Path | None = None,
        *,
        split: str | None = None,
        verify: bool = True,
        on_block: Callable[[int], None] = lambda done: None,
    ) -> tasks.Compressed:
        """Code images losslessly, see `vael.coding.compress`; from files as `exact_images` reads them."""
        if isinstance(images, np.ndarray):
            images = NamedPixels(images, ())
        if not isinstance(images, NamedPixels):
            images = self.exact_images(images, split=split)
        return tasks.compress(self.model, images.x, names=images.names, verify=verify, on_block=on_block)

    def decompress(
        self, file: bytes | str | Path, *, name: str = "the file", on_block: Callable[[int], None] = lambda done: None
    ) -> NamedPixels:
        """Read images back from a file of `compress` or its content, see `vael.coding.decompress`."""
        content, name = (file, name) if isinstance(file, bytes) else (read_file(Path(file)), str(file))
        return NamedPixels(*tasks.decompress(self.model, content, name=name, on_block=on_block))

    def scores(self, split: str | None = None) -> tasks.Scores:
        """Score every example of a split, see `vael.tasks.score`; done once for each split."""
        split = split or self.default_split
        if split not in self._scores:
            self._scores[split] = tasks.score(self.model, self.data(split))
        return self._scores[split]

    def inspect(
        self, examples: Sequence[int] | Batch, *, split: str | None = None, num_neighbours: int = 8
    ) -> tasks.Inspection:
        """Look at examples of a split by their numbers, or at foreign ones (`examples_from`), as the model sees them.

        Each is compared with the examples of the split: its percentile among their scores, its nearest neighbours
        (itself left out). See `vael.tasks.inspect`.
        """
        split = split or self.default_split
        known = tasks.Known(self.scores(split), self._search(split))
        if isinstance(examples, Batch):
            return tasks.inspect(self.model, examples, known=known, num_neighbours=num_neighbours)
        numbers = self.find_examples(examples, split=split)
        batch = self.batch(numbers, split=split)
        return tasks.inspect(self.model, batch, known=known, num_neighbours=num_neighbours, skip=numbers)

    def inspect_file(
        self,
        file: bytes | str | Path,
        *,
        label: str | int | None = None,
        invert: bool = False,
        center: bool = False,
        split: str | None = None,
        num_neighbours: int = 8,
    ) -> tasks.Inspection:
        """Look at an image or at rows from outside, see `inspect` and `examples_from`.

        Raises:
            VaelError: The file is not there or does not fit, or a conditional model is not told the label.
        """
        content, name = (file, "the file") if isinstance(file, bytes) else (read_file(Path(file)), str(file))
        batch = self.examples_from(content, name=name, invert=invert, center=center, label=label)
        return self.inspect(batch, split=split, num_neighbours=num_neighbours)

    def neighbours(
        self,
        z_mean: ArrayLike,
        *,
        num_neighbours: int = 8,
        split: str | None = None,
        skip: int | Sequence[int] | None = None,
    ) -> tasks.Neighbours:
        """Find the examples of a split nearest to latents `(B, D)`, see `vael.tasks.find_neighbours`."""
        return tasks.find_neighbours(self._search(split), z_mean, num_neighbours=num_neighbours, skip=skip)

    def _search(self, split: str | None) -> tasks.NeighbourSearch:
        split = split or self.default_split
        if split not in self._searches:
            self._searches[split] = tasks.NeighbourSearch(self.embed(split).mean)
        return self._searches[split]

    def project(self, method: Method = "pca", *, seed: int = 0, split: str | None = None) -> tasks.Projection:
        """Bring the posterior means of a split to the plane, see `vael.tasks.project`; done once for each choice."""
        key = method, seed, split or self.default_split
        if key not in self._projections:
            self._projections[key] = tasks.project(self.embed(split).mean, method=method, seed=seed)
        return self._projections[key]

    def traverse(
        self,
        start: NDArray[np.float32] | None = None,
        *,
        dims: Sequence[int] | None = None,
        limit: float = 2.5,
        num_steps: int = 11,
        label: str | int | None = None,
    ) -> tasks.Traversal:
        """Move along one latent dimension after the other, see `vael.tasks.traverse`."""
        number = self.label_number(label)
        return tasks.traverse(self.model, start, dims=dims, limit=limit, num_steps=num_steps, label=number)

    def manifold(
        self,
        num_points: int | None = None,
        *,
        dims: tuple[int, int] = (0, 1),
        start: NDArray[np.float32] | None = None,
        label: str | int | None = None,
    ) -> tasks.Manifold:
        """Decode a grid over two latent dimensions, as fine as fits a picture; see `vael.tasks.manifold`."""
        num_points = num_points or tasks.fitting_points(self.observation.shape)
        return tasks.manifold(self.model, num_points, dims=dims, start=start, label=self.label_number(label))

    def explore(self, *, height: int = 760) -> Inline:
        """Open the latent explorer of the studio: inline in a notebook, else at the address that it prints.

        Arguments:
            height: Of the frame, in pixels.

        Raises:
            VaelError: The studio cannot start.
        """
        return explore_inline(self.path, data_root=self.data_root, height=height)

    def refit_prior(self, prior: str = "gaussian-mixture", **options: Any) -> "Run":
        """Fit a prior to the codes of the training split and return a new run with it, see `vael.refit_prior`."""
        from vael.experiments.refit import refit_prior  # it makes runs, and so knows this class

        return refit_prior(self, prior, **options)

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
