"""What the records of a training mean, in plain words, while it goes on and after; no model, no data, no torch.

    watch_folder(RunFolder.open("runs/basic-1"))    # a list of Finding: tone, title, text, kind

The report (`vael.views.report.findings`) says the same and adds what only the model knows.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import isclose, isfinite
from typing import Any, Literal

from vael.recipe import Recipe
from vael.runs import RunFolder

__all__ = ["COLLAPSED", "Finding", "Kind", "describe_collapse", "gather", "watch", "watch_folder"]

COLLAPSED = 0.5  # nats: less than this says next to nothing about an example
LAZY_EPOCHS = 5  # with a rate near zero before one speaks of collapse: many trainings wake up in them
WARM_UP_EPOCHS = 10  # the same while β still rises
WAKING_NATS, WAKING_EPOCHS = 0.01, 2  # a rate that rose by so much in so many epochs is waking up
FALLING_EPOCHS = 4  # of a falling rate that would be COLLAPSED in as many again
RECENT = 10  # epochs that the rate is judged by
LARGE_GAP = 0.05  # of the bound between training and held-out examples
PATIENCE = 3  # epochs since the best before one speaks of over-fitting
GROWTH = 0.002  # of the bound gained by one last epoch: not converged
MEASURED = ("elbo_nats", "rate_nats", "distortion_nats", "loss")
WITHOUT_DENSITY = "point"  # the posterior of a plain autoencoder
REMEDY = "Try a smaller training.learning_rate, training.gradient_clip=1, or training.precision=float32."

Kind = Literal[
    "state", "nonfinite", "autoencoder", "collapse", "falling-rate", "active", "dead",
    "overfitting", "gap", "fit", "unconverged", "no-likelihood", "tightness", "noise",
]  # fmt: skip
"""What a finding is about, in the order in which they are read."""


@dataclass(frozen=True)
class Finding:
    """Hold one sentence about a run.

    Arguments:
        tone: `good`, `note` or `warning`.
        title: A few words.
        text: What was measured, what it means, what to try.
        kind: A name that stays while the words change.
    """

    tone: Literal["good", "note", "warning"]
    title: str
    text: str
    kind: Kind


def watch_folder(folder: RunFolder) -> list[Finding]:
    """Judge a run by what its folder says, at any time of its training.

    Raises:
        VaelError: The run is damaged.
    """
    recipe = Recipe.from_toml((folder.path / "recipe.toml").read_text(encoding="utf-8"), where=folder.name)
    info = folder.info()
    return watch(
        folder.metrics(),
        name=folder.name,
        status=folder.status_of(info),
        has_rate=recipe.model.posterior.name != WITHOUT_DENSITY,
        reason=info.get("reason"),
    )


def watch(
    records: Sequence[Mapping[str, Any]], *, name: str, status: str, has_rate: bool, reason: str | None = None
) -> list[Finding]:
    """Judge a training by its records; what they do not hold is not judged.

    Arguments:
        records: Those of metrics.jsonl, in order; keys may be missing and numbers not finite.
        name: The run's name, for the commands to go on with.
        status: That of the run folder: `running`, `finished`, `interrupted`, `killed` or `failed`.
        has_rate: Whether the posterior has a density; a plain autoencoder's has none.
        reason: Why the training failed.
    """
    trained, held_out = _last_of_each_epoch(records)
    is_done = status == "finished"
    return gather(
        [
            _state(records, name, status, reason),
            None if status == "failed" else _not_finite(records, trained, held_out),
            _latents(trained, held_out, is_done=is_done) if has_rate else _autoencoder(),
            _fit(trained, held_out) if has_rate else None,
            _convergence(held_out, name, has_rate=has_rate) if is_done else None,
        ]
    )


def gather(found: Iterable[Finding | None]) -> list[Finding]:
    """Leave out what was not found, and write minus signs instead of hyphens."""
    return [replace(each, text=_with_minus_signs(each.text)) for each in found if each is not None]


def describe_collapse(rate_nats: float) -> Finding:
    """Say that a rate is too small to tell examples apart, and what to try."""
    return Finding(
        "warning",
        "Posterior collapse",
        f"The rate is {rate_nats:.2f} nats: the latent says next to nothing about an example, and the decoder works "
        "alone. Try a warm-up of β or free bits (objective elbo), or a weaker decoder.",
        "collapse",
    )


Epochs = dict[int, Mapping[str, Any]]
"""The last record of each epoch, in order."""


def _last_of_each_epoch(records: Sequence[Mapping[str, Any]]) -> tuple[Epochs, Epochs]:
    """Return the last records of each epoch, of the training and of the held-out examples."""
    trained: Epochs = {}
    held_out: Epochs = {}
    for record in records:
        epoch, split = record.get("epoch"), record.get("split")
        if isinstance(epoch, int) and split:
            (trained if split == "train" else held_out)[epoch] = record
    return trained, held_out


def _finite(epochs: Epochs, key: str) -> dict[int, float]:
    """Return the finite values of a key, by epoch."""
    return {
        epoch: value
        for epoch, record in epochs.items()
        if isinstance(value := record.get(key), (float, int)) and isfinite(value)
    }


def _recent(epochs: Epochs, key: str) -> list[float]:
    """Return the finite values of a key over the last epochs, in order."""
    recent = dict(list(epochs.items())[-RECENT:])
    return list(_finite(recent, key).values())


def _split_of(epochs: Epochs) -> str:
    return str(epochs[next(reversed(epochs))]["split"])


def _state(records: Sequence[Mapping[str, Any]], name: str, status: str, reason: str | None) -> Finding | None:
    if status == "finished":
        return None
    step = next((each["step"] for each in reversed(records) if isinstance(each.get("step"), int)), 0)
    stands = f"It stands at step {step:,}{f': {reason}' if reason else ''}."
    if status == "failed":
        advice = f" From the last checkpoint it would end the same way: train anew.{'' if reason else f' {REMEDY}'}"
        return Finding("warning", "The training has failed", f"{stands}{advice}", "nonfinite")
    advice = "" if status == "running" else f" Go on with: vael resume {name}"
    tone = "note" if status == "running" else "warning"
    return Finding(tone, f"The training is {status}", f"{stands}{advice}", "state")


def _not_finite(records: Sequence[Mapping[str, Any]], trained: Epochs, held_out: Epochs) -> Finding | None:
    """Look for infinities and what is no number in the last records, of the training and of the held-out examples."""
    last = [*records[-1:], *(epochs[next(reversed(epochs))] for epochs in (trained, held_out) if epochs)]
    for record in last:
        for key in MEASURED:
            value = record.get(key)
            if isinstance(value, float) and not isfinite(value):
                at = f"in the {record.get('split', 'last')} record at step {record.get('step', '?')}"
                return Finding("warning", "A number is not finite", f"{key} is {value} {at}. {REMEDY}", "nonfinite")
    return None


def _autoencoder() -> Finding:
    return Finding(
        "note",
        "A plain autoencoder",
        "It has no rate and no bound. Its decoder was never shown draws of the prior: what it makes of them "
        "(the samples) means nothing. Compare its reconstructions, not its samples.",
        "autoencoder",
    )


def _latents(trained: Epochs, held_out: Epochs, *, is_done: bool) -> Finding | None:
    """Say whether the latent has gone silent, or is about to."""
    rates = _recent(held_out, "rate_nats") or _recent(trained, "rate_nats")
    if not rates:
        return None
    epochs = next(reversed(held_out or trained))
    is_low = rates[-1] < COLLAPSED
    if is_done:
        return describe_collapse(rates[-1]) if is_low else None
    is_waking = len(rates) > WAKING_EPOCHS and rates[-1] - rates[-1 - WAKING_EPOCHS] > WAKING_NATS
    if is_waking or epochs < (LAZY_EPOCHS if _is_warm(trained) else WARM_UP_EPOCHS):
        return None
    return describe_collapse(rates[-1]) if is_low else _falling(rates[-FALLING_EPOCHS:])


def _is_warm(trained: Epochs) -> bool:
    """Whether β has stopped changing."""
    betas = _recent(trained, "beta")[-2:]
    return len(betas) < 2 or isclose(*betas, rel_tol=1e-3)


def _falling(rates: Sequence[float]) -> Finding | None:
    """Say whether the rate falls towards collapse: epoch after epoch, and fast enough to arrive soon."""
    falls = [before - after for before, after in pairwise(rates)]
    if len(rates) < FALLING_EPOCHS or min(falls) <= 0 or rates[-1] - FALLING_EPOCHS * falls[-1] >= COLLAPSED:
        return None
    return Finding(
        "note",
        "The rate is falling",
        f"Over the last {FALLING_EPOCHS} epochs it went from {rates[0]:.2f} to {rates[-1]:.2f} nats; below "
        f"{COLLAPSED} the latent says next to nothing about an example. A warm-up of β or free bits (objective elbo) "
        "would hold it up.",
        "falling-rate",
    )


def _fit(trained: Epochs, held_out: Epochs) -> Finding | None:
    """Compare training with held-out examples, at epochs that have both."""
    seen, held = _finite(trained, "elbo_nats"), _finite(held_out, "elbo_nats")
    epochs = [*held] if held.keys() <= seen.keys() else [epoch for epoch in held if epoch in seen]
    if not epochs:
        return None
    split, last = _split_of(held_out), epochs[-1]
    best = max(epochs, key=held.__getitem__)
    fallen = held[best] - held[last]
    since = len(epochs) - 1 - epochs.index(best)
    if since >= PATIENCE and fallen > GROWTH * abs(held[best]) and seen[last] > seen[best]:
        kept = f"The weights kept are those of epoch {best}." if split == "valid" else "The last ones are kept."
        return Finding(
            "warning",
            "Over-fitting",
            f"The {split} bound was best after epoch {best} ({held[best]:.2f} nats) and has fallen by "
            f"{fallen:.2f} since. {kept} Try fewer epochs, training.patience, or a smaller network.",
            "overfitting",
        )
    at = best if split == "valid" else last
    gap = seen[at] - held[at]
    where = f"{seen[at]:.2f} nats in training, {held[at]:.2f} on {split}"
    if gap > LARGE_GAP * abs(held[at]):
        text = f"{where}: a gap of {gap:.2f}. More data or a smaller network would narrow it."
        return Finding("note", "A gap to held-out examples", text, "gap")
    return Finding("good", "No over-fitting", f"{where}.", "fit")


def _convergence(held_out: Epochs, name: str, *, has_rate: bool) -> Finding | None:
    """Say whether the training ended too early."""
    held = _finite(held_out, "elbo_nats")
    epochs = list(held)
    if len(epochs) < 4:
        return None
    slope = _slope(epochs[-4:], [held[epoch] for epoch in epochs[-4:]])
    if slope <= GROWTH * abs(held[epochs[-1]]) or max(epochs, key=held.__getitem__) not in epochs[-2:]:
        return None
    gained = "bound still gained" if has_rate else "distortion still fell by"
    return Finding(
        "note",
        "Not converged",
        f"Over the last four epochs the {_split_of(held_out)} {gained} {slope:.2f} nats an epoch. "
        f"Go on with: vael resume {name} --epochs {2 * epochs[-1]}",
        "unconverged",
    )


def _slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Return the slope of the straight line through points by least squares."""
    middle, level = sum(x) / len(x), sum(y) / len(y)
    joint = sum((one - middle) * (other - level) for one, other in zip(x, y, strict=True))
    return joint / sum((one - middle) ** 2 for one in x)


def _with_minus_signs(text: str) -> str:
    return re.sub(r"(?<![\w-])-(?=\d)", "−", text)
