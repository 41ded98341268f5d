"""How much better a model knows what it was trained on: the bounds of train against those of test."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from vael.data.batches import DeviceData
from vael.errors import VaelError
from vael.evaluation.bounds import bound_examples
from vael.evaluation.examples import choose_examples, mean_and_error
from vael.models import VAE

__all__ = ["Overfit", "measure_overfit"]


@dataclass(frozen=True)
class Overfit:
    """Hold the bounds of two splits and their difference; nats an example.

    Arguments:
        num_train: How many training examples were looked at.
        num_test: How many held-out examples.
        num_samples: K draws of z for each.
        elbo_gap_nats: ELBO of train − ELBO of test: positive where the model knows its training examples better.
        nll_gap_nats: NLL of test − NLL of train; None where the likelihood is no density.
    """

    num_train: int
    num_test: int
    num_samples: int
    train_elbo_nats: float
    train_elbo_nats_se: float
    test_elbo_nats: float
    test_elbo_nats_se: float
    elbo_gap_nats: float
    elbo_gap_nats_se: float
    nll_gap_nats: float | None
    nll_gap_nats_se: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers by name, as JSON holds them."""
        return asdict(self)


def measure_overfit(
    model: VAE,
    train: DeviceData,
    test: DeviceData,
    *,
    num_examples: int | None = 5000,
    num_samples: int = 16,
    seed: int = 0,
) -> Overfit:
    """Compare the bounds of training and held-out examples; the standard errors of both add in squares.

    Arguments:
        model: The model; it is put into evaluation mode.
        train: What it was trained on.
        test: What it was not.
        num_examples: How many to draw of each; None takes all.
        num_samples: K draws of z for each.
        seed: Seed of every draw.

    Raises:
        VaelError: K < 1, no examples, or a posterior without a density.
    """
    if num_samples < 1:
        raise VaelError(f"train against test expects num_samples ≥ 1, got {num_samples}")
    if not model.has_density:
        raise VaelError("train against test expects a posterior with a density, this model has none: no bound")
    bounds = [
        bound_examples(model, choose_examples(data, num_examples, seed), num_samples=num_samples, seed=seed)
        for data in (train, test)
    ]
    (train_elbo, train_se), (test_elbo, test_se) = (mean_and_error(bound.elbo_nats) for bound in bounds)
    nll_gap, nll_gap_se = None, None
    if model.observation.domain in model.likelihood.densities:
        (train_nll, first), (test_nll, second) = (mean_and_error(bound.nll_nats) for bound in bounds)
        nll_gap, nll_gap_se = test_nll - train_nll, math.hypot(first, second)
    return Overfit(
        len(bounds[0]),
        len(bounds[1]),
        num_samples,
        train_elbo,
        train_se,
        test_elbo,
        test_se,
        train_elbo - test_elbo,
        math.hypot(train_se, test_se),
        nll_gap,
        nll_gap_se,
    )
