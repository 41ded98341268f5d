"""vael: variational autoencoders, trained, judged, looked into and used, on images and on tables.

    import vael

    run = vael.train("mnist", recipe="binary-20")   # the run folder is run.path
    print(run.evaluate(num_samples=64).nll_nats)
    digits = run.sample(16).x                       # (16, 1, 28, 28) float32
    run = vael.load(run.path)

Names are imported when first used: `import vael` alone costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vael.errors import VaelError
    from vael.experiments import Run, load, refit_prior, resume, train
    from vael.experiments.judging import compare
    from vael.recipe import Recipe
    from vael.sweeps import sweep
    from vael.views import animate, draw
    from vael.views.report import report

__all__ = [
    "Recipe",
    "Run",
    "VaelError",
    "animate",
    "compare",
    "draw",
    "load",
    "refit_prior",
    "report",
    "resume",
    "sweep",
    "train",
]

_HOMES = {
    "Recipe": "vael.recipe",
    "Run": "vael.experiments",
    "VaelError": "vael.errors",
    "animate": "vael.views",
    "compare": "vael.experiments.judging",
    "draw": "vael.views",
    "load": "vael.experiments",
    "refit_prior": "vael.experiments",
    "report": "vael.views.report",
    "resume": "vael.experiments",
    "sweep": "vael.sweeps",
    "train": "vael.experiments",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'vael' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)
