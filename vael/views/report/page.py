"""Everything about some runs on one page that needs nothing else: no network, no folder beside it."""

import base64
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from PIL import Image

from vael.errors import VaelError
from vael.experiments import Run
from vael.figures import THEMES, Figure, figure_pixels
from vael.runs import write_atomically
from vael.views.drawing import VIEWS, draw, kinds_for
from vael.views.report.findings import find
from vael.views.report.summary import bounds_rows, commands, environment, recipe_in_words

__all__ = ["report"]

DPI, QUALITY = 190, 88  # of the pictures: sharp on paper, and ten of them under a megabyte
KINDS = (
    *("samples", "reconstructions", "progress", "manifold", "traversals"),
    *("interpolation", "embeddings", "rates", "dimensions", "history"),
)
"""The kinds that show one run, in order; curves and the plane show all of them."""
TITLES = {
    "curves": "The bound and its terms",
    "samples": "Samples from the prior",
    "reconstructions": "Reconstructions",
    "progress": "The same examples through the training",
    "manifold": "The latent plane",
    "traversals": "What each dimension does",
    "interpolation": "Between two examples",
    "embeddings": "Where the examples lie",
    "rates": "The rate of each example",
    "dimensions": "The rate of each dimension",
    "history": "The rate of each dimension through the training",
    "plane": "Rate and distortion",
}


@dataclass(frozen=True)
class Picture:
    """Hold one figure in both themes.

    Arguments:
        title: What it shows.
        run: Whose it is; several names if it compares.
        sources: A data URI a theme.
        width: Inches; a page is seven wide.
        alt: For those who do not see it.
    """

    title: str
    run: str
    sources: dict[str, str]
    width: float
    alt: str


def report(run: Run | Sequence[Run], *, output: Path | None = None, num_samples: int = 16, seed: int = 0) -> Path:
    """Write a report about one run, or several side by side, and return its path.

    Arguments:
        run: One run or several, each with weights.
        output: The file; None is `report.html` in the (first) run's folder.
        num_samples: K of the evaluation, draws of z for each example.
        seed: Seed of the evaluation and of samples.

    Raises:
        VaelError: No runs, a run without weights or data, an output that is no .html, or one that cannot be written.
    """
    runs = [run] if isinstance(run, Run) else list(run)
    if not runs:
        raise VaelError("a report expects at least one run, got none: 'vael runs' lists what there is")
    path = Path(output) if output else runs[0].path / "report.html"
    if path.suffix not in (".html", ".htm"):
        raise VaelError(f"a report expects an output ending in .html, got '{path.name}'")
    evaluations = [each.evaluate(num_samples=num_samples, seed=seed) for each in runs]
    sections = [
        {
            "name": each.name,
            "title": each.recipe.title,
            "findings": find(each, evaluation),
            "recipe": recipe_in_words(each),
            "toml": each.recipe.to_toml(),
            "environment": environment(each),
            "commands": commands(each, num_samples),
        }
        for each, evaluation in zip(runs, evaluations, strict=True)
    ]
    text = _template().render(
        sections=sections,
        joint=_joint(runs),
        kinds=_by_kind(runs, seed),
        splits=[each.default_split for each in runs],
        rows=bounds_rows([evaluation.as_dict() for evaluation in evaluations]),
        themes=THEMES,
        date=time.strftime("%Y-%m-%d"),
    )
    write_atomically(path, text.encode())
    return path


def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("vael.views", "report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("page.html")


def _by_kind(runs: list[Run], seed: int) -> list[list[Picture]]:
    """Draw each kind for every run that it makes sense for."""
    found = []
    for kind in KINDS:
        fitting = [run for run in runs if VIEWS[kind]().refusal(run) is None]
        if fitting:
            found.append([_picture([run], kind, seed if "seed" in VIEWS[kind].uses else None) for run in fitting])
    return found


def _joint(runs: list[Run]) -> list[Picture]:
    """Draw what shows all runs in one figure."""
    kinds = [kind for kind in ("curves", "plane") if kind in kinds_for(runs)]
    return [_picture(runs, kind, None) for kind in kinds if kind == "curves" or len(runs) > 1]


def _picture(runs: list[Run], kind: str, seed: int | None) -> Picture:
    options = {} if seed is None else {"seed": seed}
    figures = {theme: draw(runs, kind, theme=theme, **options) for theme in THEMES}
    names = ", ".join(run.name for run in runs)
    width = figures["light"].get_figwidth()
    sources = {theme: _data_uri(figure) for theme, figure in figures.items()}
    return Picture(TITLES[kind], names, sources, width, f"{VIEWS[kind].summary}: {names}")


def _data_uri(figure: Figure) -> str:
    file = io.BytesIO()
    Image.fromarray(figure_pixels(figure, dpi=DPI)).save(file, "webp", quality=QUALITY, method=4)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()
