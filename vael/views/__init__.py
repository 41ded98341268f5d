"""Views: a run → figures, animations, a report. They ask tasks for arrays and `figures` for pictures.

    vael.draw(run, "manifold")        # a matplotlib Figure, which displays itself in a notebook
    vael.animate(run, "samples")      # the path of a GIF in the run's folder
    vael.report(run)                  # the path of one self-contained HTML file

`VIEWS` names every kind of figure, `ANIMATIONS` every kind of animation; `watch` judges a training by its records
alone. Names are imported when first used, so that whoever only watches a training does not wait for torch. The function
`report` is that of the package `vael.views.report`.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vael.views.animating import ANIMATIONS, animate
    from vael.views.base import View
    from vael.views.drawing import VIEWS, draw, kinds_for, save_figures
    from vael.views.look import Look
    from vael.views.watching import Finding, watch, watch_folder

_HOMES = {
    "ANIMATIONS": "vael.views.animating",
    "Finding": "vael.views.watching",
    "Look": "vael.views.look",
    "VIEWS": "vael.views.drawing",
    "View": "vael.views.base",
    "animate": "vael.views.animating",
    "draw": "vael.views.drawing",
    "kinds_for": "vael.views.drawing",
    "save_figures": "vael.views.drawing",
    "watch": "vael.views.watching",
    "watch_folder": "vael.views.watching",
}

__all__ = [
    "ANIMATIONS",
    "VIEWS",
    "Finding",
    "Look",
    "View",
    "animate",
    "draw",
    "kinds_for",
    "save_figures",
    "watch",
    "watch_folder",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'vael.views' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)
