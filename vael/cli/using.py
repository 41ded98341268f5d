"""`vael sample`, `vael reconstruct`, `vael denoise`, `vael interpolate`, `vael embed`."""

import json as json_module
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from vael.cli.options import Output, Places, open_run
from vael.errors import VaelError
from vael.files import read_file
from vael.recipe import parse_settings

if TYPE_CHECKING:
    from vael.experiments import Run

__all__ = ["denoise", "embed", "interpolate", "reconstruct", "sample"]

Flag = Annotated[bool, Parameter(negative="")]


def sample(
    run: str,
    *,
    num_samples: int = 64,
    seed: int = 0,
    draw: Flag = False,
    label: str | None = None,
    output: Output = None,
    places: Places | None = None,
) -> None:
    """Make examples up: z from the prior, x from the decoder.

    For example:

        vael sample basic-1
        vael sample wine-1 --num-samples 1000 --draw --output made-up.csv
        vael sample by-label-1 --label 7

    Parameters
    ----------
    run
        A run's name or path.
    num_samples
        How many.
    seed
        Seed of the draws.
    draw
        Draw x from p(x|z) instead of showing its mean.
    label
        The label of all of them, for a model that was trained with model.condition=label; without it one label
        follows the other.
    output
        Where to: .png is a grid; .npz, .csv and .parquet hold the numbers. Without it, a file in the run's folder.
    """
    from vael.cli.outputs import write_images, write_numbers

    opened = open_run(run, places)
    samples = opened.sample(num_samples, seed=seed, mean=not draw, label=label)
    path = output or _default_output(opened, "samples")
    if _is_picture(path):
        _say(write_images(path, opened, samples.x))
    else:
        _say(write_numbers(path, {"x": opened.in_file_units(samples.x), "z": samples.z}, opened.columns))


def reconstruct(
    run: str,
    *,
    examples: Annotated[list[int] | None, Parameter(negative="")] = None,
    split: str | None = None,
    output: Output = None,
    places: Places | None = None,
) -> None:
    """Encode examples and decode them again: originals above, reconstructions below.

    For example:

        vael reconstruct basic-1
        vael reconstruct basic-1 --examples 1 --examples 4 --output pairs.png

    Parameters
    ----------
    run
        A run's name or path.
    examples
        Numbers of the examples; the first ten without it.
    split
        Which examples: train, valid or test.
    output
        Where to: .png, .npz, .csv or .parquet. Without it, a file in the run's folder.
    """
    from vael.cli.outputs import write_numbers, write_pairs

    opened = open_run(run, places)
    result = opened.reconstruct(examples, split=split)
    path = output or _default_output(opened, "reconstructions")
    if _is_picture(path):
        _say(write_pairs(path, opened, result.x, result.mean))
        return
    numbers = {
        "x": opened.in_file_units(result.mean),
        "original": opened.in_file_units(result.x),
        "rate_nats": result.rate_nats,
        "distortion_nats": result.distortion_nats,
    }
    _say(write_numbers(path, numbers, opened.columns))


def denoise(
    run: str,
    file: Path | None = None,
    *,
    examples: Annotated[list[int] | None, Parameter(negative="", consume_multiple=True)] = None,
    noise: str | None = None,
    split: str | None = None,
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
    examples
        Numbers of examples of the split; the first ten without it and without FILE.
    noise
        gaussian, salt-and-pepper or masking, or {name="…", …} with its options; that of the training by default.
    split
        Which examples: train, valid or test.
    num_samples
        Draws of z whose means are averaged: the more, the nearer to the estimate of least squared error.
    seed
        Seed of noise and draws.
    output
        Where to: .png, .npz, .csv or .parquet. Without it, a file in the run's folder.
    json
        Print one JSON object.
    """
    import numpy as np

    from vael.cli.outputs import write_images, write_numbers

    if file is not None and (examples is not None or noise is not None):
        raise VaelError("denoise expects a file, or examples and a noise, got both: leave one out")
    opened = open_run(run, places)
    chosen = examples if file is None else opened.examples_from(read_file(file), name=str(file))
    settings = {} if noise is None else parse_settings([f"noise={noise}"])
    result = opened.denoise(chosen, noise=settings.get("noise"), split=split, num_samples=num_samples, seed=seed)
    path = output or _default_output(opened, "denoised")
    if _is_picture(path):
        rows = [part for part in (result.x, result.seen, result.mean) if part is not None]
        write_images(path, opened, np.concatenate(rows), columns=len(result.mean))
    else:
        named = {"x": result.mean, "seen": result.seen, "clean": result.x}
        numbers = {name: opened.in_file_units(part) for name, part in named.items() if part is not None}
        write_numbers(path, numbers, opened.columns)
    quality = {
        name: {"psnr_db": float(part.psnr_db.mean()), "ssim": float(part.ssim.mean())}
        for name, part in {"before": result.before, "after": result.after}.items()
        if part is not None
    }
    if json:
        print(json_module.dumps({"output": str(path), "count": len(result.mean), **quality}))
        return
    for name, means in quality.items():
        ssim = "" if math.isnan(means["ssim"]) else f", SSIM {means['ssim']:.3f}"
        print(f"{'spoilt' if name == 'before' else 'mended'}: PSNR {means['psnr_db']:.2f} dB{ssim}")
    _say(path)


def interpolate(
    run: str,
    *,
    start: Annotated[int, Parameter(name="--from")],
    end: Annotated[int, Parameter(name="--to")],
    num_steps: int = 10,
    path: Literal["straight", "spherical"] = "straight",
    split: str | None = None,
    output: Output = None,
    places: Places | None = None,
) -> None:
    """Walk from one example to another through the latent space.

    For example:

        vael interpolate basic-1 --from 0 --to 7
        vael interpolate basic-1 --from 0 --to 7 --path spherical --num-steps 16 --output walk.png

    Parameters
    ----------
    run
        A run's name or path.
    start
        Number of the first example.
    end
        Number of the last example.
    num_steps
        How many points, both ends counted.
    path
        A straight line or the great circle.
    split
        Which examples: train, valid or test.
    output
        Where to: .png, .npz, .csv or .parquet. Without it, a file in the run's folder.
    """
    from vael.cli.outputs import write_images, write_numbers

    opened = open_run(run, places)
    walk = opened.interpolate(start, end, num_steps=num_steps, path=path, split=split)
    target = output or _default_output(opened, f"interpolation_{start}_{end}")
    if _is_picture(target):
        _say(write_images(target, opened, walk.x, columns=num_steps))
    else:
        _say(write_numbers(target, {"x": opened.in_file_units(walk.x), "z": walk.z}, opened.columns))


def embed(
    run: str,
    *,
    split: str | None = None,
    output: Output = None,
    places: Places | None = None,
) -> None:
    """Write the posterior of every example: mean, standard deviation and rate, with its label.

    For example:

        vael embed basic-1 --output z.npz
        vael embed basic-1 --split train --output z.parquet

    Parameters
    ----------
    run
        A run's name or path.
    split
        Which examples: train, valid or test.
    output
        Where to: .npz, .csv or .parquet. Without it, a file in the run's folder.
    """
    from vael.cli.outputs import write_numbers

    opened = open_run(run, places)
    path = output or opened.path / "embeddings.npz"
    if _is_picture(path):
        raise VaelError(f"embeddings are numbers, got the output '{path.name}': use .npz, .csv or .parquet")
    embedding, labels = opened.embed(split), opened.labels(split)
    numbers = {"mean": embedding.mean, "stddev": embedding.stddev, "rate_nats": embedding.rate_nats}
    _say(write_numbers(path, numbers | ({"label": labels} if labels else {}), ()))


def _default_output(run: "Run", name: str) -> Path:
    return run.path / "figures" / f"{name}.png" if run.is_image else run.path / f"{name}.csv"


def _is_picture(path: Path) -> bool:
    return path.suffix not in (".npz", ".csv", ".parquet")


def _say(path: Path) -> None:
    print(path)
