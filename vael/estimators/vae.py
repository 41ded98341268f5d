"""The VAE as a transformer and a density."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

from vael.errors import VaelError
from vael.estimators.base import RowsEstimator
from vael.tasks import build_score, decode, embed, sample
from vael.tasks.detect import score_all

__all__ = ["VAE"]


class VAE(ClassNamePrefixFeaturesOutMixin, TransformerMixin, RowsEstimator):
    """Encode rows, decode latents, draw rows, and say how probable rows are.

    The parameters are those of `RowsEstimator`.

    Attributes:
        fitted_: The model, its recipe and the scale of the columns.
        n_latent_: D.

    >>> rows = np.random.default_rng(0).normal(size=(50, 4))
    >>> VAE(num_steps=10).fit(rows).transform(rows).shape
    (50, 2)
    """

    @property
    def _n_features_out(self) -> int:
        return self.n_latent_

    def transform(self, X: ArrayLike) -> NDArray:
        """Return the means of q(z | x), `(N, D)`, in the precision of X."""
        rows = self._rows(X)
        return embed(self.fitted_.model, self.fitted_.data(rows)).mean.astype(rows.dtype)

    def inverse_transform(self, Z: ArrayLike) -> NDArray:
        """Return the means of p(x | z), `(N, F)`, in the units of the rows, for latents `(N, D)`.

        Raises:
            ValueError: Not D columns, or NaN.
        """
        check_is_fitted(self, "fitted_")
        latents: Any = Z
        z = np.asarray(check_array(latents, dtype=[np.float64, np.float32]))  # pyright: ignore[reportArgumentType]
        try:
            x = decode(self.fitted_.model, z)
        except VaelError as error:
            raise ValueError(str(error)) from None
        return self.fitted_.scale.undo(x).astype(z.dtype)

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the importance-weighted estimate of log p(x), nats in the units of the rows, `(N,)`."""
        data = self.fitted_.data(self._rows(X))
        nll = score_all(build_score("nll", self.fitted_.model, data), data)
        return -nll - np.log(self.fitted_.scale.spread).sum()

    def score(self, X: ArrayLike, y: Any = None) -> float:
        """Return the mean of `score_samples`; larger is better."""
        return float(self.score_samples(X).mean())

    def sample(self, n_samples: int = 1, *, random_state: int = 0) -> NDArray[np.float64]:
        """Draw rows from the model, `(n_samples, F)`."""
        check_is_fitted(self, "fitted_")
        drawn = sample(self.fitted_.model, n_samples, seed=random_state, mean=False)
        return self.fitted_.scale.undo(drawn.x)
