"""`vael denoise`, `vael inpaint`, `vael colorize`."""

import json as json_module
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from vael.cli.options import Output, Places, open_run
from vael.cli.outcome import default_output, is_picture
from vael.errors import VaelError
from vael.files import read_file
from vael.recipe import parse_settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vael.experiments import Run
    from vael.types import Batch

__all__ = ["colorize", "denoise", "inpaint"]

Flag = Annotated[bool, Parameter(negative="")]


@Parameter(name="*")
@dataclass(frozen=True)
class Examples:
    """Which examples, where no file is given."""

    examples: Annotated[list[int] | None, Parameter(negative="", consume_multiple=True)] = None
    "Numbers of examples of the split; the first ten without it and without FILE."

    split: str | None = None
    "Which examples: train, valid or test."

    label: str | None = None
    "What FILE shows, for a model that was trained with model.condition=label."


def denoise(
    run: str,
    file: Path | None = None,
    *,
    examples: Examples | None = None,
    noise: str | None = None,
    num_samples: int = 16,
    seed: int = 0,
    output: Output = None,
    places: Places | None = None,
    json: Flag = False,
) -> None:
    """Spoil examples and mend them: clean above, spoilt in the middle, mended below. Or mend FILE as it is.

    For example:

        vael denoise mends-1
        vael denoise mends-1 --examples 1 4 7 --noise '{name="salt-and-pepper", share=0.2}'
        vael denoise mends-1 noisy.png --output clean.png

    Parameters
    ----------
    run
        A run's name or path; one trained with `training.corruption` does it best.
    file
        A spoilt image, or a .csv of rows, from outside.
    noise
        gaussian, salt-and-pepper, masking or greyscale, or {name="…", …} with its options; that of the training by
        default.
    num_samples
        Draws of z whose means are averaged: the more, the nearer to the estimate of least squared error.
    seed
        Seed of noise and draws.
    output
        Where to: .png, .npz, .csv or .parquet. Without it, a file in the run's folder.
    json
        Print one JSON object.
    """
    examples = examples or Examples()
    if file is not None and (examples.examples is not None or noise is not None):
        raise VaelError("denoise expects a file, or examples and a noise, got both: leave one out")
    opened = open_run(run, places)
    settings = {} if noise is None else parse_settings([f"noise={noise}"])
    result = opened.denoise(
        _chosen(opened, file, examples, "denoise"),
        noise=settings.get("noise"),
        split=examples.split,
        num_samples=num_samples,
        seed=seed,
    )
    path = output or default_output(opened, "denoised")
    _write(path, opened, {"clean": result.x, "seen": result.seen, "x": result.mean})
    quality = {
        name: {"psnr_db": float(part.psnr_db.mean()), "ssim": float(part.ssim.mean())}
        for name, part in {"before": result.before, "after": result.after}.items()
        if part is not None
    }
    lines = []
    for name, means in quality.items():
        ssim = "" if math.isnan(means["ssim"]) else f", SSIM {means['ssim']:.3f}"
        lines.append(f"{'spoilt' if name == 'before' else 'mended'}: PSNR {means['psnr_db']:.2f} dB{ssim}")
    _tell(path, {"count": len(result.mean), **quality}, lines, json=json)


def inpaint(
    run: str,
    file: Path | None = None,
    *,
    examples: Examples | None = None,
    hide: str | None = None,
    mask: Path | None = None,
    num_fills: int = 4,
    num_steps: int = 200,
    draw: Flag = False,
    seed: int = 0,
    output: Output = None,
    places: Places | None = None,
    json: Flag = False,
) -> None:
    """Hide a part of examples or of FILE and fill it several times: original, what is seen of it, then each fill.

    For example:

        vael inpaint binary-20-1
        vael inpaint binary-20-1 --examples 1 4 7 --hide bottom --num-fills 8
        vael inpaint binary-20-1 torn.png --mask holes.png --output whole.png
        vael inpaint wine-1 --hide 0.2 --output filled.csv
        vael inpaint wine-1 holes.csv --output whole.csv

    Parameters
    ----------
    run
        A run's name or path.
    file
        An image, or a .csv of rows, from outside; cells that are empty (or "?", "NA") are filled.
    hide
        centre, left, right, top or bottom of images, or a share from 0 to 1 of all pixels or cells, drawn by chance;
        centre, or 0.3 of a table's cells, by default.
    mask
        An image of what is missing: white where it is.
    num_fills
        How many fills, each by a chain of its own.
    num_steps
        Steps of a chain: the more, the less its start matters.
    draw
        Draw the missing cells from p(x|z) instead of showing its mean.
    seed
        Seed of what is hidden and of the chains.
    output
        Where to: .png, .npz, .csv or .parquet. Without it, a file in the run's folder.
    json
        Print one JSON object.
    """
    import numpy as np

    examples = examples or Examples()
    if hide is not None and mask is not None:
        raise VaelError("inpaint expects --hide or --mask, got both: leave one out")
    opened = open_run(run, places)
    result = opened.inpaint(
        _chosen(opened, file, examples, "inpaint"),
        hide=_share(hide) if mask is None else _read_mask(opened, mask),
        split=examples.split,
        num_fills=num_fills,
        num_steps=num_steps,
        draw=draw,
        seed=seed,
    )
    fills = {f"fill_{number}": fill for number, fill in enumerate(result.fills, 1)}
    path = output or default_output(opened, "inpainted")
    if is_picture(path) and opened.is_image:
        hidden = np.float32(0.5 * opened.observation.scale)
        _write(path, opened, {"original": result.x, "seen": np.where(result.observed, result.x, hidden), **fills})
    else:
        _write(path, opened, {"x": result.mean, **fills}, extra={"observed": result.observed.astype(np.uint8)})
    shares = {"hidden": float(1 - result.observed.mean()), "acceptance": float(result.acceptance.mean())}
    line = f"{shares['hidden']:.0%} hidden; {shares['acceptance']:.1%} of the proposals taken"
    _tell(path, {"count": len(result.x), "num_fills": num_fills, **shares}, [line], json=json)


def colorize(
    run: str,
    file: Path | None = None,
    *,
    examples: Examples | None = None,
    num_colourings: int = 4,
    seed: int = 0,
    output: Output = None,
    places: Places | None = None,
    json: Flag = False,
) -> None:
    """Take the colours of examples away and give them others: original, grey, then each colouring. Or colour FILE.

    For example:

        vael colorize colours-1
        vael colorize colours-1 --examples 1 4 7 --num-colourings 8
        vael colorize colours-1 old.jpg --output new.png

    Parameters
    ----------
    run
        A run's name or path; one trained with `training.corruption=greyscale` does it best.
    file
        An image from outside; if it has colours, they are taken away.
    num_colourings
        How many, each from a draw of z.
    seed
        Seed of the draws.
    output
        Where to: .png, .npz, .csv or .parquet. Without it, a file in the run's folder.
    json
        Print one JSON object.
    """
    import numpy as np

    examples, opened = examples or Examples(), open_run(run, places)
    chosen = _chosen(opened, file, examples, "colorize")
    result = opened.colorize(chosen, split=examples.split, num_colourings=num_colourings, seed=seed)
    path = output or default_output(opened, "colourings")
    colourings = {f"colouring_{number}": part for number, part in enumerate(result.colourings, 1)}
    grey = np.broadcast_to(result.grey, result.colourings.shape[1:])
    _write(path, opened, {"original": result.x, "grey": grey, **colourings})
    psnr, lines = {}, []
    if result.psnr_db is not None and result.grey_psnr_db is not None:
        psnr = {"grey_psnr_db": float(result.grey_psnr_db.mean()), "psnr_db": float(result.psnr_db.mean())}
        lines = [f"grey: PSNR {psnr['grey_psnr_db']:.2f} dB", f"coloured: PSNR {psnr['psnr_db']:.2f} dB"]
    _tell(path, {"count": len(result.grey), "num_colourings": num_colourings, **psnr}, lines, json=json)


def _chosen(run: "Run", file: Path | None, examples: Examples, verb: str) -> "list[int] | Batch | None":
    """Return the numbers of examples, or what a file from outside holds."""
    if file is None:
        return examples.examples
    if examples.examples is not None:
        raise VaelError(f"{verb} expects a file or --examples, got both: leave one out")
    may_miss = verb == "inpaint"
    return run.examples_from(read_file(file), name=str(file), label=examples.label, may_miss=may_miss)


def _share(hide: str | None) -> str | float | None:
    """Return a share as a number; names stay words."""
    try:
        return None if hide is None else float(hide)
    except ValueError:
        return hide


def _read_mask(run: "Run", path: Path) -> "NDArray[np.bool_]":
    """Return True where an image is white rather than black, `(1, H, W)`, fitted as an example is."""
    from vael.data.foreign import read_image

    if not run.is_image:
        raise VaelError(f"--mask is of images, the data of {run.name} are a table: use --hide 0.3")
    shape = (1, *run.observation.shape[1:])
    return read_image(read_file(path), shape=shape, num_levels=256, name=str(path))[0] >= 128


def _write(
    path: Path,
    run: "Run",
    parts: "Mapping[str, NDArray | None]",
    *,
    extra: "Mapping[str, NDArray] | None" = None,
) -> None:
    """Write arrays `(B, *shape)` that are there: as rows of a picture, or as numbers, x first, with others beside."""
    import numpy as np

    from vael.cli.outputs import write_images, write_numbers

    found = {name: part for name, part in parts.items() if part is not None}
    if is_picture(path):
        rows = list(found.values())
        write_images(path, run, np.concatenate(rows), columns=len(rows[0]))
        return
    numbers = {name: run.in_file_units(found[name]) for name in sorted(found, key=lambda name: name != "x")}
    write_numbers(path, {**numbers, **(extra or {})}, run.columns)


def _tell(path: Path, facts: Mapping[str, Any], lines: list[str], *, json: bool) -> None:
    """Print what came out, as lines or as one JSON object."""
    if json:
        print(json_module.dumps({"output": str(path), **facts}))
        return
    print(*lines, path, sep="\n")
