"""`vael figures`, `vael animate`, `vael report`."""

from typing import Annotated, Literal

from cyclopts import Parameter

from vael.cli.options import Output, Places, open_run

__all__ = ["animate", "figures", "report"]

Several = Annotated[list[str] | None, Parameter(negative="")]
Numbers = Annotated[list[int] | None, Parameter(negative="")]


def figures(
    run: list[str],
    /,
    *,
    kind: Several = None,
    format: Literal["png", "svg", "pdf"] = "png",
    theme: Literal["light", "dark"] = "light",
    split: str | None = None,
    examples: Numbers = None,
    dims: Numbers = None,
    start: Literal["example", "prior"] = "example",
    method: Literal["auto", "direct", "pca", "tsne", "umap"] = "auto",
    color: Literal["auto", "label", "rate", "none"] = "auto",
    num_samples: int = 64,
    num_points: int | None = None,
    num_steps: int = 11,
    seed: int = 0,
    output: Output = None,
    places: Places | None = None,
) -> None:
    """Draw figures of a run; without --kind, all that make sense for it.

    For example:

        vael figures basic-1
        vael figures manifold-2d-1 --kind manifold --theme dark --format pdf
        vael figures binary-20-1 --kind rates --examples 3 --examples 8
        vael figures binary-20-1 --kind embeddings --method tsne
        vael figures basic-1 basic-2 --kind curves --kind plane

    Kinds: curves, samples, reconstructions, progress, manifold, interpolation, traversals, embeddings, rates,
    dimensions, plane.

    Parameters
    ----------
    run
        A run's name or path; several for the kinds that compare (curves, plane).
    kind
        Which figure; may be given several times.
    format
        png, or vectors with text as text: svg, pdf.
    theme
        For white paper or for dark screens.
    split
        Which examples: train, valid or test.
    examples
        Numbers of examples: to reconstruct, to walk between, to mark among the rates; one to start traversals and the
        manifold from.
    start
        Where traversals and the manifold keep the other dimensions: at an example, or at a draw of the prior.
    dims
        Latent dimensions, counted from 0: two for the manifold, any number for traversals.
    method
        How embeddings come down to two dimensions; auto takes two as they are, more by PCA.
    color
        What colours the embeddings; auto takes the labels where there are any.
    num_samples
        How many samples.
    num_points
        Points a side of the manifold; as many as fit a picture without it.
    num_steps
        Points of an interpolation, or of a traversal.
    seed
        Seed of samples, noise, the start of walks, and t-SNE.
    output
        A folder, or a file for one kind. Without it, figures/ in the (first) run's folder.
    """
    from vael.views import Look, save_figures

    look = Look(
        theme=theme,
        split=split,
        seed=seed,
        num_samples=num_samples,
        num_points=num_points,
        num_steps=num_steps,
        dims=None if dims is None else tuple(dims),
        examples=None if examples is None else tuple(examples),
        start=start,
        method=method,
        color=color,
    )
    opened = [open_run(each, places) for each in run]
    for path in save_figures(opened, look, kinds=kind, output=output, format=format):
        print(path)


def animate(
    run: str,
    *,
    kind: Literal["manifold", "reconstructions", "samples", "embeddings"] = "samples",
    early: Annotated[bool, Parameter(negative="")] = False,
    format: Literal["gif", "webp", "mp4"] = "gif",
    theme: Literal["light", "dark"] = "light",
    output: Output = None,
    places: Places | None = None,
) -> None:
    """Show a model through its training, from the snapshots that the training kept.

    For example:

        vael animate manifold-2d-1 --kind manifold
        vael animate basic-1 --kind reconstructions --early --format webp

    Parameters
    ----------
    run
        A run's name or path.
    kind
        What to show.
    early
        Only the first tenth of the training, where most happens.
    format
        gif, webp (ten times smaller), or mp4 where ffmpeg is installed.
    theme
        For white paper or for dark screens.
    output
        Where to; its ending says the format. Without it, figures/ in the run's folder.
    """
    from vael.views import animate

    print(animate(open_run(run, places), kind, early=early, format=format, theme=theme, output=output))


def report(
    run: list[str],
    /,
    *,
    num_samples: int = 16,
    seed: int = 0,
    output: Output = None,
    places: Places | None = None,
) -> None:
    """Write one self-contained HTML page: numbers, what they mean, pictures, recipe; several runs side by side.

    For example:

        vael report basic-1
        vael report basic-1 binary-20-1 --output report.html

    Parameters
    ----------
    run
        A run's name or path; several are put side by side.
    num_samples
        K, draws of z for each example of the evaluation.
    seed
        Seed of the evaluation and of samples.
    output
        The .html file. Without it, report.html in the (first) run's folder.
    """
    from vael.views import report

    print(report([open_run(each, places) for each in run], output=output, num_samples=num_samples, seed=seed))
