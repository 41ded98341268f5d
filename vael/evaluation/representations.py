"""How much of the labels the latents hold, though no label trained them.

Codes are the posterior's means. What learns from labels (nearest neighbours, a linear probe) learns from the training
split and is judged on the other; clusters are found in the training split without labels, the other split falls into
them, and clusters are then given the labels that fit best, one each (the Hungarian method).
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vael.data.batches import DeviceData
from vael.errors import VaelError
from vael.evaluation.examples import Labelled, choose_examples, choose_numbers, encode_means
from vael.models import VAE

__all__ = ["Agreement", "Representations", "match_accuracy", "measure_representations", "score_clusters"]

NUM_NEIGHBOURS = 10
RESAMPLES = 100  # of the bootstrap over examples


@dataclass(frozen=True)
class Agreement:
    """Hold how well clusters meet labels, each number with its bootstrap standard error over examples.

    Arguments:
        accuracy: The share of examples in the cluster that was given their label, 0 to 1.
        nmi: Normalised mutual information, 0 to 1.
        ari: Adjusted Rand index, 0 in expectation for random clusters, 1 for the same ones.
    """

    accuracy: float
    accuracy_se: float
    nmi: float
    nmi_se: float
    ari: float
    ari_se: float


@dataclass(frozen=True)
class Representations:
    """Hold how much of the labels the codes hold.

    Arguments:
        num_train: How many training examples were learnt from.
        num_test: How many others were judged on.
        num_classes: How many labels there are; as many clusters are looked for.
        largest_class: The share of the most frequent label: what guessing gives.
        knn_accuracy: Of the 10 nearest neighbours' vote.
        linear_accuracy: Of logistic regression on standardised codes.
        k_means: k-means clusters.
        mixture: Clusters of a mixture of normals with full covariances.
    """

    num_train: int
    num_test: int
    num_classes: int
    largest_class: float
    knn_accuracy: float
    knn_accuracy_se: float
    linear_accuracy: float
    linear_accuracy_se: float
    k_means: Agreement
    mixture: Agreement

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers by name, as JSON holds them."""
        return asdict(self)


def measure_representations(
    model: VAE, train: Labelled, test: Labelled, *, num_examples: int | None = 10_000, seed: int = 0
) -> Representations:
    """Judge the codes of a model by labels.

    Arguments:
        model: The model; it is put into evaluation mode.
        train: What the probes learn from and the clusters are found in.
        test: What they are judged on.
        num_examples: How many to draw of each; None takes all.
        seed: Seed of every draw.

    Raises:
        VaelError: A conditional model, fewer than two classes, or fewer examples than classes.
    """
    if model.context_dim:
        raise VaelError("representations expect a model that is not told the label, this one is conditioned on it")
    codes, labels = zip(*(_choose(model, part, num_examples, seed) for part in (train, test)), strict=True)
    if len(np.unique(labels[0])) < 2 or min(len(part) for part in labels) < len(np.unique(labels[0])):
        raise VaelError("representations expect two classes or more, and more examples than classes")
    scale = codes[0].std(0)
    scaled = [(code - codes[0].mean(0)) / np.where(scale > 0, scale, 1) for code in codes]
    return score_codes((scaled[0], labels[0]), (scaled[1], labels[1]), seed=seed)


def _choose(model: VAE, part: Labelled, num_examples: int | None, seed: int) -> tuple[NDArray, NDArray]:
    data: DeviceData = choose_examples(part.data, num_examples, seed)
    return encode_means(model, data, seed=seed), part.labels[choose_numbers(len(part.data), num_examples, seed)]


def score_codes(train: tuple[NDArray, NDArray], test: tuple[NDArray, NDArray], *, seed: int) -> Representations:
    """Judge codes `(N, D)` with labels `(N,)`: those of `train` are learnt from, those of `test` judged."""
    from sklearn.cluster import KMeans
    from sklearn.linear_model import LogisticRegression
    from sklearn.mixture import GaussianMixture
    from sklearn.neighbors import KNeighborsClassifier

    (codes, labels), (test_codes, test_labels) = train, test
    num_classes = len(np.unique(labels))
    num_neighbours = min(NUM_NEIGHBOURS, len(codes))
    probes = (KNeighborsClassifier(num_neighbours), LogisticRegression(max_iter=2000))
    accuracies = [_accuracy(probe.fit(codes, labels).predict(test_codes) == test_labels) for probe in probes]
    starts: dict[str, Any] = {"n_init": 10, "random_state": seed}
    k_means = KMeans(num_classes, **starts).fit(codes)
    mixture = GaussianMixture(num_classes, n_init=2, reg_covar=1e-4, random_state=seed, max_iter=300)
    mixture.fit(codes)
    return Representations(
        len(codes),
        len(test_codes),
        num_classes,
        float(np.unique(test_labels, return_counts=True)[1].max() / len(test_labels)),
        *accuracies[0],
        *accuracies[1],
        score_clusters(test_labels, np.asarray(k_means.predict(test_codes)), seed=seed),
        score_clusters(test_labels, np.asarray(mixture.predict(test_codes)), seed=seed),
    )


def score_clusters(labels: NDArray, clusters: NDArray, *, seed: int = 0) -> Agreement:
    """Compare clusters with labels, `(N,)` each."""
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    measures: tuple[Callable[[NDArray, NDArray], float], ...] = (
        match_accuracy,
        normalized_mutual_info_score,
        adjusted_rand_score,
    )
    generator = np.random.Generator(np.random.PCG64(seed))
    draws = generator.integers(0, len(labels), (RESAMPLES, len(labels)))
    numbers = []
    for measure in measures:
        again = [measure(labels[draw], clusters[draw]) for draw in draws]
        numbers += [float(measure(labels, clusters)), float(np.std(again, ddof=1))]
    return Agreement(*numbers)


def match_accuracy(labels: NDArray, clusters: NDArray) -> float:
    """Return the accuracy of the best one-to-one matching of clusters and labels.

    >>> match_accuracy(np.array([0, 0, 1, 1]), np.array([5, 5, 3, 3]))
    1.0
    """
    from scipy.optimize import linear_sum_assignment
    from sklearn.metrics.cluster import contingency_matrix

    table = contingency_matrix(labels, clusters)
    rows, columns = linear_sum_assignment(table, maximize=True)
    return float(table[rows, columns].sum() / len(labels))


def _accuracy(is_right: NDArray[np.bool_]) -> tuple[float, float]:
    """Return a share and its binomial standard error."""
    share = float(is_right.mean())
    return share, float(np.sqrt(share * (1 - share) / len(is_right)))
