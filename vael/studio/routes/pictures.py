"""Pictures: figures, moments of a training, and single examples, as files that a browser can show and save."""

import io
import tempfile
from pathlib import Path
from typing import Any, Literal

import numpy as np
from fastapi import APIRouter, Response

from vael.errors import VaelError
from vael.figures import image_grid, save_figure
from vael.figures.grid import Pixels
from vael.studio.moments import drawing
from vael.studio.shelf import Missing
from vael.studio.state import TheStudio
from vael.views import VIEWS, draw, kinds_for

__all__ = ["router"]

router = APIRouter(tags=["pictures"])

Theme = Literal["light", "dark"]
Format = Literal["png", "svg", "pdf"]
TYPES = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}
PNG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {}}}}
SMALL = 180  # pixels: less than this is shown enlarged, without smoothing


@router.get("/runs/{name}/figures")
def list_figures(name: str, studio: TheStudio) -> list[str]:
    """List the figures that make sense for a run; it may have to encode the data first."""
    desk = studio.desk(name)
    with desk.lock:
        return kinds_for(desk.run)


@router.get("/runs/{name}/figures/{kind}.{format}", response_class=Response)
def figure(name: str, kind: str, format: Format, studio: TheStudio, theme: Theme = "light") -> Response:  # noqa: A002
    """Draw a figure of `vael figures`."""
    if kind not in VIEWS:
        raise Missing(f"there is no figure '{kind}': there are {', '.join(VIEWS)}")
    desk = studio.desk(name)
    with desk.lock, drawing, tempfile.TemporaryDirectory(prefix="vael-studio-") as folder:
        path = Path(folder) / f"{kind}.{format}"
        save_figure(draw(desk.run, kind, theme=theme), path)
        return Response(path.read_bytes(), media_type=TYPES[format])


@router.get("/runs/{name}/snapshots/{step}/{kind}.png", response_class=Response, responses=PNG)
def moment(name: str, step: int, kind: str, studio: TheStudio, theme: Theme = "light") -> Response:
    """Show the model as it was at one step of its training."""
    folder = studio.shelf.find(name)
    return _png(studio.moments.draw(folder, step, kind, theme=theme))


@router.get("/runs/{name}/examples/{example}.png", response_class=Response, responses=PNG)
def original(name: str, example: int, studio: TheStudio) -> Response:
    """Show one example of the default split as the model sees it."""
    desk = studio.desk(name)
    if not desk.run.is_image:
        raise VaelError(f"the examples of {name} are rows of a table, which are no pictures")
    return _png(desk.originals([example])[0])


@router.get("/runs/{name}/samples.png", response_class=Response, responses=PNG)
def samples(name: str, studio: TheStudio, seed: int = 0) -> Response:
    """Show 64 samples from the prior."""
    desk = studio.desk(name)
    if not desk.run.is_image:
        raise VaelError(f"the samples of {name} are rows of a table, which are no pictures")
    with desk.lock:
        drawn = desk.pictures(desk.run.sample(64, seed=seed % 2**31).x)
    return _png(image_grid(drawn))


def _png(pixels: Pixels) -> Response:
    from PIL import Image

    written = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(written, format="PNG")
    return Response(written.getvalue(), media_type="image/png")
