"""What the numbers of a run mean, in plain words, each from measured values."""

import re
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from vael.evaluation import Evaluation
from vael.experiments import Run
from vael.views.latent import activity_of, rate_per_dim
from vael.views.rates import describe_noise, rate_of_noise

__all__ = ["Finding", "find"]

COLLAPSED = 0.5  # nats: less than this says next to nothing about an example
LARGE_GAP = 0.05  # of the bound between training and held-out examples
PATIENCE = 3  # epochs since the best before one speaks of over-fitting
GROWTH = 0.002  # of the bound gained by one last epoch: not converged


@dataclass(frozen=True)
class Finding:
    """Hold one sentence about a run.

    Arguments:
        tone: `good`, `note` or `warning`.
        title: A few words.
        text: What was measured, what it means, what to try.
    """

    tone: Literal["good", "note", "warning"]
    title: str
    text: str


def find(run: Run, evaluation: Evaluation) -> list[Finding]:
    """Judge a run by its records and an evaluation.

    Arguments:
        run: A run with weights.
        evaluation: Its bounds on the split to judge on.
    """
    judged = [_state(run), *_latents(run, evaluation), _fit(run), _convergence(run), *_bound(evaluation), _noise(run)]
    found = [finding for finding in judged if finding is not None]
    return [replace(finding, text=_with_minus_signs(finding.text)) for finding in found]


def _state(run: Run) -> Finding | None:
    status = run.folder.status()
    if status == "finished":
        return None
    steps = run.metrics[-1]["step"] if run.metrics else 0
    reason = f": {run.info['reason']}" if run.info.get("reason") else ""
    advice = "" if status == "running" else f" Go on with: vael resume {run.name}"
    return Finding("warning", f"The training is {status}", f"It stands at step {steps:,}{reason}.{advice}")


def _latents(run: Run, evaluation: Evaluation) -> list[Finding]:
    """Say whether the latent is used, and by which dimensions."""
    if evaluation.rate_nats is None or evaluation.active_units is None:
        return [
            Finding(
                "note",
                "A plain autoencoder",
                "It has no rate and no bound. Its decoder was never shown draws of the prior: what it makes of them "
                "(the samples) means nothing. Compare its reconstructions, not its samples.",
            )
        ]
    active, total, rate = evaluation.active_units, evaluation.latent_dim, evaluation.rate_nats
    if rate < COLLAPSED or active == 0:
        return [
            Finding(
                "warning",
                "Posterior collapse",
                f"The rate is {rate:.2f} nats: the latent says next to nothing about an example, and the decoder works "
                "alone. Try a warm-up of β or free bits (objective elbo), or a weaker decoder.",
            )
        ]
    if active == total:
        return [Finding("good", "No dead dimensions", f"All {total} latent dimensions are active, {rate:.1f} nats.")]
    dead = np.flatnonzero(~activity_of(run))
    per_dim = rate_per_dim(run)
    names = ", ".join(f"z{dim}" for dim in dead[:8]) + (" …" if len(dead) > 8 else "")
    cost = "" if np.isnan(per_dim).any() else f" They cost {per_dim[dead].sum():.2f} nats."
    return [
        Finding(
            "note",
            f"{total - active} of {total} dimensions are dead",
            f"{names}: their posterior means hardly differ between examples (variance below 0.01).{cost} The model "
            f"chose a smaller latent; model.latent_dim={max(active, 1)} would do.",
        )
    ]


def _bounds(run: Run, *, monitor: bool) -> tuple[np.ndarray, np.ndarray, str]:
    """Return epochs, bounds and the split of the monitor's records, or of the training's last ones of each epoch."""
    records = [record for record in run.metrics if (record["split"] != "train") == monitor]
    by_epoch = {record["epoch"]: record for record in records}
    epochs = np.array(sorted(by_epoch))
    bounds = np.array([by_epoch[epoch]["elbo_nats"] for epoch in epochs])
    return epochs, bounds, records[-1]["split"] if records else ""


def _fit(run: Run) -> Finding | None:
    """Compare training with held-out examples."""
    epochs, held_out, split = _bounds(run, monitor=True)
    _, trained, _ = _bounds(run, monitor=False)
    if not run.has_rate or len(held_out) == 0 or len(trained) == 0:
        return None
    best = int(held_out.argmax())
    fallen = held_out[best] - held_out[-1]
    if len(held_out) - 1 - best >= PATIENCE and fallen > GROWTH * abs(held_out[best]):
        kept = f"The weights kept are those of epoch {epochs[best]}." if split == "valid" else "The last ones are kept."
        return Finding(
            "warning",
            "Over-fitting",
            f"The {split} bound was best after epoch {epochs[best]} ({held_out[best]:.2f} nats) and has fallen by "
            f"{fallen:.2f} since. {kept} Try fewer epochs, training.patience, or a smaller network.",
        )
    at = best if split == "valid" else -1
    gap = trained[at] - held_out[at]
    where = f"{trained[at]:.2f} nats in training, {held_out[at]:.2f} on {split}"
    if gap > LARGE_GAP * abs(held_out[at]):
        text = f"{where}: a gap of {gap:.2f}. More data or a smaller network would narrow it."
        return Finding("note", "A gap to held-out examples", text)
    return Finding("good", "No over-fitting", f"{where}.")


def _convergence(run: Run) -> Finding | None:
    """Say whether the training ended too early."""
    epochs, held_out, split = _bounds(run, monitor=True)
    if len(held_out) < 4 or run.folder.status() != "finished":
        return None
    last = float(np.polyfit(epochs[-4:], held_out[-4:], 1)[0])
    if last <= GROWTH * abs(held_out[-1]) or held_out.argmax() < len(held_out) - 2:
        return None
    gained = "bound still gained" if run.has_rate else "distortion still fell by"
    more = 2 * int(epochs[-1])
    return Finding(
        "note",
        "Not converged",
        f"Over the last four epochs the {split} {gained} {last:.2f} nats an epoch. "
        f"Go on with: vael resume {run.name} --epochs {more}",
    )


def _bound(evaluation: Evaluation) -> list[Finding]:
    """Say what the bounds are bounds of."""
    if evaluation.elbo_nats is None:
        return []
    if evaluation.nll_nats is None:
        return [
            Finding(
                "note",
                "Not a likelihood",
                "The likelihood is no density on these data (a Bernoulli cross-entropy on grey pixels is not one): the "
                "ELBO compares models of the same kind, but no −log p(x) can be given.",
            )
        ]
    if evaluation.num_samples == 1:
        return []
    gap = -evaluation.elbo_nats - evaluation.nll_nats
    return [
        Finding(
            "note",
            "How tight the bound is",
            f"With K = {evaluation.num_samples} draws the bound on −log p(x) falls from {-evaluation.elbo_nats:.2f} to "
            f"{evaluation.nll_nats:.2f} nats: the ELBO is at least {gap:.2f} nats from the truth, the price of the "
            "approximate posterior.",
        )
    ]


def _noise(run: Run) -> Finding | None:
    """Say whether the rate can tell noise from data."""
    if not run.has_rate:
        return None
    text = describe_noise(run.embed("train").rate_nats, rate_of_noise(run))
    finds = "the rate finds it" in text
    title = "Noise stands out by its rate" if finds else "Noise does not stand out by its rate"
    return Finding("good" if finds else "note", title, text)


def _with_minus_signs(text: str) -> str:
    return re.sub(r"(?<![\w-])-(?=\d)", "−", text)
