"""The estimators: scikit-learn's own checks, and what they promise beyond them."""

import io
import warnings
from typing import Any

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from vael.errors import VaelError
from vael.estimators import VAE, VAEClusterer, VAEDetector
from vael.estimators.base import SCALED
from vael.likelihoods import LIKELIHOODS

FAST: dict[str, Any] = {"num_steps": 10, "hidden_features": (16,)}


@parametrize_with_checks([VAE(**FAST), VAEDetector(**FAST), VAEClusterer(**FAST)])
def test_scikit_learns_checks(estimator: Any, check: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


def blobs(count: int = 200, *, seed: int = 0) -> np.ndarray:
    """Two groups in six correlated columns, in very different units."""
    generator = np.random.default_rng(seed)
    hidden = generator.normal(size=(count, 2)) + np.where(np.arange(count)[:, None] % 2, 4, -4)
    columns = hidden @ generator.normal(size=(2, 6)) + 0.1 * generator.normal(size=(count, 6))
    return columns * [1e-3, 1, 10, 100, 1, 1] + [0, 5, -50, 1000, 0, 0]


def test_a_linear_gaussian_table_is_encoded_drawn_and_judged() -> None:
    """The density of a normal table is that of SciPy's normal with its covariance, within what 400 steps leave."""
    from scipy.stats import multivariate_normal

    generator = np.random.default_rng(1)
    mixing = generator.normal(size=(2, 4))
    rows = generator.normal(size=(2000, 2)) @ mixing + 0.5 * generator.normal(size=(2000, 4))
    rows = rows * [1, 10, 100, 0.1] + 7
    vae = VAE(latent_dim=2, num_steps=800).fit(rows)
    covariance = (mixing.T @ mixing + 0.25 * np.eye(4)) * np.outer([1, 10, 100, 0.1], [1, 10, 100, 0.1])
    exact = multivariate_normal(mean=np.full(4, 7.0), cov=covariance).logpdf(rows)  # pyright: ignore[reportArgumentType]
    assert abs(vae.score(rows) - exact.mean()) < 0.1
    assert np.corrcoef(vae.score_samples(rows), exact)[0, 1] > 0.98
    drawn = vae.sample(4000)
    np.testing.assert_allclose(drawn.std(0), rows.std(0), rtol=0.1)
    again = vae.inverse_transform(vae.transform(rows))
    assert ((again - rows).std(0) < 0.9 * rows.std(0)).all()
    with pytest.raises(ValueError, match="expects 2 finite numbers, got 3"):
        vae.inverse_transform(np.zeros((1, 3)))


@pytest.mark.parametrize("name", [name for name, kind in LIKELIHOODS.items() if "real" in kind.domains])
def test_every_likelihood_of_real_numbers_is_taken(name: str) -> None:
    rows = blobs()
    fitted = VAE(likelihood=name, num_steps=200).fit(rows)
    assert fitted.score(rows) > fitted.score(rows[::-1] * [1, 1, 1, 1, 1, -1])
    own = {key: value.numel() for key, value in fitted.fitted_.model.likelihood.named_parameters()}
    assert all(count == (6 if name in SCALED else 1) for count in own.values())


def test_the_detector_finds_what_breaks_the_pattern() -> None:
    rows = blobs(400)
    detector = VAEDetector(num_steps=600, contamination=0.05, calibration_fraction=0.25).fit(rows)
    broken = blobs(100, seed=2)[:, ::-1] * [1, 1, 1, 1, 1, 1e3]
    assert (detector.predict(broken) == -1).mean() > 0.95
    assert (detector.predict(blobs(400)) == -1).mean() < 0.15
    assert detector.p_values(broken).max() <= 0.05
    np.testing.assert_array_equal(detector.score_samples(broken), detector.score_samples(broken))
    np.testing.assert_allclose(detector.score_samples(broken[:7]), detector.score_samples(broken)[:7], rtol=1e-4)
    with pytest.raises(VaelError, match=r"calibration_fraction=0\.2"):
        VAEDetector(**FAST).fit(rows).p_values(rows)
    with pytest.raises(ValueError, match=r"contamination expects a share in \(0, 0.5\], got 0.7"):
        VAEDetector(contamination=0.7).fit(rows)
    with pytest.raises(VaelError, match="did you mean 'rate'"):
        VAEDetector(**FAST, score_name="rates").fit(rows)


def test_rows_that_are_left_out_stay_strange() -> None:
    """Thirty alike among two hundred: a net learns them too, unless it leaves out what it explains worst."""
    rows = np.concatenate([blobs(), 50 * np.ones((30, 6)) + blobs(30, seed=1)])
    truth = np.arange(len(rows)) >= 200
    gaps = {}
    for trim in (0.0, 0.3):
        scores = -VAEDetector(trim=trim, score_name="nll", num_steps=400).fit(rows).score_samples(rows)
        gaps[trim] = np.median(scores[truth]) - np.median(scores[~truth])
    assert gaps[0.3] > 5 * gaps[0.0]  # 127 nats and 4


def test_the_clusterer_finds_the_groups_and_numbers_new_rows_alike() -> None:
    rows = blobs(300)
    clusterer = VAEClusterer(n_clusters=2, num_steps=400).fit(rows)
    truth = np.arange(300) % 2
    assert max((clusterer.labels_ == truth).mean(), (clusterer.labels_ != truth).mean()) > 0.98
    np.testing.assert_array_equal(clusterer.predict(rows[200:]), clusterer.labels_[200:])
    assert clusterer.cluster_centers_.shape == (2, 6)


@pytest.mark.parametrize("estimator", [VAE(**FAST), VAEDetector(**FAST), VAEClusterer(**FAST)])
def test_joblib_brings_an_estimator_back(estimator: Any) -> None:
    rows = blobs(60)
    copy: Any = clone(estimator)
    fitted = copy.fit(rows)
    buffer = io.BytesIO()
    joblib.dump(fitted, buffer)
    assert b"torch" not in buffer.getvalue().replace(b"model.safetensors", b"")
    buffer.seek(0)
    back = joblib.load(buffer)
    for verb in ("transform", "score_samples", "predict"):
        if hasattr(fitted, verb):
            np.testing.assert_array_equal(getattr(back, verb)(rows), getattr(fitted, verb)(rows))


def test_they_work_in_pipelines_and_searches() -> None:
    rows = blobs(80)
    search = GridSearchCV(VAE(**FAST), {"latent_dim": [1, 3]}, cv=2, n_jobs=1).fit(rows)
    assert search.best_params_["latent_dim"] in (1, 3)
    piped = make_pipeline(MinMaxScaler(), VAE(**FAST))
    assert piped.fit_transform(rows).shape == (80, 3)
    named: Any = piped[-1]
    assert named.get_feature_names_out().tolist() == ["vae0", "vae1", "vae2"]


def test_a_warm_start_goes_on_and_a_seed_repeats() -> None:
    rows = blobs(100)
    cold = VAE(num_steps=100).fit(rows)
    again = VAE(num_steps=100).fit(rows)
    np.testing.assert_array_equal(cold.transform(rows), again.transform(rows))
    other = VAE(num_steps=100, random_state=1).fit(rows)
    assert not np.array_equal(cold.transform(rows), other.transform(rows))
    before = cold.score(rows)
    warm = cold.set_params(warm_start=True).fit(rows)
    assert warm.score(rows) > before


def test_the_callers_threads_are_left_as_they_were() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        VAE(**FAST).fit(blobs(30))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_settings_reach_the_rest_of_the_recipe() -> None:
    vae = VAE(**FAST, settings={"model.posterior": "full-normal", "objective": "importance-weighted"}).fit(blobs(50))
    assert vae.fitted_.recipe.model.posterior.name == "full-normal"
    with pytest.raises(VaelError, match=r"did you mean 'full-normal'"):
        VAE(**FAST, settings={"model.posterior": "full-norma"}).fit(blobs(50))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.full((5, 2), np.nan), "NaN"),
        (np.ones((1, 3)), "minimum of 2 is required"),
        (np.ones((4, 0)), "0 feature"),
    ],
)
def test_bad_rows_are_refused(rows: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        VAEDetector(**FAST).fit(rows)


def test_fewer_rows_than_columns_and_constant_columns_are_taken() -> None:
    rows = np.random.default_rng(0).normal(size=(5, 12))
    rows[:, 3] = 7.0
    detector = VAEDetector(**FAST).fit(rows)
    assert np.isfinite(detector.score_samples(rows)).all()
    strange = rows[:1].copy()
    strange[0, 3] = 8.0
    assert detector.score_samples(strange)[0] < detector.score_samples(rows[:1])[0]


def test_frames_come_out_where_they_are_asked_for() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    rows = pandas.DataFrame(blobs(40), columns=list("abcdef"), index=range(100, 140))
    vae = VAE(**FAST).set_output(transform="pandas").fit(rows)
    frame = vae.transform(rows)
    assert list(frame.columns) == ["vae0", "vae1", "vae2"]
    assert list(frame.index) == list(rows.index)
    assert list(vae.feature_names_in_) == list("abcdef")
    with pytest.raises(ValueError, match="feature names"):
        vae.transform(rows.rename(columns={"a": "z"}))
