"""How the bound and its terms went through the training."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vael.experiments import Run
from vael.figures import Figure, draw_curves
from vael.views.base import Look, View

__all__ = ["Curves"]

PANELS = {
    "elbo_nats": "ELBO (nats)",
    "rate_nats": "rate (nats)",
    "distortion_nats": "distortion (nats)",
    "learning_rate": "learning rate",
    "beta": "β",
}
NEEDS_RATE = {"elbo_nats", "rate_nats", "beta"}


class Curves(View):
    """The bound, its terms, learning rate and β through the training, for one run or several."""

    summary = "the bound and its terms through the training, train and validation; learning rate and β"
    compares = True

    def refusal(self, run: Run) -> str | None:
        return None if run.metrics else "records: the training has made none yet"

    def draw(self, runs: Sequence[Run], look: Look) -> Figure:
        panels: dict[str, dict[str, tuple[NDArray, NDArray]]] = {}
        for key, title in PANELS.items():
            lines = {}
            for run in runs:
                if run.has_rate or key not in NEEDS_RATE:
                    prefix = f"{run.name} " if len(runs) > 1 else ""
                    lines |= {prefix + split: line for split, line in _lines(run.metrics, key).items()}
            if lines:
                panels[title] = lines
        return draw_curves(panels, theme=look.theme, markers=_best(runs[0]) if len(runs) == 1 else None)


def _lines(records: list[dict[str, Any]], key: str) -> dict[str, tuple[NDArray, NDArray]]:
    """Return x (epochs done) and y of each split that records the key."""
    steps_per_epoch = _steps_per_epoch(records)
    lines = {}
    for split in dict.fromkeys(record["split"] for record in records):
        points = [(r["step"] / steps_per_epoch, r[key]) for r in records if r["split"] == split and key in r]
        if points:
            x, y = np.array(points, dtype=np.float64).T
            lines[split] = (x, y)
    return lines


def _steps_per_epoch(records: list[dict[str, Any]]) -> float:
    """Find it from the records themselves: the last step of the last whole epoch, over its number."""
    last: dict[int, int] = {}
    for record in records:
        last[record["epoch"]] = record["step"]
    epoch = max(max(last) - 1, 1)
    return max(last[epoch] / epoch, 1)


def _best(run: Run) -> dict[str, float]:
    """Mark the epoch whose weights the run keeps, where a validation split chose them."""
    records = [record for record in run.metrics if record["split"] == "valid"]
    if not records:
        return {}
    best = max(records, key=lambda record: record["elbo_nats"])
    return {"kept": best["step"] / _steps_per_epoch(run.metrics)}
