import itertools

import numpy as np
import pytest
import torch
from torch.distributions import Categorical

from vael.distributions import kl_divergence
from vael.distributions.one_hot import OneHot
from vael.random import seeded


def logits(*batch: int, num_variables: int = 2, num_categories: int = 3, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((*batch, num_variables, num_categories)))


def rows(num_variables: int, num_categories: int) -> torch.Tensor:
    """Every row of one-hot vectors."""
    choices = torch.tensor(list(itertools.product(range(num_categories), repeat=num_variables)))
    return torch.eye(num_categories, dtype=torch.float64)[choices].flatten(-2)


@pytest.mark.parametrize(("num_variables", "num_categories"), [(1, 2), (2, 3), (3, 4)])
def test_probabilities_of_all_rows_sum_to_one(num_variables: int, num_categories: int):
    law = OneHot(logits(5, num_variables=num_variables, num_categories=num_categories))
    log_p = law.log_prob(rows(num_variables, num_categories).unsqueeze(1))
    torch.testing.assert_close(log_p.exp().sum(0), torch.ones(5, dtype=torch.float64))


def test_log_prob_and_entropy_are_torchs_categoricals():
    weights = logits(5)
    index = torch.tensor([[0, 2], [1, 1], [2, 0], [0, 0], [1, 2]])
    value = torch.eye(3, dtype=torch.float64)[index].flatten(-2)
    witness = Categorical(logits=weights)
    torch.testing.assert_close(OneHot(weights).log_prob(value), witness.log_prob(index).sum(-1))
    torch.testing.assert_close(OneHot(weights).entropy(), witness.entropy().sum(-1))


@pytest.mark.parametrize("batch", [(), (5,)], ids=["one-prior", "a-prior-each"])
def test_divergence_is_the_sum_over_all_rows(batch: tuple[int, ...]):
    q, p = OneHot(logits(5)), OneHot(logits(*batch, seed=1))
    every = rows(2, 3).unsqueeze(1)
    log_q = q.log_prob(every)
    by_hand = (log_q.exp() * (log_q - p.log_prob(every))).sum(0)
    found = kl_divergence(q, p)
    assert found is not None
    torch.testing.assert_close(found, by_hand)


@pytest.mark.parametrize("temperature", [None, 0.3, 2.0])
def test_draws_are_one_hot_and_as_frequent_as_their_probabilities(temperature: float | None):
    law = OneHot(logits(4), temperature=temperature)
    with seeded(0):
        z = law.rsample(torch.Size((20_000,)))
    assert bool(((z == 0) | (z == 1)).all())  # exactly, although the gradient is another draw's
    assert bool((z.unflatten(-1, (2, 3)).sum(-1) == 1).all())
    error = (law.variance / len(z)).sqrt()
    assert bool(((z.mean(0) - law.mean).abs() < 4.5 * error).all())


def test_a_straight_through_draw_has_the_gradient_of_the_relaxed_one():
    found = []
    for hard in (True, False):
        weights = logits(4).requires_grad_()
        with seeded(0):
            z = OneHot(weights, temperature=0.7, hard=hard).rsample(torch.Size((8,)))
        (z * torch.arange(6.0, dtype=torch.float64)).sum().backward()
        assert weights.grad is not None
        found.append(weights.grad)
    assert bool((found[0] != 0).all())
    torch.testing.assert_close(found[0], found[1])


def test_the_relaxed_draw_moves_with_its_logits():
    """By finite differences on the same noise."""
    weights, change = logits(1), torch.zeros(1, 2, 3, dtype=torch.float64)
    change[0, 1, 2] = 1e-5

    def draw(at: torch.Tensor) -> torch.Tensor:
        with seeded(0):
            return OneHot(at, temperature=0.7, hard=False).rsample()[0, 4]

    leaf = weights.clone().requires_grad_()
    draw(leaf).backward()
    assert leaf.grad is not None
    slope = (draw(weights + change) - draw(weights - change)) / 2e-5
    torch.testing.assert_close(leaf.grad[0, 1, 2], slope, rtol=1e-5, atol=1e-8)


def test_without_a_temperature_draws_carry_no_gradient():
    assert not OneHot(logits(4).requires_grad_()).rsample().requires_grad


def test_extreme_logits_stay_finite():
    law = OneHot(torch.tensor([[[1e4, -1e4, 0.0]]]), temperature=0.1)
    with seeded(0):
        z = law.rsample()
    assert torch.equal(z, torch.tensor([[1.0, 0.0, 0.0]]))
    assert float(law.entropy()) == 0
    assert float(law.log_prob(z)) == 0
