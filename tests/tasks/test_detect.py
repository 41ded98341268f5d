"""Detection: each score against a witness, p-values that hold, the cells to blame, and the command."""

import json
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats
from torch.distributions import Bernoulli, Independent, Normal

import vael
from vael import tasks
from vael.build import build_model
from vael.data.batches import DeviceData
from vael.data.treatments import Grey, Real
from vael.distributions import cells
from vael.distributions.mixture import mix
from vael.errors import VaelError
from vael.experiments import Run
from vael.models import VAE, OneLayerVAE, at_mean
from vael.posteriors import POSTERIORS
from vael.random import seeded
from vael.recipe import Recipe, parse_settings
from vael.tasks.detect import Calibration, known_rows, score_all
from vael.tasks.points import normal_points
from vael.types import Batch, Observation


def small_model(width: int = 3, latent_dim: int = 1, **parts: Any) -> VAE:
    settings = {"model.latent_dim": latent_dim, "model.likelihood": {"name": "gaussian", "sigma": 0.7}}
    recipe = Recipe().override({**settings, **{f"model.{name}": part for name, part in parts.items()}})
    with seeded(3):
        return build_model(recipe.model, Observation((width,), "real", 0, tuple("abcdefgh"[:width]))).eval()


def rows(count: int, width: int = 3, *, seed: int = 0) -> DeviceData:
    drawn = np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)
    return DeviceData(torch.from_numpy(drawn), Real(0))


def log_px(model: VAE, x: torch.Tensor, log_prior: object) -> float:
    """Integrate p(x | z) p(z) over a one-dimensional z by quadrature."""

    def integrand(z: float) -> float:
        with torch.no_grad():
            log_px = model.decode(torch.tensor([[z]])).log_prob(x[None])
        return math.exp(float(log_px) + log_prior(z))  # pyright: ignore[reportCallIssue]

    return math.log(integrate.quad(integrand, -6, 6, limit=200, epsrel=1e-4, epsabs=0)[0])


def test_the_likelihood_score_is_minus_log_px() -> None:
    model, data = small_model(), rows(4)
    found = score_all(tasks.build_score("nll", model, data, num_points=512), data)
    expected = [-log_px(model, x, stats.norm.logpdf) for x in data.raw]
    np.testing.assert_allclose(found, expected, atol=0.02)


def test_the_exemplar_score_integrates_over_the_aggregated_posterior() -> None:
    model, data, known = small_model(), rows(4), rows(30, seed=1)
    assert isinstance(model, OneLayerVAE)
    with torch.no_grad():
        q_z = model.encode(known.raw)
    means, sigmas = q_z.mean.numpy(), q_z.stddev.numpy()

    def log_aggregate(z: float) -> float:
        return float(np.log(stats.norm.pdf(z, means, sigmas).mean()))

    found = score_all(tasks.build_score("exemplar", model, known, num_points=512), data)
    np.testing.assert_allclose(found, [-log_px(model, x, log_aggregate) for x in data.raw], atol=0.02)
    with torch.no_grad():
        places = model.encode(data.raw).mean.numpy()
    expected = [-log_aggregate(float(place[0])) for place in places]
    np.testing.assert_allclose(score_all(tasks.build_score("embedding", model, known), data), expected, rtol=1e-4)


def test_rate_and_distortion_are_the_terms_at_the_mean() -> None:
    model, data = small_model(latent_dim=2), rows(5)
    terms = tasks.score(model, data)
    for name, expected in (("rate", terms.rate_nats), ("distortion", terms.distortion_nats)):
        np.testing.assert_allclose(score_all(tasks.build_score(name, model, data), data), expected, rtol=1e-5)


def test_typicality_is_half_the_mahalanobis_distance_of_the_terms() -> None:
    from scipy.spatial.distance import mahalanobis

    model, data, known = small_model(latent_dim=2), rows(6), rows(80, seed=1)

    def terms(examples: DeviceData) -> np.ndarray:
        found = tasks.score(model, examples)
        nll = score_all(tasks.build_score("nll", model, known, num_points=8), examples)
        return np.stack([found.rate_nats, found.distortion_nats, nll], 1).astype(np.float64)

    precision = np.linalg.inv(np.cov(terms(known).T))
    expected = [0.5 * mahalanobis(row, terms(known).mean(0), precision) ** 2 for row in terms(data)]
    np.testing.assert_allclose(score_all(tasks.build_score("typicality", model, known), data), expected, rtol=1e-3)
    far, near = (DeviceData(torch.full((1, 3), value), Real(0)) for value in (30.0, 0.0))
    score = tasks.build_score("typicality", model, known)
    assert score_all(score, far)[0] > 100 * score_all(score, near)[0]


def test_the_regret_is_what_a_better_posterior_gains() -> None:
    """The model whose posterior is exact has nothing to gain; one whose encoder is blind gains what is missing."""
    linear: dict[str, Any] = {name: {"name": "mlp", "hidden_features": []} for name in ("encoder", "decoder")}
    model, data = small_model(**linear), rows(6)
    assert isinstance(model, OneLayerVAE)
    with torch.no_grad():
        decoder = next(module for module in model.decoder.modules() if isinstance(module, torch.nn.Linear))
        weight, bias, variance = decoder.weight, decoder.bias, 0.7**2
        precision = 1 + float(weight.T @ weight) / variance
        center = (data.raw - bias) @ weight / variance / precision
        exact = Normal(center, precision**-0.5)
        evidence = torch.distributions.MultivariateNormal(bias, weight @ weight.T + variance * torch.eye(3)).log_prob(
            data.raw
        )
        latents = model.infer_latents(Batch(data.raw), at_mean)
        blind = model.infer(Batch(data.raw), num_samples=20000).elbo
    found = score_all(tasks.build_score("regret", model, data, num_points=256), data)
    np.testing.assert_allclose(found, (evidence - blind).numpy(), atol=0.15)
    assert exact.mean.shape == latents[0].q_z.mean.shape
    assert found.min() >= 0


@pytest.mark.parametrize("name", tasks.SCORES)
def test_a_score_depends_on_its_example_alone(name: str) -> None:
    model, data = small_model(latent_dim=2), rows(450)
    score = tasks.build_score(name, model, rows(40, seed=2))
    once = score_all(score, data)
    np.testing.assert_array_equal(once, score_all(score, data))
    torch.manual_seed(5)
    shuffled = np.random.default_rng(1).permutation(450)
    again = score_all(score, DeviceData(data.raw[torch.from_numpy(shuffled)], Real(0)))
    np.testing.assert_allclose(again, once[shuffled], atol=2e-3)
    single = score_all(score, DeviceData(data.raw[7:8], Real(0)))
    np.testing.assert_allclose(single, once[7:8], atol=2e-3)


@pytest.mark.parametrize("posterior", POSTERIORS)
def test_every_posterior_has_fixed_scores(posterior: str) -> None:
    support = POSTERIORS[posterior].support
    prior = {"sphere": "uniform-sphere", "one-hot": "uniform-categorical"}.get(support, "standard-normal")
    sizes = {"categorical": {"num_categories": 2}, "vector-quantised": {"codebook_size": 10}}
    part = {"name": posterior, **sizes.get(posterior, {})}
    prior = {"name": prior, **({"num_categories": 2} if posterior == "categorical" else {})}
    model, data = small_model(latent_dim=4, posterior=part, prior=prior), rows(6)
    score = tasks.build_score("nll" if model.has_density else "distortion", model, data, num_points=8)
    backwards = DeviceData(data.raw.flip(0), Real(0))
    np.testing.assert_allclose(score_all(score, data)[::-1], score_all(score, backwards), atol=1e-4)


def test_points_are_spread_like_a_normal() -> None:
    points = normal_points(4096, 3)
    np.testing.assert_allclose(points.mean(0), 0, atol=2e-3)
    np.testing.assert_allclose(np.cov(points.T), np.eye(3), atol=1e-2)
    assert torch.isfinite(normal_points(1, 2)).all()


def test_a_deep_model_is_scored_and_what_it_lacks_is_said() -> None:
    deep = small_model(latent_dim=2, structure={"name": "bottom-up", "latent_dims": [2]})
    data = rows(5)
    score = tasks.build_score(None, deep, data)
    assert score.name == "nll"
    np.testing.assert_array_equal(score_all(score, data), score_all(score, data))
    with pytest.raises(VaelError, match="expects a model with one stochastic layer and no condition: use nll"):
        tasks.build_score("exemplar", deep, data)
    with pytest.raises(VaelError, match="did you mean 'rate'"):
        tasks.build_score("rates", deep, data)
    with pytest.raises(VaelError, match="num_points ≥ 1, got 0"):
        tasks.build_score("nll", deep, data, num_points=0)
    blind = small_model(posterior="point")
    assert tasks.build_score(None, blind, data).name == "distortion"


def test_the_default_is_the_exemplar_of_tables_and_the_likelihood_of_images() -> None:
    data = rows(5)
    assert tasks.build_score(None, small_model(), data).name == "exemplar"
    with seeded(0):
        model = build_model(Recipe().model, Observation((1, 4, 4), "binary", 2))
    images = DeviceData(torch.zeros(5, 1, 4, 4), Real(0))
    assert tasks.build_score(None, model, images).name == "nll"


def test_known_rows_are_spread_over_all() -> None:
    assert known_rows(5).tolist() == [0, 1, 2, 3, 4]
    assert known_rows(9, 3).tolist() == [0, 4, 8]


@settings(max_examples=30, deadline=None)
@given(count=st.integers(20, 200), share=st.floats(0.05, 0.5), seed=st.integers(0, 1000))
def test_the_false_alarm_rate_holds(count: int, share: float, seed: int) -> None:
    """Over many calibrations the share of normal examples with p ≤ α is at most α, within its binomial error."""
    generator = np.random.default_rng(seed)
    alarms = []
    for _ in range(300):
        calibration = Calibration.of(generator.exponential(size=count))
        alarms.append(calibration.p_values(generator.exponential(size=20)) <= share)
    rate = float(np.mean(alarms))
    spread = 5 * math.sqrt(share * (1 - share) * (1 / 6000 + 1 / (300 * count)))
    assert rate <= share + spread
    assert rate >= share - 1 / (count + 1) - spread


def test_p_values_and_thresholds_agree() -> None:
    calibration = Calibration.of(np.random.default_rng(0).normal(size=99))
    scores = np.random.default_rng(1).normal(size=1000)
    for share in (0.01, 0.05, 0.3):
        np.testing.assert_array_equal(
            calibration.p_values(scores) <= share + 1e-12, scores > calibration.threshold(share)
        )
    own = calibration.p_values(calibration.scores, are_own=True)
    np.testing.assert_allclose(own, np.arange(99, 0, -1) / 99)
    with pytest.raises(VaelError, match=r"resolve false alarms down to 0.01, got 0.005.*or 199 examples"):
        calibration.threshold(0.005)
    with pytest.raises(VaelError, match="between 0 and 1, got 1"):
        calibration.threshold(1)
    with pytest.raises(VaelError, match="one example or more, got 0"):
        Calibration.of([])
    with pytest.raises(VaelError, match="NaN"):
        Calibration.of([1.0, math.nan])


def test_the_blame_adds_up_to_the_distortion() -> None:
    model, data = small_model(latent_dim=2), rows(5)
    batch = data.chosen(range(5))
    found = tasks.blame(model, batch)
    np.testing.assert_allclose(found.nats.sum(1), tasks.score(model, data).distortion_nats, rtol=1e-5)
    law = Independent(Bernoulli(logits=torch.randn(2, 1, 3, 3)), 3)
    x = torch.ones(2, 1, 3, 3)
    torch.testing.assert_close(cells.log_prob_per_cell(law, x).sum((1, 2, 3)), law.log_prob(x))


@pytest.mark.parametrize("likelihood", ["logistic-mixture", "discretized-logistic", "categorical", "beta-binomial"])
def test_the_blame_of_colour_pixels_adds_up(likelihood: str) -> None:
    recipe = Recipe().override({"model.likelihood": likelihood, "model.latent_dim": 2})
    with seeded(0):
        model = build_model(recipe.model, Observation((3, 4, 4), "levels", 256)).eval()
    batch = Batch(torch.randint(0, 256, (2, 3, 4, 4)).float())
    found = tasks.blame(model, batch)
    with torch.no_grad():
        z = model.infer_latents(batch, at_mean)[0].z[0]
        expected = -model.decode(z).log_prob(batch.x)
    np.testing.assert_allclose(found.nats.sum((1, 2, 3)), expected, rtol=1e-4)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    words = ["training.epochs=15", "training.snapshots=0", "data.valid_fraction=0.2"]
    return vael.train("digits", settings=parse_settings(words), runs=tmp_path_factory.mktemp("runs"), name="knows")


def test_noise_is_found_among_digits(run: Run) -> None:
    noise = np.random.default_rng(0).integers(0, 17, size=(50, 1, 8, 8)).astype(np.uint8)
    found = run.detect(DeviceData(torch.from_numpy(noise), Grey(17)), false_alarms=0.05)
    assert found.is_anomaly.mean() > 0.9
    own = run.detect(split="valid", false_alarms=0.05)
    assert own.is_anomaly.sum() == math.floor(0.05 * len(own.p_values))
    test = run.detect(split="test", false_alarms=0.05)
    assert test.is_anomaly.mean() < 0.15
    assert (np.diff(test.score_nats[test.strangest(20)]) <= 0).all()


def test_a_detector_is_not_calibrated_on_what_was_trained_on(run: Run) -> None:
    with pytest.raises(VaelError, match="has seen its train split"):
        run.detect(calibrate="train")
    with pytest.raises(VaelError, match=r"normal examples resolve false alarms down to .*, got 1e-05"):
        run.detect(false_alarms=1e-5)


def test_the_command_tells_writes_and_draws(run: Run, tmp_path: Path, command: Callable[..., str]) -> None:
    call = partial(command, "detect", str(run.path))

    out = json.loads(call("--json", "--output", "s.csv", "--picture", "s.png", "--anomalous", "3", "--score", "rate"))
    assert out["count"] == len(Path("s.csv").read_text().splitlines()) - 1
    assert out["score"] == "rate"
    assert 0 < out["auroc"] < 1
    assert Path("s.png").stat().st_size > 1000
    assert "as 0.1 of normal ones would be" in call("--false-alarms", "0.1")
    assert "--anomalous expects labels of the data, got x: they have 0" in call("--anomalous", "x", code=2)
    np.save("wrong.npy", np.zeros((5, 3)))
    assert "expect images, got a table" in call("wrong.npy", code=2)


def test_rows_of_another_file_come_on_the_runs_scale(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    table = generator.normal(size=(300, 3)) * [1, 10, 100] + [0, 5, 50]
    lines = ["a,b,c", *(",".join(f"{cell:.6f}" for cell in row) for row in table)]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    words = ["training.epochs=5", "training.snapshots=0"]
    run = vael.train(str(tmp_path / "t.csv"), settings=parse_settings(words), runs=tmp_path, name="rows")
    swapped = ["c,b,a,more", *(",".join(f"{cell:.6f}" for cell in (*row[::-1], 0)) for row in table[:20])]
    (tmp_path / "other.csv").write_text("\n".join(swapped))
    data, labels = run.foreign_data(tmp_path / "other.csv")
    assert labels is None
    facts = run.info["data"]["facts"]["standardised"]
    expected = (table[:20] - facts["mean"]) / facts["scale"]
    np.testing.assert_allclose(data.raw, expected, atol=1e-4)
    np.savez(tmp_path / "far.npz", X=np.full((4, 3), 1e4))
    assert run.detect(tmp_path / "far.npz", false_alarms=0.05).is_anomaly.all()
    (tmp_path / "short.csv").write_text("a,b\n1,2\n")
    with pytest.raises(VaelError, match="lacks the columns c: it has a, b"):
        run.detect(tmp_path / "short.csv")


@pytest.mark.parametrize("posterior", ["diagonal-normal", "full-normal"])
def test_an_example_does_not_vouch_for_itself(posterior: str) -> None:
    """Scored among the known ones, each has the density that it has among the others alone."""
    model, known = small_model(latent_dim=2, posterior=posterior), rows(12)
    for name in ("embedding", "exemplar"):
        found = score_all(tasks.build_score(name, model, known), known)
        for row in range(3):
            others = DeviceData(torch.cat([known.raw[:row], known.raw[row + 1 :]]), Real(0))
            alone = score_all(tasks.build_score(name, model, others), DeviceData(known.raw[row : row + 1], Real(0)))
            np.testing.assert_allclose(found[row], alone + math.log(12 / 11), rtol=1e-5)


def test_a_mixture_without_one_component_is_that_of_the_others() -> None:
    generator = torch.Generator().manual_seed(0)
    mu, sigma = torch.randn(5, 3, generator=generator), torch.rand(5, 3, generator=generator) + 0.5
    z = torch.randn(4, 6, 3, generator=generator)
    left_out = torch.tensor([-1, 0, 1, 2, 3, 4]).expand(4, 6)
    laws = (
        mix(torch.zeros(5), Independent(Normal(mu, sigma), 1)),
        mix(torch.zeros(5), torch.distributions.MultivariateNormal(mu, scale_tril=torch.diag_embed(sigma))),
    )
    every = Independent(Normal(mu, sigma), 1).log_prob(z.unsqueeze(-2)) - math.log(5)
    for law in laws:
        found = law.log_prob_without(z, left_out)
        torch.testing.assert_close(found[:, 0], torch.logsumexp(every[:, 0], -1))
        for column in range(1, 6):
            kept = [number for number in range(5) if number != column - 1]
            torch.testing.assert_close(found[:, column], torch.logsumexp(every[:, column][:, kept], -1))
