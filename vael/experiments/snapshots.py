"""Small pictures of a model through its training, for animations: what to show, when, and how it is kept.

    snapshots/step_000000469.npz    one file a snapshot, arrays only

They hold what a model makes (samples, reconstructions, its latent plane) and where it puts examples, never its weights:
a run keeps megabytes, not gigabytes, and can be animated where there is neither its data nor torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray

from vael.data.batches import DeviceData
from vael.errors import VaelError
from vael.models import VAE
from vael.random import seeded
from vael.runs import atomic_path
from vael.tasks import draw_latent, fitting_points, manifold, sample
from vael.tasks.terms import encode, terms_at_mean

__all__ = ["RateHistory", "Snapshot", "Snapshots", "affordable_embeddings", "snapshot_steps"]

NUM_SAMPLES, NUM_SAMPLED_ROWS = 64, 500
MIN_EMBEDDED, MAX_EMBEDDED = 100, 1000
WORK_SHARE = 0.01  # of the training's products; small calls and the disk make it 2 to 3 % of its time


@dataclass(frozen=True)
class Snapshot:
    """Hold what a model looked like at one step.

    Images are uint8, 0 … 255; rows of tables are float32, as the model sees them.

    Arguments:
        step: Steps done.
        epoch: The same in epochs.
        samples: `(S, *shape)`, at the same draws of the prior in every snapshot: means of p(x | z) for images, draws
            from it for a table.
        reconstructions: `(R, *shape)`, of the examples `examples`: a few images, or a table's embedded rows.
        manifold: `(n, n, *shape)`, the plane of the first two dimensions (see `tasks.manifold`), the others at a draw
            of the prior; `n = 0` where there is but one.
        mean: `(N, D)` float32, the posterior means of the examples `embedded`.
        examples: `(R,)` int64, numbers in the run's default split.
        embedded: `(N,)` int64, numbers in the run's default split, evenly spread.
        rate_per_dim: `(D,)` float32, each dimension's rate, nats, the mean over the examples `embedded`; NaN where the
            model has no rate, its dimensions do not factorise, or the file is of a time that did not keep it.
    """

    step: int
    epoch: float
    samples: NDArray
    reconstructions: NDArray
    manifold: NDArray
    mean: NDArray[np.float32]
    examples: NDArray[np.int64]
    embedded: NDArray[np.int64]
    rate_per_dim: NDArray[np.float32]

    def save(self, folder: Path) -> None:
        """Write the snapshot's file.

        Raises:
            VaelError: The file cannot be written.
        """
        arrays = {item.name: np.asarray(getattr(self, item.name)) for item in fields(self)}
        with atomic_path(_path(folder, self.step)) as temporary, temporary.open("wb") as handle:
            np.savez(handle, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> "Snapshot":
        """Read one file.

        Raises:
            VaelError: The file is damaged.
        """
        found = _read(path, tuple(item.name for item in fields(cls)))
        return cls(**found | {"step": int(found["step"]), "epoch": float(found["epoch"])})


@dataclass(frozen=True)
class RateHistory:
    """Hold what each latent dimension cost through a training.

    Arguments:
        steps: `(S,)` int64, rising: the steps of the snapshots.
        epochs: `(S,)` float64, the same in epochs.
        rate_per_dim: `(S, D)` float32, nats; NaN where a snapshot does not know it.
    """

    steps: NDArray[np.int64]
    epochs: NDArray[np.float64]
    rate_per_dim: NDArray[np.float32]


@dataclass(frozen=True)
class Snapshots:
    """Take and keep the snapshots of one run.

    Arguments:
        folder: Where they lie.
    """

    folder: Path

    def paths(self) -> list[Path]:
        """List the files, oldest first."""
        return sorted(self.folder.glob("step_*.npz"))

    def load(self) -> list[Snapshot]:
        """Read all of them, oldest first.

        Raises:
            VaelError: One is damaged.
        """
        return [Snapshot.load(path) for path in self.paths()]

    def steps(self) -> list[int]:
        """List the steps that have a snapshot, in rising order, without reading one."""
        return [_step_of(path) for path in self.paths()]

    def load_at(self, step: int) -> Snapshot:
        """Read the snapshot of one step.

        Raises:
            VaelError: There is none at that step, or it is damaged.
        """
        steps = self.steps()
        if step not in steps:
            closest = min(steps, key=lambda other: abs(other - step), default=None)
            hint = "there are none" if closest is None else f"the closest is at step {closest}"
            raise VaelError(f"no snapshot at step {step} in {self.folder}: {hint}")
        return Snapshot.load(_path(self.folder, step))

    def rate_history(self) -> RateHistory | None:
        """Read what each dimension cost at each snapshot, and nothing else of them; None where there are none.

        Raises:
            VaelError: One is damaged.
        """
        found = [_read(path, ("step", "epoch", "rate_per_dim")) for path in self.paths()]
        if not found:
            return None
        steps, epochs, rates = (np.stack([each[name] for each in found]) for name in ("step", "epoch", "rate_per_dim"))
        return RateHistory(steps, epochs, rates)

    def forget_after(self, step: int) -> None:
        """Delete those that a training taken up again at `step` will make anew."""
        for path in self.paths():
            if _step_of(path) > step:
                path.unlink()

    def take(
        self,
        model: VAE,
        data: DeviceData,
        *,
        step: int,
        steps_per_epoch: int,
        examples: Sequence[int],
        num_embedded: int,
        seed: int,
    ) -> None:
        """Picture the model as it is and keep the picture.

        Arguments:
            model: The model with the weights to use, in evaluation mode.
            data: The split that examples are taken from.
            step: Steps done.
            steps_per_epoch: Steps of one epoch.
            examples: Numbers of the examples to reconstruct; those that the split does not have are left out.
            num_embedded: About how many examples to embed.
            seed: Seed of the samples and of treatments that draw x.
        """
        embedded = torch.arange(0, len(data), max(1, -(-len(data) // num_embedded)))
        chosen = torch.tensor([index for index in examples if 0 <= index < len(data)], dtype=torch.int64)
        chosen = chosen if model.observation.is_image else embedded
        with seeded(seed), torch.inference_mode():
            encoding = encode(model, data.batch(embedded.to(data.device)))
            reconstructed = terms_at_mean(model, data.batch(chosen.to(data.device))).p_x.mean
        shape, is_image = model.observation.shape, model.observation.is_image
        plane = np.zeros((0, 0, *shape), np.float32)
        if model.latent_dim >= 2:
            plane = manifold(model, fitting_points(shape), start=draw_latent(model, seed=seed)).x
        samples = sample(model, NUM_SAMPLES if is_image else NUM_SAMPLED_ROWS, seed=seed, mean=is_image).x
        Snapshot(
            step=step,
            epoch=step / steps_per_epoch,
            samples=_small(model, samples),
            reconstructions=_small(model, reconstructed.float().cpu().numpy()),
            manifold=_small(model, plane),
            mean=encoding.mean.float().cpu().numpy(),
            examples=chosen.numpy(),
            embedded=embedded.numpy(),
            rate_per_dim=encoding.rate_per_dim.float().mean(0).cpu().numpy(),
        ).save(self.folder)


def snapshot_steps(total_steps: int, count: int) -> list[int]:
    """Choose about `count` steps of a training in a geometric series, with its start (0) and its end.

    A model changes most at first: equal ratios between steps show about equal changes.

    >>> snapshot_steps(1000, 7)
    [0, 1, 4, 16, 63, 251, 1000]
    """
    if count == 0 or total_steps == 0:
        return [0] * min(count, 1)
    series = np.geomspace(1, total_steps, max(count - 1, 1))
    return [0, *sorted({*(round(step) for step in series), total_steps})]


def affordable_embeddings(model: VAE, *, examples_trained: int, num_snapshots: int) -> int:
    """Say how many examples each snapshot can embed for `WORK_SHARE` of the training's work.

    Training on one example costs about three passes through both networks; encoding or decoding one costs half a pass.
    """
    passes = WORK_SHARE * 3 * examples_trained / max(num_snapshots, 1)
    decoded = NUM_SAMPLES + fitting_points(model.observation.shape) ** 2
    return int(min(max(2 * passes - decoded, MIN_EMBEDDED), MAX_EMBEDDED))


def _small(model: VAE, x: NDArray) -> NDArray:
    """Keep images as bytes; where a training has diverged, what is no number is black."""
    if not model.observation.is_image:
        return x
    return np.rint(np.clip(np.nan_to_num(x / model.observation.scale), 0, 1) * 255).astype(np.uint8)


def _read(path: Path, names: Sequence[str]) -> dict[str, Any]:
    """Read some arrays of a snapshot's file; the rates of a file of a time that did not keep them are NaN.

    Raises:
        VaelError: The file is damaged.
    """
    try:
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in names if name != "rate_per_dim" or name in arrays}
            if "rate_per_dim" in names and "rate_per_dim" not in found:
                found["rate_per_dim"] = np.full(arrays["mean"].shape[1], np.nan, np.float32)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise VaelError(f"{path} is damaged ({error}): delete it, the animation goes on without it") from None
    return found


def _path(folder: Path, step: int) -> Path:
    return folder / f"step_{step:09d}.npz"


def _step_of(path: Path) -> int:
    return int(path.stem.removeprefix("step_"))
