"""`vael figures`, `vael animate`, `vael report`."""

from typing import Annotated, Literal

from cyclopts import Parameter

from vael.cli.options import Output, Places, open_run
from vael.views.look import Look

__all__ = ["animate", "figures", "report"]

Several = Annotated[list[str] | None, Parameter(negative="")]


def figures(
    run: list[str],
    /,
    *,
    kind: Several = None,
    format: Literal["png", "svg", "pdf"] = "png",
    look: Annotated[Look | None, Parameter(name="*", negative_iterable=())] = None,
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
    dimensions, history, plane.

    Parameters
    ----------
    run
        A run's name or path; several for the kinds that compare (curves, plane).
    kind
        Which figure; may be given several times.
    format
        png, or vectors with text as text: svg, pdf.
    output
        A folder, or a file for one kind. Without it, figures/ in the (first) run's folder.
    """
    from vael.views import save_figures

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
    from vael.views.report import report

    print(report([open_run(each, places) for each in run], output=output, num_samples=num_samples, seed=seed))
