"""The rate–distortion plane: where runs stand between saying nothing and saying everything."""

from collections.abc import Sequence

import numpy as np

from vael.experiments import Run, load
from vael.figures import Figure, draw_plane
from vael.runs import list_runs
from vael.views.base import Look, View

__all__ = ["Plane"]


class Plane(View):
    """Rate against distortion across runs (Alemi et al. 2018, https://arxiv.org/abs/1711.00464)."""

    summary = "rate against distortion, for several runs or for all comparable ones beside this one"
    compares = True

    def refusal(self, run: Run) -> str | None:
        results = run.info.get("results")
        if not results:
            return "a finished run with results"
        return None if results["elbo_nats"] is not None else "a rate, and a plain autoencoder has none"

    def draw(self, runs: Sequence[Run], look: Look) -> Figure:
        found = list(runs)
        if len(found) == 1:
            neighbours = [load(folder.path) for folder in list_runs(found[0].path.parent)]
            found += [run for run in neighbours if run.path.resolve() != found[0].path.resolve()]
        shown = [run for run in found if self.refusal(run) is None and _terms(run) == _terms(found[0])]
        left = len(found) - len(shown)
        note = f"{left} runs are left out: other data, another treatment or another likelihood." if left else ""
        results = [run.info["results"] for run in shown]
        return draw_plane(
            [run.name for run in shown],
            np.array([result["rate_nats"] for result in results]),
            np.array([result["distortion_nats"] for result in results]),
            note=note,
            theme=look.theme,
        )


def _terms(run: Run) -> tuple[str, ...]:
    """Name what must agree for two runs' distortions to compare: the data, the treatment, the likelihood, the split."""
    info = run.info
    treatment, likelihood = run.recipe.data.treatment, run.recipe.model.likelihood.name
    return info["data"]["fingerprint"], treatment, likelihood, info.get("results", {}).get("split", "")
