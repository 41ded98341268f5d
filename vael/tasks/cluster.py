"""Group examples that nobody has labelled, by where they lie in the latent space.

The model's own prior may hold the groups: where p(z) = Σ_c w_c N(z; μ_c, diag σ_c²), a cluster is a component
("Variational deep embedding", Jiang et al. 2017, https://arxiv.org/abs/1611.05148). The bound of that paper holds the
divergence of q(c | x) from p(c | z), in expectation over z ~ q(z | x); the q(c | x) for which it is least has a closed
form, since E_q log p(c | z) needs only the mean m and the variances s² of q(z | x):

    γ_c(x) ∝ w_c Π_d σ_cd⁻¹ exp(−((m_d − μ_cd)² + s_d²) / 2σ_cd²)

It is taken in place of the paper's E_q p(c | z), which has none: no draws, and so one answer. Without such a prior,
k-means or a mixture of normals with full covariances is fitted to the posterior means.

What belongs together need not be one bump. `spectral` fits several times as many normals as clusters are asked for and
groups the normals: two are near where many examples could be of either, W_ij = Σ_n r_ni r_nj with r the
responsibilities, and the groups cut as little of W as they can, a cut counting by the size of what it leaves
("Normalized cuts and image segmentation", Shi & Malik 2000, https://doi.org/10.1109/34.868688; that fitted components
be grouped by their overlap: "Combining mixture components for clustering", Baudry et al. 2010,
https://doi.org/10.1198/jcgs.2010.08111).
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from vael.data.batches import DeviceData
from vael.errors import VaelError, unknown_name
from vael.evaluation.examples import choose_numbers
from vael.evaluation.representations import Agreement
from vael.models import VAE, OneLayerVAE
from vael.priors.gaussian_mixture import GaussianMixture
from vael.tasks.checks import check_points
from vael.tasks.decode import decode
from vael.tasks.embed import Embedding, embed

__all__ = ["CLUSTER_METHODS", "ClusterMethod", "Clustering", "choose_method", "cluster"]

ClusterMethod = Literal["prior", "k-means", "gaussian-mixture", "spectral"]
CLUSTER_METHODS: tuple[str, ...] = get_args(ClusterMethod)

NUM_CLUSTERS = 10
MAX_ROWS = {"k-means": 100_000, "gaussian-mixture": 100_000, "spectral": 30_000}
"""Codes that each is fitted to."""

STARTS = {"k-means": 10, "gaussian-mixture": 2, "spectral": 1}
"""Fits from different starts, of which the best is kept. More starts of the mixture give no better clusters."""

PIECES, ROWS_A_PIECE = 8, 20
"""Of `spectral`: normals a cluster, and how many codes there are at least for each."""

MIN_VARIANCE = 1e-4
"""Of a fitted component, as a share of the codes' mean variance."""


@dataclass(frozen=True)
class Clustering:
    """Hold clusters and who is in them; they are numbered by size, the largest is 0.

    Arguments:
        method: How they were found.
        labels: `(N,)` int64, each example's most probable cluster.
        probabilities: `(N, C)` float32, how probable each cluster is for each example; of k-means 0 or 1.
        centers: `(C, D)` float32 latents.
        decoded: `(C, *shape)` float32, the mean of p(x | z) at the centres.
        members: `(C, m)` int64, the numbers of each cluster's examples nearest to its centre, nearest first; −1 where
            it has fewer.
        agreement: How well the clusters meet labels; None where there are none.
    """

    method: ClusterMethod
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    centers: NDArray[np.float32]
    decoded: NDArray[np.float32]
    members: NDArray[np.int64]
    agreement: Agreement | None = None

    @property
    def sizes(self) -> NDArray[np.int64]:
        """How many examples each cluster has, `(C,)`; 0 for an empty one."""
        return np.bincount(self.labels, minlength=len(self.centers))

    def majorities(self, names: Sequence[str]) -> list[tuple[str, float]]:
        """Return each cluster's most frequent name and its share, 0 to 1, for N names; ("", NaN) of an empty one."""
        found = []
        for number in range(len(self.centers)):
            known, counts = np.unique(np.asarray(names)[self.labels == number], return_counts=True)
            share = float(counts.max() / counts.sum()) if len(counts) else float("nan")
            found.append((str(known[counts.argmax()]) if len(counts) else "", share))
        return found


def cluster(
    model: VAE,
    data: DeviceData,
    *,
    method: ClusterMethod | None = None,
    num_clusters: int | None = None,
    fitted_to: DeviceData | None = None,
    num_members: int = 10,
    seed: int = 0,
) -> Clustering:
    """Find clusters and say which examples are in them.

    Arguments:
        model: The model; it is put into evaluation mode.
        data: The examples.
        method: `prior` takes the components of a `gaussian-mixture` prior; `k-means` and `gaussian-mixture` are
            scikit-learn's, on posterior means; `spectral` groups the components of a mixture of eight times as many.
            None takes `prior` where there is one, of `num_clusters` components, else `gaussian-mixture`.
        num_clusters: C; None takes the components of the prior, or else 10.
        fitted_to: What all but the prior are fitted to, the training split perhaps; None takes `data`.
        num_members: m, how many examples of each cluster to name.
        seed: Seed of starts and of treatments that draw x.

    Raises:
        VaelError: A conditional model, an unknown method, a prior without components or with another number of them,
            fewer different codes than clusters, or codes that are not finite.
    """
    method = choose_method(model, method, num_clusters)
    if len(data) == 0 or num_members < 1:
        raise VaelError(f"cluster expects examples and num_members ≥ 1, got {len(data)} and {num_members}")
    codes = _embed(model, data, seed)
    if method == "prior":
        probabilities, centers = _own_components(model, codes)
    else:
        fitted = codes if fitted_to is None else _embed(model, fitted_to, seed)
        probabilities, centers = _fit(method, num_clusters or NUM_CLUSTERS, fitted.mean, codes.mean, seed)
    found = probabilities.argmax(1)
    order = np.argsort(-np.bincount(found, minlength=len(centers)), kind="stable")
    labels = np.argsort(order)[found]
    probabilities, centers = probabilities[:, order].astype(np.float32), centers[order].astype(np.float32)
    members = _nearest(codes.mean, labels, centers, min(num_members, len(labels)))
    return Clustering(method, labels, probabilities, centers, decode(model, centers), members)


def choose_method(model: VAE, method: str | None = None, num_clusters: int | None = None) -> ClusterMethod:
    """Return the method that is meant, after all that the model alone can refuse has been.

    Raises:
        VaelError: A conditional model, an unknown method, fewer than one cluster, or `prior` without the components.
    """
    if model.context_dim:
        raise VaelError("cluster expects a model that is not told the label, this one is conditioned on it")
    if num_clusters is not None and num_clusters < 1:
        raise VaelError(f"num_clusters expects an integer ≥ 1, got {num_clusters}")
    if method is not None and method not in CLUSTER_METHODS:
        raise unknown_name("method of clustering", method, CLUSTER_METHODS)
    components = _count_components(model)
    if method is None:
        return "prior" if components and num_clusters in (None, components) else "gaussian-mixture"
    if method == "prior" and not components:
        raise VaelError("method 'prior' expects a gaussian-mixture prior: vael refit-prior fits one, or use k-means")
    if method == "prior" and num_clusters not in (None, components):
        raise VaelError(f"the prior has {components} components, got num_clusters = {num_clusters}: leave it out")
    return next(known for known in get_args(ClusterMethod) if known == method)


def _count_components(model: VAE) -> int:
    """Return C of a mixture prior; 0 for any other."""
    if isinstance(model, OneLayerVAE) and isinstance(model.prior, GaussianMixture):
        return len(model.prior.mu)
    return 0


def _embed(model: VAE, data: DeviceData, seed: int) -> Embedding:
    """Encode examples and refuse codes that are not finite."""
    codes = embed(model, data, seed=seed)
    check_points(codes.mean, model.latent_dim, what="the code of an example")
    return codes


def _own_components(model: VAE, codes: Embedding) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the responsibilities `(N, C)` and the means `(C, D)` of the prior's components."""
    from scipy.special import softmax

    assert isinstance(model, OneLayerVAE)
    assert isinstance(model.prior, GaussianMixture)
    parameters = (model.prior.mu, model.prior.log_sigma, model.prior.log_weights)
    mu, log_sigma, log_weights = (parameter.detach().double().cpu().numpy() for parameter in parameters)
    mean, variance = codes.mean.astype(np.float64), np.square(codes.stddev, dtype=np.float64)
    precision = np.exp(-2 * log_sigma)
    squares = (mean**2 + variance) @ precision.T - 2 * mean @ (precision * mu).T + (precision * mu**2).sum(1)
    return softmax(log_weights - log_sigma.sum(1) - squares / 2, axis=1), mu


def _fit(
    method: str, num_clusters: int, fitted: NDArray[np.float32], codes: NDArray[np.float32], seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit clusters to some codes; return how probable each is for others, `(N, C)`, and the centres `(C, D)`."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture as Mixture

    rows = fitted[choose_numbers(len(fitted), MAX_ROWS[method], seed)].astype(np.float64)
    different = len(np.unique(rows, axis=0))
    if different < num_clusters:
        raise VaelError(f"{num_clusters} clusters expect as many different codes, got {different}: ask for fewer")
    options: dict[str, Any] = {"n_init": STARTS[method], "random_state": seed, "max_iter": 300}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # after 300 steps no example changes sides
        if method == "k-means":
            k_means = KMeans(num_clusters, **options).fit(rows)
            return np.eye(num_clusters)[k_means.predict(codes.astype(np.float64))], k_means.cluster_centers_
        floor = MIN_VARIANCE * float(rows.var(0).mean()) + 1e-12  # one cluster of one code has no variance
        num_components = num_clusters
        if method == "spectral":
            num_components = max(num_clusters, min(PIECES * num_clusters, len(rows) // ROWS_A_PIECE, different))
        mixture = Mixture(num_components, reg_covar=floor, **options).fit(rows)
    probabilities, centers = mixture.predict_proba(codes.astype(np.float64)), np.asarray(mixture.means_)
    if num_components == num_clusters:
        return probabilities, centers
    groups = _group(mixture.predict_proba(rows), num_clusters, seed)
    members = np.eye(num_clusters)[groups]  # (M, C)
    heaviest = (np.asarray(mixture.weights_)[:, None] * members).argmax(0)  # a mean may lie between two pieces
    return probabilities @ members, centers[heaviest]


def _group(responsibilities: NDArray[np.float64], num_clusters: int, seed: int) -> NDArray[np.int64]:
    """Return the group of each component, `(M,)`, for the responsibilities `(N, M)` of what they were fitted to."""
    from sklearn.cluster import SpectralClustering

    overlap = responsibilities.T @ responsibilities
    np.fill_diagonal(overlap, 0)
    cut = SpectralClustering(num_clusters, affinity="precomputed", assign_labels="cluster_qr", random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of pieces that no path connects: they are groups then
        return cut.fit_predict(overlap).astype(np.int64)


def _nearest(
    codes: NDArray[np.float32], labels: NDArray[np.int64], centers: NDArray[np.float32], count: int
) -> NDArray[np.int64]:
    """Return the numbers of each cluster's examples nearest to its centre, `(C, count)`, filled up with −1."""
    members = np.full((len(centers), count), -1, np.int64)
    for number, center in enumerate(centers):
        own = np.flatnonzero(labels == number)
        distances = np.linalg.norm(codes[own].astype(np.float64) - center, axis=1)
        chosen = own[np.argsort(distances, kind="stable")[:count]]
        members[number, : len(chosen)] = chosen
    return members
