"""What the numbers of a run mean, in plain words: those of its records (`vael.views.watching`) and of its model."""

from typing import get_args

import numpy as np

from vael.evaluation import Evaluation
from vael.experiments import Run
from vael.views.latent import activity_of, rate_per_dim
from vael.views.rates import describe_noise, rate_of_noise
from vael.views.watching import COLLAPSED, Finding, Kind, describe_collapse, gather, watch_folder

__all__ = ["Finding", "find"]

JUDGED_BETTER = {"collapse", "falling-rate"}  # by the evaluation of the weights to use


def find(run: Run, evaluation: Evaluation) -> list[Finding]:
    """Judge a run by its records and an evaluation.

    Arguments:
        run: A run with weights.
        evaluation: Its bounds on the split to judge on.
    """
    seen = [finding for finding in watch_folder(run.folder) if finding.kind not in JUDGED_BETTER]
    found = gather([*seen, _latents(run, evaluation), _bound(evaluation), _noise(run)])
    return sorted(found, key=lambda finding: get_args(Kind).index(finding.kind))


def _latents(run: Run, evaluation: Evaluation) -> Finding | None:
    """Say whether the latent is used, and by which dimensions."""
    if evaluation.rate_nats is None or evaluation.active_units is None:
        return None
    active, total, rate = evaluation.active_units, evaluation.latent_dim, evaluation.rate_nats
    if rate < COLLAPSED or active == 0:
        return describe_collapse(rate)
    if active == total:
        text = f"All {total} latent dimensions are active, {rate:.1f} nats."
        return Finding("good", "No dead dimensions", text, "active")
    dead = np.flatnonzero(~activity_of(run))
    per_dim = rate_per_dim(run)
    names = ", ".join(f"z{dim}" for dim in dead[:8]) + (" …" if len(dead) > 8 else "")
    cost = "" if np.isnan(per_dim).any() else f" They cost {per_dim[dead].sum():.2f} nats."
    return Finding(
        "note",
        f"{total - active} of {total} dimensions are dead",
        f"{names}: their posterior means hardly differ between examples (variance below 0.01).{cost} The model "
        f"chose a smaller latent; model.latent_dim={max(active, 1)} would do.",
        "dead",
    )


def _bound(evaluation: Evaluation) -> Finding | None:
    """Say what the bounds are bounds of."""
    if evaluation.elbo_nats is None:
        return None
    if evaluation.nll_nats is None:
        return Finding(
            "note",
            "Not a likelihood",
            "The likelihood is no density on these data (a Bernoulli cross-entropy on grey pixels is not one): the "
            "ELBO compares models of the same kind, but no −log p(x) can be given.",
            "no-likelihood",
        )
    if evaluation.num_samples == 1:
        return None
    gap = -evaluation.elbo_nats - evaluation.nll_nats
    return Finding(
        "note",
        "How tight the bound is",
        f"With K = {evaluation.num_samples} draws the bound on −log p(x) falls from {-evaluation.elbo_nats:.2f} to "
        f"{evaluation.nll_nats:.2f} nats: the ELBO is at least {gap:.2f} nats from the truth, the price of the "
        "approximate posterior.",
        "tightness",
    )


def _noise(run: Run) -> Finding | None:
    """Say whether the rate can tell noise from data."""
    if not run.has_rate:
        return None
    text = describe_noise(run.embed("train").rate_nats, rate_of_noise(run))
    finds = "the rate finds it" in text
    title = "Noise stands out by its rate" if finds else "Noise does not stand out by its rate"
    return Finding("good" if finds else "note", title, text, "noise")
