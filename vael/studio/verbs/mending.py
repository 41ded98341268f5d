"""Mend, fill and colour examples of a run's default split, or an image or rows from outside."""

from collections.abc import Sequence
from dataclasses import Field, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vael.data.corruptions import CORRUPTIONS, Corruption
from vael.errors import VaelError
from vael.experiments import Run
from vael.studio.desk import Desk
from vael.studio.packing import pack
from vael.studio.uploads import Upload
from vael.tasks import Quality
from vael.types import Batch

__all__ = ["Subject", "colorize", "denoise", "find_number", "inpaint"]


@dataclass(frozen=True)
class Subject:
    """Name what is to be mended.

    Arguments:
        examples: Numbers of examples of the default split, where there is no upload.
        upload: An image or rows from outside, of which the first is taken.
        label: What the upload shows, for a conditional model.
    """

    examples: Sequence[int] = ()
    upload: Upload | None = None
    label: str | None = None

    def chosen(self, run: Run, *, may_miss: bool = False) -> list[int] | Batch:
        """Return what a run's verbs take.

        Raises:
            VaelError: No such example, or an upload that does not fit.
        """
        if self.upload is None:
            return run.find_examples(self.examples)
        content, name = self.upload.content, self.upload.shown
        return run.examples_from(content, name=name, label=self.label, may_miss=may_miss).rows(slice(0, 1))

    def described(self, run: Run) -> dict[str, Any]:
        """Return the numbers and labels of the examples; none of an upload."""
        if self.upload is not None:
            return {"examples": None, "labels": None}
        numbers, labels = run.find_examples(self.examples), run.labels()
        return {"examples": numbers, "labels": labels and [labels[number] for number in numbers]}


def denoise(
    desk: Desk, subject: Subject, *, noise: str | None = None, amount: float | None = None, seed: int = 0
) -> dict[str, Any]:
    """Spoil examples and mend them; an upload is mended as it is.

    Arguments:
        desk: The run.
        subject: What to mend.
        noise: The name of a corruption; that of the training without it.
        amount: The noise's one number: sigma or the share of spoilt cells.
        seed: Seed of noise and draws.

    Raises:
        VaelError: As `Run.denoise`.
    """
    with desk.lock:
        found = desk.run.denoise(subject.chosen(desk.run), noise=_noise(noise, amount), seed=seed)
        return {
            **subject.described(desk.run),
            "x": _packed(desk, found.x),
            "seen": _packed(desk, found.seen),
            "mean": _packed(desk, found.mean),
            "before": _quality(found.before),
            "after": _quality(found.after),
        }


def _noise(name: str | None, amount: float | None) -> dict[str, Any] | str | None:
    """Return a corruption with its number, in the terms of a recipe; an unknown name stays one and is refused there."""
    if name not in CORRUPTIONS or amount is None:
        return name
    number = find_number(CORRUPTIONS[name])
    return name if number is None else {"name": name, number.name: amount}


def find_number(corruption: type[Corruption]) -> Field[Any] | None:
    """Return the field that says how much a corruption spoils; None where it has none."""
    return next((item for item in fields(corruption) if item.name in ("sigma", "share")), None)


def _quality(quality: Quality | None) -> dict[str, Any] | None:
    """Return how near each image is to the clean one, and in the mean."""
    if quality is None:
        return None
    means = {"mean_psnr_db": float(quality.psnr_db.mean()), "mean_ssim": float(quality.ssim.mean())}
    return {"psnr_db": quality.psnr_db, "ssim": quality.ssim, **means}


def inpaint(
    desk: Desk, subject: Subject, *, mask: bytes | None = None, num_fills: int = 4, seed: int = 0
) -> dict[str, Any]:
    """Hide what a mask says and fill it several times; of rows from outside the cells that are missing.

    Arguments:
        desk: The run.
        subject: What to fill.
        mask: A byte for each pixel, row by row, not 0 where it is hidden; None hides nothing more.
        num_fills: How many fills.
        seed: Seed of the chains.

    Raises:
        VaelError: A mask of another size, or as `Run.inpaint`.
    """
    with desk.lock:
        run = desk.run
        chosen = subject.chosen(run, may_miss=not run.is_image)
        found = run.inpaint(chosen, hide=None if mask is None else _mask(run, mask), num_fills=num_fills, seed=seed)
        hidden = np.float32(0.5 * run.observation.scale if run.is_image else np.nan)
        return {
            **subject.described(run),
            "x": _packed(desk, found.x),
            "seen": _packed(desk, np.where(found.observed, found.x, hidden)),
            "observed": pack(found.observed.astype(np.uint8)),
            "fills": _packed(desk, found.fills),
            "mean": _packed(desk, found.mean),
            "hidden": float(1 - found.observed.mean()),
            "acceptance": float(found.acceptance.mean()),
        }


def _mask(run: Run, content: bytes) -> NDArray[np.bool_]:
    """Return a mask as the truth of each pixel, `(1, H, W)`."""
    if not run.is_image:
        raise VaelError(f"a mask is of images, the data of {run.name} are a table: empty the cells to fill")
    _, height, width = run.observation.shape
    if len(content) != height * width:
        raise VaelError(f"a mask expects {height} × {width} pixels, a byte each, got {len(content)} bytes")
    return np.frombuffer(content, np.uint8).reshape(1, height, width) != 0


def colorize(desk: Desk, subject: Subject, *, num_colourings: int = 4, seed: int = 0) -> dict[str, Any]:
    """Take the colours of examples away and give them others; of an upload its own colours are not looked at.

    Raises:
        VaelError: As `Run.colorize`.
    """
    with desk.lock:
        found = desk.run.colorize(subject.chosen(desk.run), num_colourings=num_colourings, seed=seed)
        return {
            **subject.described(desk.run),
            "x": _packed(desk, found.x),
            "grey": _packed(desk, found.grey),
            "colourings": _packed(desk, found.colourings),
            "grey_psnr_db": found.grey_psnr_db,
            "psnr_db": found.psnr_db,
        }


def _packed(desk: Desk, x: NDArray | None) -> dict[str, Any] | None:
    """Pack observations `(…, *shape)` as pictures or rows; None stays None."""
    return None if x is None else pack(desk.pictures(x))
