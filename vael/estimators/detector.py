"""The detector of rows that do not belong."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import OutlierMixin
from sklearn.utils.validation import check_is_fitted

from vael.errors import VaelError
from vael.estimators.base import RowsEstimator
from vael.estimators.fitted import one_thread
from vael.tasks.detect import Calibration, build_score, known_rows, score_all

__all__ = ["VAEDetector"]


@dataclass(kw_only=True, eq=False, repr=False)
class VAEDetector(OutlierMixin, RowsEstimator):
    """Tell rows that do not belong from those that do, by how improbable the model finds them.

    Further parameters:
        score_name: A name of `vael.tasks.SCORES`; None takes the first that the model can serve.
        contamination: The share of the training rows (of 2,000 of them) beyond the threshold of `predict`.
        calibration_fraction: The share of the training rows kept back for `p_values`; 0 keeps none.

    Attributes:
        known_: The training rows that the score compares with, at most 2,000.
        offset_: The threshold, nats: `decision_function = score_samples − offset_`.
        calibration_: The scores of the rows kept back, or None.

    >>> rows = np.random.default_rng(0).normal(size=(50, 4))
    >>> VAEDetector(num_steps=50).fit(rows).predict(np.full((1, 4), 9.0)).tolist()
    [-1]
    """

    score_name: str | None = None
    contamination: float = 0.1
    calibration_fraction: float = 0.0

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Train on rows `(N, F)`, N ≥ 2, finite: what is normal, but for some contamination; `y` is ignored.

        Raises:
            ValueError: NaN, fewer than two rows, no columns, no numbers, or a share out of range.
            VaelError: Parameters that do not fit together.
        """
        if not 0 < self.contamination <= 0.5:
            raise ValueError(f"contamination expects a share in (0, 0.5], got {self.contamination}")
        if not 0 <= self.calibration_fraction < 1:
            raise ValueError(f"calibration_fraction expects a share in [0, 1), got {self.calibration_fraction}")
        rows = self._training_rows(X)
        kept_back = int(self.calibration_fraction * len(rows))
        order = np.random.default_rng(0).permutation(len(rows)) if kept_back else np.arange(len(rows))
        seen = rows[np.sort(order[kept_back:])]
        self._fit(seen)
        self.known_ = seen[known_rows(len(seen))]
        with one_thread():
            self.calibration_ = Calibration.of(self._strangeness(rows[order[:kept_back]])) if kept_back else None
            self.offset_ = float(-np.quantile(self._strangeness(self.known_), 1 - self.contamination))
        return self

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return how normal rows are, minus their score in nats, `(N,)`: larger is more normal."""
        return -self._strangeness(self._rows(X))

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return `score_samples − offset_`, `(N,)` nats: below 0 is an anomaly."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """Return −1 for anomalies and 1 for the others, `(N,)`."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def p_values(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return conformal p-values, `(N,)`: of normal rows at most a share α has p ≤ α.

        Raises:
            VaelError: No rows were kept back.
        """
        check_is_fitted(self, "fitted_")
        if self.calibration_ is None:
            raise VaelError("p_values expects rows kept back from the training: use calibration_fraction=0.2")
        return self.calibration_.p_values(self._strangeness(self._rows(X)))

    def _strangeness(self, rows: NDArray) -> NDArray[np.float64]:
        model = self.fitted_.model
        score = build_score(self.score_name, model, self.fitted_.data(self.known_))
        return score_all(score, self.fitted_.data(rows))
