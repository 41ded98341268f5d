"""`vael sample`, `vael reconstruct`, `vael interpolate`, `vael embed`."""

from typing import Annotated, Literal

from cyclopts import Parameter

from vael.cli.options import Output, Places, open_run
from vael.cli.outcome import default_output, is_picture, say
from vael.errors import VaelError

__all__ = ["embed", "interpolate", "reconstruct", "sample"]

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
    path = output or default_output(opened, "samples")
    if is_picture(path):
        say(write_images(path, opened, samples.x))
    else:
        say(write_numbers(path, {"x": opened.in_file_units(samples.x), "z": samples.z}, opened.columns))


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
    path = output or default_output(opened, "reconstructions")
    if is_picture(path):
        say(write_pairs(path, opened, result.x, result.mean))
        return
    numbers = {
        "x": opened.in_file_units(result.mean),
        "original": opened.in_file_units(result.x),
        "rate_nats": result.rate_nats,
        "distortion_nats": result.distortion_nats,
    }
    say(write_numbers(path, numbers, opened.columns))


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
    target = output or default_output(opened, f"interpolation_{start}_{end}")
    if is_picture(target):
        say(write_images(target, opened, walk.x, columns=num_steps))
    else:
        say(write_numbers(target, {"x": opened.in_file_units(walk.x), "z": walk.z}, opened.columns))


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
    if is_picture(path):
        raise VaelError(f"embeddings are numbers, got the output '{path.name}': use .npz, .csv or .parquet")
    embedding, labels = opened.embed(split), opened.labels(split)
    numbers = {"mean": embedding.mean, "stddev": embedding.stddev, "rate_nats": embedding.rate_nats}
    say(write_numbers(path, numbers | ({"label": labels} if labels else {}), ()))
