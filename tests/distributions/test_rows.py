"""Rows of levels: the cumulative probabilities of the distributions that they come from, all of them or some."""

import pytest
import torch
from torch import Tensor

from vael.distributions.discretized_logistic import DiscretizedLogistic
from vael.distributions.levels import FreeLevels
from vael.distributions.logistic_mixture import LogisticMixture
from vael.random import seeded

SHAPE = (2, 3, 1, 4, 4)
NUM_LEVELS = 7


def normal(*shape: int) -> Tensor:
    with seeded(sum(shape)):
        return torch.randn(shape, dtype=torch.float64)


@pytest.fixture(params=["logistic", "mixture", "colours", "free"])
def base(request: pytest.FixtureRequest) -> DiscretizedLogistic | LogisticMixture | FreeLevels:
    if request.param == "logistic":
        return DiscretizedLogistic(normal(*SHAPE), normal(*SHAPE), NUM_LEVELS)
    if request.param == "free":
        return FreeLevels(normal(*SHAPE, NUM_LEVELS))
    if request.param == "mixture":
        logits, mu, log_s = normal(3, 2, 3, 5, 1, 4, 4)
        return LogisticMixture(logits, mu, log_s, NUM_LEVELS, num_event_dims=3)
    mu, log_s, coefficients = normal(3, 2, 3, 5, 3, 4, 4)
    of_all = LogisticMixture(
        normal(2, 3, 5, 1, 4, 4), mu, log_s, NUM_LEVELS, num_event_dims=3, coefficients=coefficients
    )
    return of_all.channel(torch.full((2, 3, 3, 4, 4), 2.0, dtype=torch.float64), 1)


def test_a_row_is_the_distributions_one_after_the_other(
    base: DiscretizedLogistic | LogisticMixture | FreeLevels,
) -> None:
    shape = base.batch_shape + base.event_shape
    row = base.in_row()
    assert row.num_levels == NUM_LEVELS
    index = torch.tensor([7, 0, 11])
    for level in range(NUM_LEVELS):
        expected = base.cdf(torch.full(shape, float(level), dtype=torch.float64)).reshape(-1)
        found = row.cdf(torch.full((len(expected),), float(level), dtype=torch.float64))
        torch.testing.assert_close(found, expected)
        torch.testing.assert_close(
            row.pick(index).cdf(torch.full((3,), float(level), dtype=torch.float64)), expected[index]
        )
    last = torch.full((shape.numel(),), NUM_LEVELS - 1.0, dtype=torch.float64)
    assert (row.cdf(last) == 1).all()
