"""A trained (or half-trained) run: its model, its data, and the verbs on them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vael import tasks
from vael.build import build_corruption
from vael.data.batches import DeviceData
from vael.data.corruptions import Gaussian, Greyscale
from vael.data.lossless import NamedPixels
from vael.errors import VaelError
from vael.evaluation import Evaluation, evaluate
from vael.evaluation.bounds import BoundOptions
from vael.evaluation.representations import score_clusters
from vael.experiments.contents import Contents
from vael.experiments.inline import Inline, explore_inline
from vael.figures import image_grid, pair_grid, save_image
from vael.files import read_file
from vael.runs import RunFolder
from vael.tasks.cluster import ClusterMethod
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
    _detectors: dict[tuple[Any, ...], tasks.Detector] = field(default_factory=dict, init=False, repr=False)
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
        return tasks.reconstruct(self.model, self._chosen(indices or None, split))

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
        batch = self._chosen(examples, split)
        stated = self.recipe.training.corruption.name
        chosen = noise or ("gaussian" if stated == "none" else None)
        recipe = self.recipe if chosen is None else self.recipe.override({"training.corruption": chosen})
        corruption = build_corruption(recipe.training, self.observation)
        if corruption is None:
            raise VaelError("denoise expects a noise, got none: use gaussian, salt-and-pepper, masking or greyscale")
        spoilt = tasks.spoil(batch, corruption, scale=self.observation.scale, seed=seed)
        sigma = 0.0
        if isinstance(corruption, Gaussian) and not corruption.clip:  # cut noise has no simple density
            sigma = corruption.sigma * self.observation.scale
        return tasks.denoise(self.model, spoilt, num_samples=num_samples, sigma=sigma, seed=seed)

    def inpaint(
        self,
        examples: Sequence[int] | Batch | None = None,
        *,
        hide: str | float | NDArray[np.bool_] | None = None,
        split: str | None = None,
        num_fills: int = 4,
        num_steps: int = 200,
        draw: bool = False,
        seed: int = 0,
    ) -> tasks.Inpainting:
        """Hide cells of chosen examples of a split (the first ten by default) and fill them, see `vael.tasks.inpaint`.

        Arguments:
            examples: Their numbers; or foreign ones (`examples_from`).
            hide: A region, a share, or a mask that is True where to hide, see `vael.tasks.hide`; by default what a
                foreign batch says is not observed, else the centre of images and 0.3 of a table's cells.
            split: Which examples; the test split where there is one.
            num_fills: S chains, each of which ends in one fill.
            num_steps: Of each chain.
            draw: Whether a fill is drawn from p(x_missing | z), or is its mean.
            seed: Seed of what is hidden and of the chains.

        Raises:
            VaelError: Nothing of that kind can be hidden, or the model has no density to weigh draws with.
        """
        batch = self._chosen(examples, split)
        if hide is None and batch.observed is None:
            hide = "centre" if self.is_image else 0.3
        holed = batch if hide is None else tasks.hide(batch, hide, seed=seed)
        return tasks.inpaint(self.model, holed, num_fills=num_fills, num_steps=num_steps, draw=draw, seed=seed)

    def colorize(
        self,
        examples: Sequence[int] | Batch | None = None,
        *,
        split: str | None = None,
        num_colourings: int = 4,
        seed: int = 0,
    ) -> tasks.Colouring:
        """Take the colours of chosen examples away and give them others, see `vael.tasks.colorize`.

        Arguments:
            examples: Their numbers, the first ten by default; or foreign ones (`examples_from`), whose own colours are
                not looked at.
            split: Which examples; the test split where there is one.
            num_colourings: S draws of z.
            seed: Seed of the draws.

        Raises:
            VaelError: The data are no colour images.
        """
        batch = self._chosen(examples, split)
        if not isinstance(examples, Batch):
            Greyscale().check(self.observation, "colorize:")
            batch = tasks.spoil(batch, Greyscale())
        return tasks.colorize(self.model, batch, num_colourings=num_colourings, seed=seed)

    def _chosen(self, examples: Sequence[int] | Batch | None, split: str | None) -> Batch:
        """Return chosen examples of a split, the first ten where none are named; foreign ones as they are."""
        if isinstance(examples, Batch):
            return examples
        count = min(10, len(self.data(split)))
        return self.batch(list(range(count) if examples is None else examples), split=split)

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

    def cluster(
        self,
        method: ClusterMethod | None = None,
        num_clusters: int | None = None,
        split: str | None = None,
        *,
        num_members: int = 10,
        seed: int = 0,
    ) -> tasks.Clustering:
        """Group the examples of a split, see `vael.tasks.cluster`, and compare the clusters with labels if it has any.

        Arguments:
            method: prior, k-means, gaussian-mixture or spectral; None takes `prior` where the prior is a mixture, else
                `gaussian-mixture`. All but the prior are fitted to the training split, whatever the split.
            num_clusters: C; None takes the components of the prior, or else 10.
            split: Which examples; the test split where there is one.
            num_members: How many examples of each cluster to name.
            seed: Seed of starts.

        Raises:
            VaelError: As `vael.tasks.cluster`.
        """
        data, labels = self.data(split), self.labels(split)
        found = tasks.cluster(
            self.model,
            data,
            method=method,
            num_clusters=num_clusters,
            fitted_to=self.data("train"),
            num_members=num_members,
            seed=seed,
        )
        agreement = None if labels is None else score_clusters(np.array(labels), found.labels)
        return replace(found, agreement=agreement)

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

    def detector(
        self, score: str | None = None, *, calibrate: str | None = None, num_points: int | None = None
    ) -> tasks.Detector:
        """Return a calibrated detector, see `vael.tasks.detect`; built once for each choice.

        Arguments:
            score: A name of `tasks.SCORES`; None chooses as `tasks.build_score`.
            calibrate: The split of normal examples to calibrate on; None takes `valid`, or else `test`.
            num_points: K latents an example, where the score integrates over z; None takes the score's own choice.

        Raises:
            VaelError: An unknown score or one that the model cannot serve, or a split that was trained on.
        """
        split = self.find_calibration(calibrate)
        key = score, split, num_points
        if key not in self._detectors:
            built = tasks.build_score(score, self.model, self.data("train"), num_points=num_points)
            self._detectors[key] = tasks.Detector.calibrated(built, self.data(split))
        return self._detectors[key]

    def find_calibration(self, split: str | None = None) -> str:
        """Return the split that a detector is calibrated on: `valid` where there is one, else as `default_split`.

        Raises:
            VaelError: A split that was trained on.
        """
        split = split or ("valid" if "valid" in self.info["data"]["counts"] else self.default_split)
        if split == "train":
            raise VaelError(
                f"{self.name} has seen its train split: calibrate on data that it has not seen, "
                "data.valid_fraction=0.1 keeps some back"
            )
        return split

    def detect(
        self,
        data: DeviceData | str | Path | None = None,
        *,
        score: str | None = None,
        false_alarms: float = 0.01,
        split: str | None = None,
        calibrate: str | None = None,
        num_points: int | None = None,
    ) -> tasks.Detection:
        """Find the examples that do not belong, see `vael.tasks.detect`.

        Arguments:
            data: What to look through: whatever `foreign_data` reads; None takes the run's own data.
            score: A name of `tasks.SCORES`; None chooses as `tasks.build_score`.
            false_alarms: The share of normal examples that may be called anomalies.
            split: Of data that have any; the test split where there is one.
            calibrate: The split of the run's data to calibrate on; `valid`, or else `test`.
            num_points: K latents an example, where the score integrates over z; None takes the score's own choice.

        Raises:
            VaelError: As `detector` and `foreign_data`, or more false alarms asked for than can be resolved.
        """
        found = self.detector(score, calibrate=calibrate, num_points=num_points)
        if data is None:
            split = split or self.default_split
            are_own = split == self.find_calibration(calibrate)
            return found(self.data(split), false_alarms=false_alarms, are_own=are_own)
        examples = data if isinstance(data, DeviceData) else self.foreign_data(data, split=split)[0]
        return found(examples, false_alarms=false_alarms)

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
