"""Animations: a model through its training, from the snapshots that the training kept."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from vael.errors import VaelError, unknown_name
from vael.experiments import Run
from vael.experiments.snapshots import Snapshot
from vael.figures import (
    captioned,
    draw_agreement,
    draw_columns,
    draw_embedding,
    draw_surfaces,
    figure_pixels,
    image_grid,
    pair_grid,
    save_animation,
)
from vael.figures.animation import FORMATS
from vael.figures.grid import Pixels, tile
from vael.runs import atomic_path
from vael.tasks.manifold import grid_values
from vael.tasks.project import principal_plane
from vael.views.moments import early_part, name_moment, read_snapshots
from vael.views.samples import MAX_ROWS

__all__ = ["ANIMATIONS", "Animation", "animate"]

FRAME, FIRST, LAST = 150, 600, 2000  # milliseconds
WIDTH = 560  # pixels of a decoded plane, about


class Animation(ABC):
    """Turn snapshots into frames, one each."""

    summary: ClassVar[str]

    @abstractmethod
    def frames(self, run: Run, snapshots: Sequence[Snapshot], theme: str) -> Iterator[Pixels]:
        """Yield a frame `(H, W, 3)` a snapshot, all of one size.

        Raises:
            VaelError: The model has nothing of this kind to show.
        """


class ManifoldAnimation(Animation):
    """The plane of the first two latent dimensions taking shape."""

    summary = "the plane of the first two latent dimensions"

    def frames(self, run: Run, snapshots: Sequence[Snapshot], theme: str) -> Iterator[Pixels]:
        side = len(snapshots[-1].manifold)
        if side == 0:
            raise VaelError(f"run {run.name} has one latent dimension and no plane: animate samples or reconstructions")
        for snapshot in snapshots:
            if run.is_image:
                yield _plane(run.pixels(snapshot.manifold))
                continue
            values = run.in_file_units(snapshot.manifold).transpose(2, 0, 1)
            z = grid_values(side).numpy()
            yield figure_pixels(draw_surfaces(values, x=z, y=z, columns=run.columns, names=("z0", "z1"), theme=theme))


def _plane(images: Pixels) -> Pixels:
    """Lay a grid `(n, n, H, W, 3)` out without gaps, the second dimension upwards, about `WIDTH` pixels wide."""
    plane = tile(images[::-1], gap=(0, 0), background=(0, 0, 0))
    factor = max(1, WIDTH // plane.shape[1])
    return plane.repeat(factor, axis=0).repeat(factor, axis=1)


class ReconstructionsAnimation(Animation):
    """The same examples, ever better told."""

    summary = "the same examples' reconstructions, originals above; for a table, one against the other"

    def frames(self, run: Run, snapshots: Sequence[Snapshot], theme: str) -> Iterator[Pixels]:
        examples = snapshots[-1].examples.tolist()
        if not examples:
            raise VaelError(f"run {run.name} has no examples to reconstruct: set training.snapshot_examples")
        original = run.batch(examples).x.cpu().numpy()
        for snapshot in snapshots:
            if run.is_image:
                yield pair_grid(run.pixels(original), run.pixels(snapshot.reconstructions))
                continue
            x, mean = run.in_file_units(original), run.in_file_units(snapshot.reconstructions)
            yield figure_pixels(draw_agreement(x, mean, columns=run.columns, theme=theme))


class SamplesAnimation(Animation):
    """The same draws of the prior, decoded."""

    summary = "the same draws of the prior, decoded; for a table, each column's histogram beside the data's"

    def frames(self, run: Run, snapshots: Sequence[Snapshot], theme: str) -> Iterator[Pixels]:
        for snapshot in snapshots:
            if run.is_image:
                yield image_grid(run.pixels(snapshot.samples))
                continue
            data, samples = run.in_file_units(run.rows()[:MAX_ROWS]), run.in_file_units(snapshot.samples)
            yield figure_pixels(draw_columns(data, samples, columns=run.columns, theme=theme))


class EmbeddingsAnimation(Animation):
    """Where the examples lie, in one fixed plane: that of the last snapshot."""

    summary = "the posterior means in the plane that shows the last ones best"

    def frames(self, run: Run, snapshots: Sequence[Snapshot], theme: str) -> Iterator[Pixels]:
        latent_dim = snapshots[-1].mean.shape[1]
        if latent_dim < 2:
            raise VaelError(f"run {run.name} has one latent dimension and no plane: animate samples or reconstructions")
        names, found = run.labels(), snapshots[-1]
        labels = [names[i] for i in found.embedded] if names else None
        plane, axes = np.eye(2), ("z0", "z1")
        if latent_dim > 2:
            plane, axes = principal_plane(found.mean)[0], ("PC 1 of the last", "PC 2 of the last")
        points = [snapshot.mean @ plane for snapshot in snapshots]
        limits = float(np.quantile(np.abs(np.concatenate(points)), 0.999)) * 1.05
        for each in points:
            figure = draw_embedding(each, labels=labels, axes=axes, limits=limits, theme=theme)
            yield figure_pixels(figure, dpi=160)


ANIMATIONS: dict[str, type[Animation]] = {
    "manifold": ManifoldAnimation,
    "reconstructions": ReconstructionsAnimation,
    "samples": SamplesAnimation,
    "embeddings": EmbeddingsAnimation,
}


def animate(
    run: Run,
    kind: str,
    *,
    early: bool = False,
    theme: str = "light",
    format: str = "gif",  # noqa: A002 (the word that users know)
    output: Path | None = None,
) -> Path:
    """Write an animation of a run's training and return its path.

    Arguments:
        run: A run that kept snapshots.
        kind: One of `ANIMATIONS`.
        early: Only the first tenth of the training, where most happens.
        theme: `light` or `dark`.
        format: `gif`, `webp` or `mp4`; an output's own ending wins.
        output: A file; None is `figures/KIND.FORMAT` in the run's folder.

    Raises:
        VaelError: An unknown kind or format, no snapshots, nothing of this kind to show, or a file that cannot be
            written (mp4 needs ffmpeg).
    """
    if kind not in ANIMATIONS:
        raise unknown_name("animation", kind, ANIMATIONS)
    if format not in FORMATS:
        raise unknown_name("format", format, FORMATS)
    suffix = ("-early" if early else "") + ("" if theme == "light" else f"-{theme}")
    path = Path(output) if output else run.path / "figures" / f"{kind}{suffix}.{format}"
    if path.suffix.lstrip(".") not in FORMATS:
        raise VaelError(f"an animation expects an output ending in .gif, .webp or .mp4, got '{path.name}'")
    snapshots = read_snapshots(run)
    if early:
        snapshots = early_part(snapshots)
    last = max(snapshots[-1].step, 1)
    frames = [
        captioned(frame, text=name_moment(snapshot), progress=snapshot.step / last, theme=theme)
        for frame, snapshot in zip(ANIMATIONS[kind]().frames(run, snapshots, theme), snapshots, strict=True)
    ]
    times = [FIRST, *[FRAME] * (len(frames) - 2), LAST][: len(frames)]
    with atomic_path(path) as temporary:
        save_animation(temporary, frames, milliseconds=times)
    return path
