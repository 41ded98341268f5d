"""From scores to p-values: how often something normal looks at least as strange.

With n calibration examples that the training did not see, and that are exchangeable with what is normal,

    p(x) = (1 + #{i : s_i ≥ s(x)}) / (n + 1)

is a conformal p-value: of normal examples at most a share α has p ≤ α, whatever the score and the model are.
Reference: "Inductive conformal anomaly detection for sequential detection of anomalous sub-trajectories", Laxhammar &
Falkman 2015, https://doi.org/10.1007/s10472-013-9381-7; "Testing for outliers with conformal p-values", Bates et al.
2023, https://arxiv.org/abs/2104.08279.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vael.errors import VaelError

__all__ = ["Calibration"]


@dataclass(frozen=True)
class Calibration:
    """Hold the scores of normal examples that the training did not see.

    Arguments:
        scores: `(n,)` float64, n ≥ 1, in rising order; larger is stranger.

    Raises:
        VaelError: No scores, or NaN among them.
    """

    scores: NDArray[np.float64]

    @classmethod
    def of(cls, scores: ArrayLike) -> "Calibration":
        """Sort scores `(n,)`."""
        found = np.sort(np.asarray(scores, np.float64))
        if not found.size or np.isnan(found).any():
            raise VaelError(
                f"a calibration expects scores of one example or more, got {found.size} with NaN among them"
            )
        return cls(found)

    def p_values(self, scores: ArrayLike, *, are_own: bool = False) -> NDArray[np.float64]:
        """Return the share of normal examples, in (0, 1], that look at least as strange as each of `(N,)` scores.

        Arguments:
            scores: Of the examples to judge.
            are_own: Whether they are the calibration examples themselves, each to be held against the others.

        >>> Calibration.of([1.0, 2.0, 3.0]).p_values([0.0, 2.5, 9.0]).tolist()
        [1.0, 0.5, 0.25]
        """
        below = np.searchsorted(self.scores, np.asarray(scores, np.float64), side="left")
        itself = 0 if are_own else 1
        return (itself + len(self.scores) - below) / (len(self.scores) + itself)

    def threshold(self, false_alarms: float) -> float:
        """Return the score above which p ≤ `false_alarms`: what is strictly larger is called an anomaly.

        >>> Calibration.of([1.0, 2.0, 3.0]).threshold(0.5)
        2.0

        Raises:
            VaelError: A share outside (0, 1), or smaller than the examples can resolve.
        """
        self.check(false_alarms)
        allowed = math.floor(false_alarms * (len(self.scores) + 1) * (1 + 1e-12))  # 0.01 · 100 may lie below 1
        return float(self.scores[len(self.scores) - allowed])

    def check(self, false_alarms: float) -> None:
        """Refuse a share of false alarms that the examples cannot resolve.

        Raises:
            VaelError: A share outside (0, 1), or below 1 / (n + 1).
        """
        if not 0 < false_alarms < 1:
            raise VaelError(f"false alarms expect a share between 0 and 1, got {false_alarms:g}: 0.01 is one in 100")
        count = len(self.scores)
        if false_alarms * (count + 1) * (1 + 1e-12) < 1:
            needed = math.ceil(1 / false_alarms * (1 - 1e-12)) - 1
            raise VaelError(
                f"{count} normal examples resolve false alarms down to {1 / (count + 1):.3g}, got {false_alarms:g}: "
                f"use at least that share, or {needed:,} examples"
            )
