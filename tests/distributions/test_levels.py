import numpy as np
import pytest
import torch
from scipy.stats import betabinom, chisquare

from vael.distributions.levels import BetaBinomial, FreeLevels
from vael.random import seeded

LEVELS = torch.arange(9, dtype=torch.float64)
LAWS = {
    "bump": BetaBinomial(torch.tensor(0.4), torch.tensor(3.0), 9),
    "heaps": BetaBinomial(torch.tensor(-0.4), torch.tensor(-0.5), 9),
    "free": FreeLevels(torch.tensor([0.0, 1.0, -1.0, 0.5, 0.0, 2.0, -0.5, 0.1, 0.7])),
}


@pytest.mark.parametrize("name", LAWS)
def test_frequencies_of_draws_follow_the_probabilities(name: str):
    with seeded(0):
        drawn = LAWS[name].sample(torch.Size((20_000,))).numpy()
    expected = LAWS[name].log_prob(LEVELS.float()).exp().double().numpy()
    assert chisquare(np.bincount(drawn.astype(int), minlength=9), expected / expected.sum() * 20_000).pvalue > 1e-3


@pytest.mark.parametrize("name", LAWS)
def test_cdf_is_the_cumulative_sum_and_ends_at_one(name: str):
    law = LAWS[name]
    cdf = law.cdf(LEVELS.float())
    torch.testing.assert_close(cdf, law.log_prob(LEVELS.float()).exp().cumsum(0), rtol=0, atol=1e-5)
    assert float(cdf[-1]) == 1.0


@pytest.mark.parametrize("name", LAWS)
def test_mean_is_the_level_nearest_to_the_expected_one(name: str):
    p = LAWS[name].log_prob(LEVELS.float()).exp().double()
    assert float(LAWS[name].mean) == round(float((p * LEVELS).sum()))


@pytest.mark.parametrize("logit", [-300.0, -40.0, 40.0, 300.0])
def test_a_share_next_to_an_end_keeps_its_log_probability(logit: float):
    # P(k) for k > 0 is C(n, k) α (k − 1)! (c)_{n−k} / (c)_n as α → 0: linear in the logit, where floats of α end
    law = BetaBinomial(torch.tensor(logit).double(), torch.tensor(0.7).double(), 9)
    near = BetaBinomial(torch.tensor(np.sign(logit) * 30.0).double(), torch.tensor(0.7).double(), 9)
    middle = LEVELS[1:-1]
    torch.testing.assert_close(law.log_prob(middle), near.log_prob(middle) - (abs(logit) - 30), rtol=1e-9, atol=1e-9)


def test_a_large_concentration_is_scipys():
    c, share = np.exp(12.0), 1 / (1 + np.exp(-0.3))
    law = BetaBinomial(torch.tensor(0.3).double(), torch.tensor(12.0).double(), 256)
    levels = np.arange(256)
    expected = betabinom.logpmf(levels, 255, share * c, (1 - share) * c)
    np.testing.assert_allclose(law.log_prob(torch.from_numpy(levels).double()), expected, rtol=1e-6, atol=1e-7)


def test_gradients_are_finite_differences():
    logits = torch.tensor([-3.0, 0.1, 2.0], dtype=torch.float64, requires_grad=True)
    log_c = torch.tensor([-1.0, 0.5, 4.0], dtype=torch.float64, requires_grad=True)
    value = LEVELS[:, None]
    assert torch.autograd.gradcheck(lambda m, c: BetaBinomial(m, c, 9).log_prob(value), (logits, log_c))
