"""Find what does not belong: scores in nats, p-values that hold, and which cells are to blame."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from vael.data.batches import DeviceData
from vael.distributions.cells import log_prob_per_cell
from vael.models import VAE
from vael.random import seeded
from vael.tasks.decode import CELLS_AT_ONCE
from vael.tasks.detect.base import Score
from vael.tasks.detect.calibration import Calibration
from vael.tasks.terms import as_arrays, terms_at_mean
from vael.types import Batch

__all__ = ["Contributions", "Detection", "Detector", "blame", "score_all"]

BLOCK = 200
"""Examples read at once: each block has a seed of its own, for treatments that draw x."""


@dataclass(frozen=True)
class Detection:
    """Hold what a detector says of N examples.

    Arguments:
        score_nats: `(N,)` float64, larger is stranger.
        p_values: `(N,)` float64 in (0, 1], the share of normal examples that look at least as strange.
        false_alarms: The share of normal examples that may be called anomalies.
        threshold_nats: The score above which that is so.
    """

    score_nats: NDArray[np.float64]
    p_values: NDArray[np.float64]
    false_alarms: float
    threshold_nats: float

    @property
    def is_anomaly(self) -> NDArray[np.bool_]:
        """Which examples are called anomalies, `(N,)`: those whose p-value is at most the share of false alarms."""
        return self.p_values <= self.false_alarms * (1 + 1e-12)

    def strangest(self, count: int) -> NDArray[np.int64]:
        """Return the numbers of the examples with the largest scores, the strangest first, `(≤ count,)`."""
        return np.argsort(-self.score_nats, kind="stable")[:count]


@dataclass(frozen=True)
class Detector:
    """Tell the strange from the normal.

    Arguments:
        score: How strange x is to a model.
        calibration: The scores of normal examples that the model was not trained on.
    """

    score: Score
    calibration: Calibration

    @classmethod
    def calibrated(cls, score: Score, examples: DeviceData) -> "Detector":
        """Calibrate a score on normal examples that the model was not trained on.

        Raises:
            VaelError: No examples, or one whose score is no number.
        """
        return cls(score, Calibration.of(score_all(score, examples)))

    def __call__(self, data: DeviceData, *, false_alarms: float = 0.01, are_own: bool = False) -> Detection:
        """Score examples and say which of them are anomalies.

        Arguments:
            data: The examples.
            false_alarms: The share of normal examples that may be called anomalies, in (0, 1).
            are_own: Whether these are the calibration examples themselves: each is then held against the others.

        Raises:
            VaelError: A share of false alarms that the calibration examples cannot resolve.
        """
        threshold = self.calibration.threshold(false_alarms)
        scores = score_all(self.score, data)
        return Detection(scores, self.calibration.p_values(scores, are_own=are_own), false_alarms, threshold)


@torch.no_grad()
def score_all(score: Score, data: DeviceData) -> NDArray[np.float64]:
    """Score every example, in order, `(N,)` float64 nats; the same at each call."""
    score.model.eval()
    cells = score.num_points * score.model.observation.num_dims
    parts = [score(batch) for batch in _read(data, max(1, CELLS_AT_ONCE // cells))]
    return torch.cat(parts).double().cpu().numpy() if parts else np.empty(0)


def _read(data: DeviceData, at_once: int) -> Iterator[Batch]:
    """Yield batches of at most `at_once` examples; x that is drawn does not depend on how many."""
    for number, index in enumerate(torch.arange(len(data), device=data.device).split(BLOCK)):
        with seeded(number):
            block = data.batch(index)
        for start in range(0, len(index), at_once):
            yield block.rows(slice(start, start + at_once))


@dataclass(frozen=True)
class Contributions:
    """Hold which cells of examples the model finds improbable.

    Arguments:
        x: `(B, *shape)` float32, the examples.
        mean: `(B, *shape)` float32, what the model expects them to be: the mean of p(x | z̄).
        nats: `(B, *shape)` float32, −log p(x_i | z̄) of each cell; they add up to the distortion at the posterior's
            mean. A colour pixel whose channels are one event has a single channel.
    """

    x: NDArray[np.float32]
    mean: NDArray[np.float32]
    nats: NDArray[np.float32]


@torch.no_grad()
def blame(model: VAE, batch: Batch) -> Contributions:
    """Split the distortion of each example into what its cells contribute.

    Raises:
        VaelError: The likelihood does not factorise over cells.
    """
    model.eval()
    terms = terms_at_mean(model, batch)
    return Contributions(*as_arrays(batch.x, terms.p_x.mean, -log_prob_per_cell(terms.p_x, batch.x)))
