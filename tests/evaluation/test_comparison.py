"""Comparisons: the bounds of single examples, paired tests against SciPy's, and leagues that do not mix."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import ttest_rel

from vael.build import build_model
from vael.data.batches import DeviceData
from vael.data.treatments import find_treatment
from vael.errors import VaelError
from vael.evaluation import bounds as bounds_module
from vael.evaluation import evaluate
from vael.evaluation.bounds import ExampleBounds, bound_examples
from vael.evaluation.comparison import League, adjust, check_league, compare_bounds
from vael.evaluation.examples import choose_examples, encode_means
from vael.evaluation.layers import measure_layers
from vael.evaluation.overfit import measure_overfit
from vael.models import VAE
from vael.random import seeded
from vael.recipe import ModelRecipe
from vael.types import Batch, Observation

LEAGUE = League("f", "static", "binary", True, True)


def bounds_with(nll: np.ndarray, num_samples: int = 10) -> ExampleBounds:
    return ExampleBounds(num_samples, np.ones((len(nll), 1)), nll, nll, np.zeros((len(nll), 2)))


def test_bounds_of_examples_average_to_the_evaluation(linear: Any) -> None:
    linear.perturb(0.3)
    found = bound_examples(linear.model, linear.data, num_samples=500)
    whole = evaluate(linear.model, linear.data, num_samples=500)
    assert found.elbo_nats.mean() == pytest.approx(whole.elbo_nats, abs=0.05)
    assert found.nll_nats.mean() == pytest.approx(whole.nll_nats, abs=0.02)


def test_bounds_of_the_exact_posterior_are_the_evidence_of_each_example(linear: Any) -> None:
    found = bound_examples(linear.model, linear.data, num_samples=3)
    np.testing.assert_allclose(found.nll_nats, -linear.log_px, atol=1e-3)


def test_chunks_of_samples_are_one_estimate(linear: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    linear.perturb(0.3)
    monkeypatch.setattr(bounds_module, "CELLS_AT_ONCE", 200 * 12 * 2000)
    whole = bound_examples(linear.model, linear.data, num_samples=2000)
    monkeypatch.setattr(bounds_module, "CELLS_AT_ONCE", 200 * 12 * 300)
    pieces = bound_examples(linear.model, linear.data, num_samples=2000)
    np.testing.assert_allclose(pieces.nll_nats, whole.nll_nats, atol=0.3)
    assert pieces.nll_nats.mean() == pytest.approx(whole.nll_nats.mean(), abs=0.01)
    assert pieces.distortion_nats.mean() == pytest.approx(whole.distortion_nats.mean(), abs=0.05)


def test_models_that_draw_differently_see_the_same_x(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = torch.full((450, 1, 2, 2), 128, dtype=torch.uint8)
    data, seen = DeviceData(raw, find_treatment("dynamic", 256)), []

    def keep(model: VAE, batch: Batch, num_samples: int, chunks: object) -> tuple[torch.Tensor, ...]:
        seen[-1].append(batch.x)
        model.infer(batch, num_samples=num_samples)
        nothing = torch.zeros(len(batch.x), 1)
        return nothing, nothing[:, 0], nothing[:, 0], nothing

    monkeypatch.setattr(bounds_module, "_terms_of", keep)
    for latent_dim in (1, 3):
        seen.append([])
        model = build_model(ModelRecipe(latent_dim=latent_dim), Observation((1, 2, 2), "binary", 2))
        bound_examples(model, data, num_samples=latent_dim)
    first, second = (torch.cat(part) for part in seen)
    assert torch.equal(first, second)
    assert not torch.equal(first[:200], first[200:400])


def test_pairs_agree_with_scipys_paired_test() -> None:
    generator = np.random.Generator(np.random.PCG64(0))
    hard = generator.normal(100, 30, 200)  # examples differ far more than models
    nll = {name: hard + shift + generator.normal(0, 2, 200) for name, shift in (("a", 0.0), ("b", 0.6), ("c", 0.7))}
    found = compare_bounds({name: bounds_with(values) for name, values in nll.items()})
    assert found.by == "nll_nats"
    assert [row.nll_nats for row in found.standings] == sorted(values.mean() for values in nll.values())
    for pair in found.pairs:
        expected = ttest_rel(nll[pair.worse], nll[pair.better])
        assert pair.p_value == pytest.approx(expected.pvalue)
        assert pair.difference_nats / pair.difference_nats_se == pytest.approx(expected.statistic)
        assert pair.p_adjusted >= pair.p_value
        assert pair.is_significant == (pair.p_adjusted < 0.05)
    assert any(pair.is_significant for pair in found.pairs)
    assert not all(pair.is_significant for pair in found.pairs)


def test_equal_models_are_within_chance_and_one_sample_compares_bounds() -> None:
    same = np.arange(10.0)
    found = compare_bounds({"a": bounds_with(same, 1), "b": bounds_with(same, 1)})
    assert found.by == "negative_elbo_nats"
    assert found.pairs[0].p_value == 1
    assert not found.pairs[0].is_significant


def test_under_no_difference_few_comparisons_are_called_significant() -> None:
    """Holm's promise: with 4 equal models, in at most 5 % of 400 trials any of the 6 pairs is called different."""
    generator, wrong = np.random.Generator(np.random.PCG64(1)), 0
    for _ in range(400):
        found = compare_bounds({name: bounds_with(generator.normal(size=50)) for name in "abcd"})
        wrong += any(pair.is_significant for pair in found.pairs)
    assert wrong / 400 < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)
    assert wrong > 0


def test_holms_correction_is_statsmodels() -> None:
    assert adjust([0.01, 0.02, 0.03, 0.5]) == pytest.approx([0.04, 0.06, 0.06, 0.5])
    assert adjust([0.6, 0.7]) == [1.0, 1.0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fingerprint": "g"}, "other data"),
        ({"treatment": "dynamic"}, "different variables"),
        ({"is_density": False}, "no density"),
        ({"has_density": False}, "no bound"),
    ],
)
def test_leagues_do_not_mix(change: dict[str, Any], words: str) -> None:
    check_league({"one": LEAGUE, "two": LEAGUE})
    with pytest.raises(VaelError, match=words):
        check_league({"one": LEAGUE, "two": replace(LEAGUE, **change)})


def test_bounds_of_other_examples_are_refused() -> None:
    with pytest.raises(VaelError, match="same examples"):
        compare_bounds({"a": bounds_with(np.ones(3)), "b": bounds_with(np.ones(4))})
    with pytest.raises(VaelError, match="two models"):
        compare_bounds({"a": bounds_with(np.ones(3))})


def test_overfit_is_the_difference_of_the_splits(linear: Any) -> None:
    train, other = linear.data, DeviceData(linear.data.raw[:100] * 1.5, linear.data.treatment)
    found = measure_overfit(linear.model, train, other, num_samples=4)
    means = [bound_examples(linear.model, part, num_samples=4) for part in (train, other)]
    assert found.elbo_gap_nats == pytest.approx(means[0].elbo_nats.mean() - means[1].elbo_nats.mean())
    assert found.nll_gap_nats == pytest.approx(means[1].nll_nats.mean() - means[0].nll_nats.mean())
    assert found.elbo_gap_nats > 3 * found.elbo_gap_nats_se > 0
    expected = math.hypot(*(part.elbo_nats.std(ddof=1) / math.sqrt(len(part)) for part in means))
    assert found.elbo_gap_nats_se == pytest.approx(expected)


def test_layers_hold_rates_that_add_up(linear: Any) -> None:
    found = measure_layers(linear.model, linear.data)
    with seeded(0), torch.no_grad():
        rate = linear.model.infer(Batch(linear.data.raw)).rate
    assert found.latent_dims == (3,)
    assert found.rate_nats[0] == pytest.approx(float(rate.mean()), rel=1e-5)
    assert sum(found.rate_per_dim_nats[0] or ()) == pytest.approx(found.rate_nats[0], rel=1e-5)
    assert found.active_units == (3,)


def test_a_choice_of_examples_is_drawn_once_from_its_seed(linear: Any) -> None:
    first, again, other = (choose_examples(linear.data, 20, seed).raw for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert len(torch.unique(first, dim=0)) == 20
    assert choose_examples(linear.data, None, 0) is linear.data
    with pytest.raises(VaelError, match="expects examples"):
        choose_examples(linear.data, 0, 0)


def test_codes_are_the_posteriors_means(linear: Any) -> None:
    expected = linear.model.encode(linear.data.raw).mean.detach().numpy()
    np.testing.assert_allclose(encode_means(linear.model, linear.data), expected, rtol=1e-4, atol=1e-5)
