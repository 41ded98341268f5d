"""What the estimators share: their parameters, the recipe that these make, and the fit."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from vael.estimators.fitted import Fitted, fit_rows
from vael.recipe import Recipe

__all__ = ["RowsEstimator"]

LARGEST_SEED = 2**31 - 1
MIN_LATENT, MAX_LATENT = 2, 10
SCALED = ("gaussian", "student-t", "hyperbolic-secant")
"""Likelihoods that have a scale for each column, where they are asked for one."""


@dataclass(kw_only=True, eq=False, repr=False)
class RowsEstimator(BaseEstimator):
    """Fit a VAE to rows; the members are dataclasses too, so that no parameter is listed twice.

    Arguments:
        latent_dim: D ≥ 1; None takes half of the columns, at least 2 and at most 10.
        hidden_features: Widths of the encoder's hidden layers; the decoder has them in reverse.
        likelihood: Of a cell: gaussian, student-t or hyperbolic-secant with one scale a column; optimal-gaussian or
            laplace with one for all.
        beta: Weight of the rate.
        trim: The share of each batch, the worst explained, that no step learns from; for rows among which are some that
            do not belong.
        num_steps: Steps of the optimizer, whatever the number of rows.
        batch_size: Rows a step.
        learning_rate: At the start; it falls to zero along a cosine.
        standardize: Whether columns are brought to mean 0 and standard deviation 1 first.
        settings: Settings of a recipe that replace the above (`{"model.posterior": "full-normal"}`).
        warm_start: Whether `fit` goes on from the weights of the fit before, on its scale.
        device: cpu, cuda, or auto.
        random_state: Seed of weights, order and noise; None draws one from NumPy's global generator.
    """

    latent_dim: int | None = None
    hidden_features: tuple[int, ...] = (128,)
    likelihood: str = "gaussian"
    beta: float = 1.0
    trim: float = 0.0
    num_steps: int = 800
    batch_size: int = 512
    learning_rate: float = 5e-3
    standardize: bool = True
    settings: Mapping[str, Any] | None = None
    warm_start: bool = False
    device: str = "cpu"
    random_state: Any = 0

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Train on rows `(N, F)`, N ≥ 2, finite; `y` is ignored.

        Raises:
            ValueError: NaN, fewer than two rows, no columns, or no numbers.
            VaelError: Parameters that do not fit together.
        """
        self._fit(self._training_rows(X))
        return self

    def _training_rows(self, X: ArrayLike, *, least: int = 2) -> NDArray:
        """Check the rows to fit to and remember their columns."""
        rows: Any = X  # anything that scikit-learn takes
        return np.asarray(validate_data(self, rows, dtype=(np.float64, np.float32), ensure_min_samples=least))

    def _fit(self, rows: NDArray) -> None:
        """Train on checked rows; the members add what they need."""
        start = getattr(self, "fitted_", None) if self.warm_start else None
        self.fitted_: Fitted = fit_rows(rows, self._recipe(*rows.shape), is_scaled=self.standardize, start=start)
        self.n_latent_ = self.fitted_.model.latent_dim

    def _recipe(self, count: int, width: int) -> Recipe:
        """Return the recipe that the parameters make for `count` rows of `width` columns."""
        hidden = list(self.hidden_features)
        batch_size = min(self.batch_size, count)
        steps_per_epoch = -(-count // batch_size)
        scaled = {"variance": "per-dimension"} if self.likelihood in SCALED else {}
        settings = {
            "model.latent_dim": self.latent_dim or max(MIN_LATENT, min(MAX_LATENT, width // 2)),
            "model.encoder": {"name": "mlp", "hidden_features": hidden},
            "model.decoder": {"name": "mlp", "hidden_features": hidden[::-1]},
            "model.likelihood": {"name": self.likelihood, **scaled},
            "objective": {"name": "elbo", "beta": self.beta, "trim": self.trim},
            "training.epochs": max(1, math.ceil(self.num_steps / steps_per_epoch)),
            "training.batch_size": batch_size,
            "training.learning_rate": {"name": "cosine", "start": self.learning_rate, "end": 0.0},
            "training.precision": "float32",
            "training.device": self.device,
            "training.seed": int(check_random_state(self.random_state).randint(LARGEST_SEED)),
        }
        return Recipe().override(settings | dict(self.settings or {}))

    def _rows(self, X: ArrayLike) -> NDArray:
        """Check rows that come after the fit."""
        check_is_fitted(self, "fitted_")
        rows: Any = X
        return np.asarray(validate_data(self, rows, dtype=(np.float64, np.float32), reset=False))
