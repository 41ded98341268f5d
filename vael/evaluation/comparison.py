"""Which of several models is better, example by example.

The examples' difficulty varies far more than models differ; on the same examples it cancels. So each pair of models is
judged by the mean of its differences, d ± s_d/√N, with the paired t-test; p-values of several pairs are corrected by
Holm's method ("A simple sequentially rejective multiple test procedure", Holm 1979). What is tested is chance in the
choice of examples; another seed of the training is another source of chance, which only more trainings show.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vael.errors import VaelError
from vael.evaluation.bounds import ExampleBounds
from vael.evaluation.examples import mean_and_error

__all__ = ["Comparison", "League", "Pair", "Standing", "check_league", "compare_bounds"]

LEVEL = 0.05  # the chance of calling any difference real when none is

By = Literal["nll_nats", "negative_elbo_nats"]


@dataclass(frozen=True)
class League:
    """State what two numbers of nats must share to be compared.

    Arguments:
        fingerprint: Of the data, all splits.
        treatment: Which random variable x is.
        domain: Where x lives.
        is_density: Whether the likelihood is a density on that domain.
        has_density: Whether the posterior has one, so that a bound exists.
    """

    fingerprint: str
    treatment: str
    domain: str
    is_density: bool
    has_density: bool


@dataclass(frozen=True)
class Standing:
    """Hold the means of one model; nats an example."""

    name: str
    elbo_nats: float
    elbo_nats_se: float
    rate_nats: float
    rate_nats_se: float
    distortion_nats: float
    distortion_nats_se: float
    nll_nats: float
    nll_nats_se: float


@dataclass(frozen=True)
class Pair:
    """Hold the paired difference of two models.

    Arguments:
        better: The one with the smaller mean.
        worse: The other.
        difference_nats: The mean of worse − better over the examples, ≥ 0.
        difference_nats_se: Its standard error.
        p_value: Of the paired t-test, two-sided.
        p_adjusted: Corrected by Holm's method for the number of pairs.
        is_significant: Whether that is below 0.05: larger than chance in the examples explains.
    """

    better: str
    worse: str
    difference_nats: float
    difference_nats_se: float
    p_value: float
    p_adjusted: float
    is_significant: bool


@dataclass(frozen=True)
class Comparison:
    """Hold several models on the same examples, the best first.

    Arguments:
        by: What the order and the pairs go by: the importance-weighted NLL, or −ELBO where K = 1.
    """

    num_examples: int
    num_samples: int
    by: By
    standings: tuple[Standing, ...]
    pairs: tuple[Pair, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers by name, as JSON holds them."""
        return asdict(self)


def check_league(leagues: Mapping[str, League]) -> None:
    """Refuse models whose nats do not compare.

    Raises:
        VaelError: Other data, another treatment, a likelihood that is no density, or a posterior without one.
    """
    for name, league in leagues.items():
        if not league.has_density:
            raise VaelError(f"{name} has a posterior without a density, so no bound: leave it out")
        if not league.is_density:
            raise VaelError(
                f"{name} has a likelihood that is no density on the domain '{league.domain}', so its nats compare with "
                "nothing: leave it out, or train on treatment = 'rounded' or 'dynamic'"
            )
    (first, one), *rest = leagues.items()
    for name, other in rest:
        if other.fingerprint != one.fingerprint:
            raise VaelError(
                f"{first} and {name} have other data or another split of them: compare runs of the same data"
            )
        if (other.treatment, other.domain) != (one.treatment, one.domain):
            raise VaelError(
                f"{first} sees its data as '{one.treatment}' and {name} as '{other.treatment}': "
                "their nats speak of different variables; compare runs of the same treatment"
            )


def compare_bounds(bounds: Mapping[str, ExampleBounds]) -> Comparison:
    """Compare models by their bounds on the same examples.

    Arguments:
        bounds: Each model's, by its name, in one order of examples and with one K.

    Raises:
        VaelError: Fewer than two models, or bounds of other examples or another K.
    """
    shapes = {(len(bound), bound.num_samples) for bound in bounds.values()}
    if len(bounds) < 2 or len(shapes) != 1:
        raise VaelError(f"compare expects two models or more on the same examples, got {len(bounds)} of {shapes}")
    ((num_examples, num_samples),) = shapes
    by: By = "nll_nats" if num_samples > 1 else "negative_elbo_nats"
    values = {name: bound.nll_nats if num_samples > 1 else -bound.elbo_nats for name, bound in bounds.items()}
    order = sorted(values, key=lambda name: float(values[name].mean()))
    standings = tuple(_stand(name, bounds[name]) for name in order)
    return Comparison(num_examples, num_samples, by, standings, _compare_pairs(values, order))


def _stand(name: str, bound: ExampleBounds) -> Standing:
    columns = (bound.elbo_nats, bound.rate_nats, bound.distortion_nats, bound.nll_nats)
    return Standing(name, *(number for column in columns for number in mean_and_error(column)))


def _compare_pairs(values: Mapping[str, NDArray], order: Sequence[str]) -> tuple[Pair, ...]:
    names = list(itertools.combinations(order, 2))
    differences = [mean_and_error(values[worse] - values[better]) for better, worse in names]
    p_values = [_p_value(values[worse] - values[better]) for better, worse in names]
    adjusted = adjust(p_values)
    return tuple(
        Pair(*pair, *difference, p_value, corrected, corrected < LEVEL)
        for pair, difference, p_value, corrected in zip(names, differences, p_values, adjusted, strict=True)
    )


def _p_value(differences: NDArray) -> float:
    """Return that of the paired t-test; 1 where nothing differs or one example says nothing of chance."""
    from scipy.stats import t

    mean, error = mean_and_error(differences)
    if len(differences) < 2 or mean == 0:
        return 1.0
    return 0.0 if error == 0 else float(2 * t.sf(abs(mean) / error, len(differences) - 1))


def adjust(p_values: Sequence[float]) -> list[float]:
    """Correct p-values by Holm's method, in their order.

    >>> adjust([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order, adjusted, largest = np.argsort(p_values), [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order.tolist()):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted
