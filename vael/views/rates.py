"""How much the model says about each example, and whether pure noise stands out."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vael.experiments import Run
from vael.figures import Figure, draw_rates
from vael.tasks import embed, make_noise
from vael.views.base import Look, View, name_examples

__all__ = ["Rates", "describe_noise", "rate_of_noise"]

NUM_NOISE = 100
STANDS_OUT = 0.01  # at most this share of the examples may have a larger rate than the median of noise


class Rates(View):
    """The histogram of the rate over the training examples, with chosen examples and pure noise marked."""

    summary = "the histogram of the rate over the training set, with chosen test examples and pure noise marked"
    uses = frozenset({"examples", "seed", "split"})

    def refusal(self, run: Run) -> str | None:
        return None if run.has_rate else "a rate, and a plain autoencoder has none"

    def draw(self, runs: Sequence[Run], look: Look) -> Figure:
        (run,) = runs
        rates = run.embed("train").rate_nats
        noise = rate_of_noise(run, seed=look.seed)
        marks: list[tuple[str, float]] = []
        if look.examples:
            names = name_examples(run, look.examples, look.split)
            found = run.reconstruct(list(look.examples), split=look.split).rate_nats
            marks = list(zip(names, found.tolist(), strict=True))
        return draw_rates(rates, marks=marks, noise=noise, note=describe_noise(rates, noise), theme=look.theme)


def rate_of_noise(run: Run, *, seed: int = 0) -> NDArray[np.float32]:
    """Return the rates of pure noise in the form of the run's data, `(100,)` nats."""
    return embed(run.model, make_noise(run.data("train"), NUM_NOISE, seed=seed)).rate_nats


def describe_noise(rates: NDArray, noise: NDArray) -> str:
    """Say in words whether noise stands out, whichever way it went."""
    above = float((rates > np.median(noise)).mean())
    span = f"Pure noise ({len(noise)} draws): {noise.min():.1f} to {noise.max():.1f} nats"
    if above <= STANDS_OUT:
        share = f"{1 - above:.1%}" if above >= 0.001 else "more than 99.9 %"
        return f"{span}; its median lies above {share} of the training examples: the rate finds it."
    if above >= 1 - STANDS_OUT:
        return f"{span}, less than nearly every training example: with this model a small rate is the strange one."
    return (
        f"{span}; {above:.0%} of the training examples have a larger rate than its median: "
        "with this model noise does not stand out by the rate."
    )
