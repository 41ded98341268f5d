"""The clusterer of rows."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClusterMixin

from vael.estimators.base import RowsEstimator
from vael.tasks import cluster

__all__ = ["VAEClusterer"]


@dataclass(kw_only=True, eq=False, repr=False)
class VAEClusterer(ClusterMixin, RowsEstimator):
    """Group rows by where a VAE puts them in its latent space.

    Further parameters:
        n_clusters: C ≥ 1.
        method: `gaussian-mixture`, `k-means` or `spectral`, fitted to the means of q(z | x).

    Attributes:
        labels_: `(N,)` int64, the cluster of each training row; 0 is the largest.
        cluster_centers_: `(C, F)`, the centres decoded, in the units of the rows.

    >>> rows = np.random.default_rng(0).normal(size=(60, 4)) + np.repeat([[0.0], [20.0]], 30, 0)
    >>> len(set(VAEClusterer(n_clusters=2, num_steps=100).fit(rows).labels_[:30].tolist()))
    1
    """

    n_clusters: int = 2
    method: str = "gaussian-mixture"

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Train on rows `(N, F)` and group them; `y` is ignored.

        Raises:
            ValueError: NaN, no numbers, or fewer rows than clusters.
            VaelError: Parameters that do not fit together.
        """
        rows = self._training_rows(X, least=max(2, self.n_clusters))
        self._fit(rows)
        self.seen_ = rows
        found = self._cluster(rows)
        self.labels_, self.latent_centers_ = found.labels, found.centers
        self.cluster_centers_ = self.fitted_.scale.undo(found.decoded)
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """Return the cluster of each row, `(N,)`, numbered as those of the training rows are."""
        found = self._cluster(self._rows(X))
        gaps = np.square(found.centers[:, None] - self.latent_centers_[None]).sum(-1)
        return gaps.argmin(1)[found.labels]

    def _cluster(self, rows: NDArray) -> Any:
        """Fit the groups to the training rows and find them among others."""
        fitted = self.fitted_
        return cluster(
            fitted.model,
            fitted.data(rows),
            method=self.method,  # pyright: ignore[reportArgumentType]
            num_clusters=self.n_clusters,
            fitted_to=fitted.data(self.seen_),
        )
