"""Figures by name."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from vael.errors import VaelError, unknown_name
from vael.experiments import Run
from vael.figures import Figure, save_figure
from vael.figures.canvas import FORMATS
from vael.runs import atomic_path
from vael.views.base import Look, View
from vael.views.curves import Curves
from vael.views.dimensions import Dimensions
from vael.views.embeddings import Embeddings
from vael.views.history import History
from vael.views.interpolation import Interpolation
from vael.views.manifold import Manifold
from vael.views.plane import Plane
from vael.views.progress import Progress
from vael.views.rates import Rates
from vael.views.reconstructions import Reconstructions
from vael.views.samples import Samples
from vael.views.traversals import Traversals

__all__ = ["VIEWS", "draw", "kinds_for", "read_look", "save_figures"]

VIEWS: dict[str, type[View]] = {
    "curves": Curves,
    "samples": Samples,
    "reconstructions": Reconstructions,
    "progress": Progress,
    "manifold": Manifold,
    "interpolation": Interpolation,
    "traversals": Traversals,
    "embeddings": Embeddings,
    "rates": Rates,
    "dimensions": Dimensions,
    "history": History,
    "plane": Plane,
}


def draw(run: Run | Sequence[Run], kind: str, **options: Any) -> Figure:
    """Draw one figure of a run, or of several where the kind compares them.

    Arguments:
        run: A run, or several for `curves` and `plane`.
        kind: One of `VIEWS`.
        options: Fields of `Look`, such as `theme="dark"` or `examples=[3, 8]`.

    Raises:
        VaelError: An unknown kind, one that makes no sense for this model, or an option that the kind does not take.
    """
    look = read_look(options)
    view = _view(kind)
    unused = sorted(look.changed() - view.uses)
    if unused:
        taken = ", ".join(["theme", *sorted(view.uses)])
        raise VaelError(f"the figure '{kind}' does not use {', '.join(unused)}: it takes {taken}")
    return _draw(view, kind, _as_list(run), look)


def kinds_for(run: Run | Sequence[Run]) -> list[str]:
    """List the kinds of figure that make sense for a run, or for several together."""
    runs = _as_list(run)
    views = {name: view() for name, view in VIEWS.items() if len(runs) == 1 or view.compares}
    return [name for name, view in views.items() if all(view.refusal(each) is None for each in runs)]


def save_figures(
    run: Run | Sequence[Run],
    look: Look | None = None,
    *,
    kinds: Sequence[str] | None = None,
    output: Path | None = None,
    format: str = "png",  # noqa: A002 (the word that users know)
) -> list[Path]:
    """Draw figures into files and return their paths.

    Arguments:
        run: A run, or several for the kinds that compare.
        look: How they look; what a kind does not use is ignored only where no kind was named.
        kinds: Names of `VIEWS`; None takes all that make sense.
        output: A folder, or for one kind a file; None is `figures/` in the (first) run's folder.
        format: `png`, `svg` or `pdf`; a file's own ending wins.

    Raises:
        VaelError: As `draw`, an unknown format, or a file that cannot be written.
    """
    if format not in FORMATS:
        raise unknown_name("format", format, FORMATS)
    runs, look = _as_list(run), look or Look()
    is_file = output is not None and bool(output.suffix) and not output.is_dir()
    if is_file and (kinds is None or len(kinds) != 1):
        raise VaelError(f"the output '{output}' is one file: name one kind with --kind, or give a folder")
    suffix = "" if look.theme == "light" else f"-{look.theme}"
    folder = output or runs[0].path / "figures"
    paths = []
    for kind in kinds or kinds_for(runs):
        path = folder if is_file else folder / f"{kind}{suffix}.{format}"
        figure = _draw(_view(kind), kind, runs, look) if kinds is None else draw(runs, kind, **vars(look))
        with atomic_path(path) as temporary:
            save_figure(figure, temporary)
        paths.append(path)
    return paths


def read_look(options: Mapping[str, Any]) -> Look:
    """Turn options into a `Look`; lists become tuples.

    Raises:
        VaelError: An option that no figure has.
    """
    known = [item.name for item in fields(Look)]
    for key in options:
        if key not in known:
            raise unknown_name("option of a figure", key, known)
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
    return Look(**values)


def _draw(view: View, kind: str, runs: list[Run], look: Look) -> Figure:
    if len(runs) > 1 and not view.compares:
        comparing = " and ".join(name for name, other in VIEWS.items() if other.compares)
        raise VaelError(f"the figure '{kind}' shows one run, got {len(runs)}: {comparing} compare several")
    for run in runs:
        refusal = view.refusal(run)
        if refusal is not None:
            fitting = ", ".join(kinds_for(run))
            raise VaelError(f"the figure '{kind}' makes no sense for {run.name}: it needs {refusal}; use {fitting}")
    return view.draw(runs, look)


def _view(kind: str) -> View:
    if kind not in VIEWS:
        raise unknown_name("figure", kind, VIEWS)
    return VIEWS[kind]()


def _as_list(run: Run | Sequence[Run]) -> list[Run]:
    return [run] if isinstance(run, Run) else list(run)
