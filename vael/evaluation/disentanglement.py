"""Whether each latent stands for one factor of the data: four scores for data whose factors are known.

All read codes `(N, D)` and factors `(N, F)`, the number of each factor's value:

    MIG         mutual information of the best latent minus the next best, over the factor's entropy, mean over factors
    SAP         the same gap between how well single latents predict a factor
    DCI         entropy of the importance of latents for factors, from random forests: disentanglement (a latent serves
                one factor), completeness (a factor uses one latent), informativeness (held-out accuracy)
    FactorVAE   accuracy of telling which factor was held fixed from the latent that varies least

References: "Isolating sources of disentanglement", Chen et al. 2018, https://arxiv.org/abs/1802.04942; "Variational
inference of disentangled latent concepts", Kumar et al. 2018, https://arxiv.org/abs/1711.00848; "A framework for the
quantitative evaluation of disentangled representations", Eastwood & Williams 2018,
https://openreview.net/forum?id=By-7dz-AZ; "Disentangling by factorising", Kim & Mnih 2018,
https://arxiv.org/abs/1802.05983. Codes are cut into 20 bins for MIG, as in Locatello et al. 2019,
https://arxiv.org/abs/1811.12359.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vael.data.batches import DeviceData
from vael.errors import VaelError
from vael.evaluation.activity import find_active
from vael.evaluation.examples import choose_examples, choose_numbers, encode_means, mean_and_error
from vael.models import VAE

__all__ = ["Disentanglement", "Factors", "measure_disentanglement", "score_factors"]

NUM_BINS = 20
NUM_TREES = 30
NUM_VOTES = 800  # of the FactorVAE score, to learn from and as many to judge on
GROUP_SIZE = 64  # examples that share a factor in one vote


@dataclass(frozen=True)
class Factors:
    """Hold what is known of N examples.

    Arguments:
        values: `(N, F)` int64, the number of each factor's value, from 0.
        names: The factors'.
        categorical: Which of them have no order.
    """

    values: NDArray[np.int64]
    names: tuple[str, ...]
    categorical: tuple[str, ...] = ()

    def take(self, rows: NDArray) -> "Factors":
        """Return those of some examples."""
        return Factors(self.values[rows], self.names, self.categorical)


@dataclass(frozen=True)
class Disentanglement:
    """Hold the scores, each between 0 and 1, larger is better.

    Arguments:
        num_examples: N.
        mig: Mutual information gap.
        sap: Separated attribute predictability; 0 for chance, 1 where one latent alone predicts each factor linearly.
        dci_disentanglement: Of DCI.
        dci_completeness: Of DCI.
        dci_informativeness: The mean held-out accuracy of the forests.
        factor_vae: Accuracy of the majority vote; guessing gives 1/F.
    """

    num_examples: int
    mig: float
    sap: float
    dci_disentanglement: float
    dci_completeness: float
    dci_informativeness: float
    dci_informativeness_se: float
    factor_vae: float
    factor_vae_se: float

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers by name, as JSON holds them."""
        return asdict(self)


def measure_disentanglement(
    model: VAE, data: DeviceData, factors: Factors, *, num_examples: int | None = 6000, seed: int = 0
) -> Disentanglement:
    """Score the posterior means of a model.

    Arguments:
        model: The model; it is put into evaluation mode.
        data: The examples.
        factors: What is known of them, in their order.
        num_examples: How many to draw of them; None takes all.
        seed: Seed of every draw.

    Raises:
        VaelError: Not as many factors as examples, fewer than two latents, or a factor that never varies.
    """
    if len(data) != len(factors.values):
        raise VaelError(f"factors expect one row for each of {len(data)} examples, got {len(factors.values)}")
    chosen = factors.take(choose_numbers(len(data), num_examples, seed))
    return score_factors(encode_means(model, choose_examples(data, num_examples, seed), seed=seed), chosen, seed=seed)


def score_factors(codes: NDArray, factors: Factors, *, seed: int = 0) -> Disentanglement:
    """Score codes `(N, D)` with their factors.

    Raises:
        VaelError: Fewer than two latents, or a factor that never varies.
    """
    constant = [name for name, column in zip(factors.names, factors.values.T, strict=True) if np.ptp(column) == 0]
    if codes.shape[1] < 2 or constant:
        raise VaelError(
            f"disentanglement expects two latents or more and factors that vary, got {codes.shape[1]} latents"
            + (f" and the constant factor '{constant[0]}'" if constant else "")
        )
    importance, informativeness = _importance(codes, factors, seed)
    return Disentanglement(
        len(codes),
        mutual_information_gap(codes, factors.values),
        predictability_gap(codes, factors, seed=seed),
        disentanglement_of(importance),
        completeness_of(importance),
        *informativeness,
        *factor_vae_score(codes, factors.values, seed=seed),
    )


def mutual_information_gap(codes: NDArray, values: NDArray) -> float:
    """Return MIG: mean over factors of [I(z_best; v) − I(z_next; v)] / H(v), codes in 20 bins of equal width."""
    binned = [np.digitize(code, np.histogram_bin_edges(code, NUM_BINS)[1:-1]) for code in codes.T]
    gaps = []
    for factor in values.T:
        found = np.sort([_mutual_information(code, factor) for code in binned])
        gaps.append((found[-1] - found[-2]) / _mutual_information(factor, factor))
    return float(np.mean(gaps))


def _mutual_information(first: NDArray, second: NDArray) -> float:
    """Return I of two discrete columns, nats."""
    from sklearn.metrics import mutual_info_score

    return float(mutual_info_score(first, second))


def predictability_gap(codes: NDArray, factors: Factors, *, seed: int = 0) -> float:
    """Return SAP: the mean gap between the two latents that predict a factor best.

    A latent predicts a factor with an order by its squared correlation, one without by the balanced accuracy of
    logistic regression on held-out examples, scaled so that guessing is 0.
    """
    gaps = []
    for name, factor in zip(factors.names, factors.values.T, strict=True):
        if name in factors.categorical:
            scores = [_class_score(code, factor, seed) for code in codes.T]
        else:
            scores = [np.corrcoef(code, factor)[0, 1] ** 2 if np.ptp(code) > 0 else 0.0 for code in codes.T]
        best = np.sort(scores)
        gaps.append(best[-1] - best[-2])
    return float(np.mean(gaps))


def _class_score(code: NDArray, factor: NDArray, seed: int) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import balanced_accuracy_score

    train, test = _halves(len(code), seed)
    column = ((code - code.mean()) / max(code.std(), 1e-12))[:, None]
    probe = LogisticRegression(class_weight="balanced", C=1e4, max_iter=2000).fit(column[train], factor[train])
    return max(0.0, float(balanced_accuracy_score(factor[test], probe.predict(column[test]), adjusted=True)))


def _importance(codes: NDArray, factors: Factors, seed: int) -> tuple[NDArray, tuple[float, float]]:
    """Return the importance of latents for factors `(D, F)`, and the forests' held-out accuracy with its error."""
    from sklearn.ensemble import RandomForestClassifier

    train, test = _halves(len(codes), seed)
    columns, rights = [], []
    for factor in factors.values.T:
        options: dict[str, Any] = {"max_features": None, "min_samples_leaf": 3, "random_state": seed}
        forest = RandomForestClassifier(NUM_TREES, **options)
        forest.fit(codes[train], factor[train])
        columns.append(forest.feature_importances_)
        rights.append(forest.predict(codes[test]) == factor[test])
    return np.stack(columns, 1), mean_and_error(np.mean(rights, 0))


def disentanglement_of(importance: NDArray) -> float:
    """Return DCI's disentanglement of `(D, F)` importances: 1 − entropy of each latent's row, weighted by its sum."""
    weight = importance.sum(1)
    return float((weight * (1 - _entropy(importance.T)) / weight.sum()).sum())


def completeness_of(importance: NDArray) -> float:
    """Return DCI's completeness of `(D, F)` importances: 1 − entropy of each factor's column, weighted by its sum."""
    return disentanglement_of(importance.T)


def _entropy(columns: NDArray) -> NDArray:
    """Return the entropy of each column, in units of its largest possible value; 1 for a column of zeros."""
    from scipy.stats import entropy

    total = columns.sum(0)
    share = np.where(total > 0, columns / np.where(total > 0, total, 1), 1 / len(columns))
    return np.asarray(entropy(share, base=len(columns), axis=0))


def factor_vae_score(codes: NDArray, values: NDArray, *, seed: int = 0) -> tuple[float, float]:
    """Return the FactorVAE score and its binomial standard error.

    A vote holds one factor at one value in 64 examples: the latent whose variance there is smallest, in units of its
    variance over all examples, votes for that factor. Latents that never vary have no vote.
    """
    alive = codes[:, find_active(codes)]
    if alive.shape[1] == 0:
        return 0.0, 0.0
    generator = np.random.Generator(np.random.PCG64(seed))
    scaled, num_factors = alive / alive.std(0), values.shape[1]
    votes = np.zeros((2, scaled.shape[1], num_factors))
    for part in (0, 1):
        for factor in generator.integers(0, num_factors, NUM_VOTES):
            rows = np.flatnonzero(values[:, factor] == generator.choice(values[:, factor]))
            group = scaled[generator.choice(rows, GROUP_SIZE)]
            votes[part, group.var(0).argmin(), factor] += 1
    learnt = votes[0].argmax(1)
    score = votes[1][np.arange(len(learnt)), learnt].sum() / NUM_VOTES
    return float(score), float(np.sqrt(score * (1 - score) / NUM_VOTES))


def _halves(count: int, seed: int) -> tuple[NDArray, NDArray]:
    order = np.random.Generator(np.random.PCG64(seed)).permutation(count)
    return order[: count // 2], order[count // 2 :]
