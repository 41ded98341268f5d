import sys
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.spatial import geometric_slerp
from scipy.stats import chisquare, kstest, norm

from vael.build import build_model
from vael.data.batches import DeviceData
from vael.data.treatments import find_treatment
from vael.errors import VaelError
from vael.models import OneLayerVAE
from vael.random import seeded
from vael.recipe import ModelRecipe, Part
from vael.tasks import (
    decode,
    draw_latent,
    embed,
    inspect,
    interpolate,
    make_noise,
    manifold,
    reconstruct,
    sample,
    score,
    traverse,
    walk,
)
from vael.types import Batch, Domain, Observation

SHAPE = (1, 4, 3)
LIKELIHOODS: dict[Domain, str] = {
    "binary": "bernoulli",
    "unit": "continuous-bernoulli",
    "levels": "discretized-logistic",
    "real": "gaussian",
}
LEVELS: dict[Domain, int] = {"binary": 2, "levels": 17}
UPPER: dict[Domain, float] = {"binary": 1, "unit": 1, "levels": 16, "real": np.inf}


def build(domain: Domain = "levels", posterior: str = "diagonal-normal") -> OneLayerVAE:
    small = Part("mlp", {"hidden_features": [8], "batch_norm": True})
    recipe = ModelRecipe(3, small, small, Part(LIKELIHOODS[domain]), posterior=Part(posterior))
    with seeded(0):
        model = build_model(recipe, Observation(SHAPE, domain, LEVELS.get(domain, 0)))
    assert isinstance(model, OneLayerVAE)
    return model


def draw(count: int = 6) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 2, (count, *SHAPE))).float()


def digits(count: int = 6) -> DeviceData:
    raw = np.random.default_rng(0).integers(0, 17, (count, *SHAPE)).astype(np.uint8)
    return DeviceData(torch.from_numpy(raw), find_treatment("levels", 17))


def identity() -> OneLayerVAE:
    """Return a model whose posterior mean is x itself, three numbers wide."""
    linear = Part("mlp", {"hidden_features": []})
    with seeded(0):
        model = build_model(ModelRecipe(3, linear, linear, Part("gaussian")), Observation((3,), "real"))
    assert isinstance(model, OneLayerVAE)
    with torch.no_grad():
        model.posterior.get_parameter("head.weight").copy_(torch.eye(6)[:, :3])
        model.posterior.get_parameter("head.bias").zero_()
    return model


TASKS: dict[str, Callable[[OneLayerVAE, int], object]] = {
    "sample": lambda model, seed: sample(model, 5, seed=seed).z,
    "sample-drawn": lambda model, seed: sample(model, 5, seed=seed, mean=False).x,
    "reconstruct": lambda model, seed: reconstruct(model, Batch(draw()), seed=seed).distortion_nats,
    "interpolate": lambda model, seed: interpolate(model, Batch(draw(2))).x,
    "embed": lambda model, seed: embed(model, digits(), seed=seed).mean,
    "walk": lambda model, seed: walk(model, np.zeros(3), np.ones(3)).x,
    "decode": lambda model, seed: decode(model, np.ones((2, 3))),
    "score": lambda model, seed: score(model, digits(), seed=seed).score_nats,
    "inspect": lambda model, seed: inspect(model, Batch(draw()), seed=seed).score_nats,
}


@pytest.mark.parametrize("task", TASKS)
def test_the_same_seed_gives_the_same_result(task: str):
    np.testing.assert_array_equal(TASKS[task](build(), 3), TASKS[task](build(), 3))


@pytest.mark.parametrize("task", ["sample", "sample-drawn", "reconstruct"])
def test_another_seed_gives_another_result(task: str):
    assert not np.array_equal(np.asarray(TASKS[task](build(), 3)), np.asarray(TASKS[task](build(), 4)))


@pytest.mark.parametrize("task", TASKS)
def test_the_callers_random_state_is_untouched(task: str):
    model, before = build(), torch.get_rng_state()
    TASKS[task](model, 3)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("task", TASKS)
def test_a_model_is_judged_in_evaluation_mode_and_left_unchanged(task: str):
    model = build()
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    TASKS[task](model.train(), 3)
    assert not model.training
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.state_dict().items())


@pytest.mark.parametrize("mean", [True, False], ids=["mean", "drawn"])
@pytest.mark.parametrize("domain", LIKELIHOODS)
def test_samples_lie_where_x_lives(domain: Domain, mean: bool):
    samples = sample(build(domain), 9, mean=mean)
    assert samples.x.shape == (9, *SHAPE)
    assert samples.z.shape == (9, 3)
    assert samples.x.dtype == samples.z.dtype == np.float32
    assert np.isfinite(samples.x).all()
    if domain != "real":
        assert samples.x.min() >= 0
    assert samples.x.max() <= UPPER[domain]
    if domain == "levels" or (domain == "binary" and not mean):
        np.testing.assert_array_equal(samples.x, np.rint(samples.x))


def test_latents_of_samples_come_from_the_prior():
    z = sample(build(), 20_000).z
    # four standard errors
    np.testing.assert_allclose(z.mean(0), 0, atol=4 / 20_000**0.5)
    np.testing.assert_allclose(np.cov(z.T), np.eye(3), atol=4 * (2 / 20_000) ** 0.5)


def test_samples_are_decoded_from_their_latents():
    model = build("binary")
    samples = sample(model, 5)
    with torch.no_grad():
        np.testing.assert_array_equal(samples.x, model.decode(torch.from_numpy(samples.z)).mean)


@pytest.mark.parametrize("num_samples", [0, -1])
def test_fewer_samples_than_one_are_refused(num_samples: int):
    with pytest.raises(VaelError, match=f"num_samples ≥ 1, got {num_samples}"):
        sample(build(), num_samples)


@pytest.mark.parametrize("domain", LIKELIHOODS)
def test_a_reconstruction_lies_where_x_lives(domain: Domain):
    result = reconstruct(build(domain), Batch(draw()))
    np.testing.assert_array_equal(result.x, draw())
    assert result.mean.shape == (6, *SHAPE)
    assert result.rate_nats.shape == result.distortion_nats.shape == (6,)
    assert np.isfinite(result.mean).all()
    if domain != "real":
        assert result.mean.min() >= 0
    assert result.mean.max() <= UPPER[domain]


def test_a_reconstruction_is_decoded_from_the_posterior_mean():
    model = build("binary").eval()
    with torch.no_grad():
        q_z = model.encode(draw())
        expected = model.decode(q_z.mean).mean
    result = reconstruct(model, Batch(draw()))
    np.testing.assert_array_equal(result.mean, expected)
    mu, var = q_z.mean.numpy(), q_z.variance.numpy()
    np.testing.assert_allclose(result.rate_nats, 0.5 * (mu**2 + var - 1 - np.log(var)).sum(-1), rtol=1e-4, atol=1e-5)


def test_distortion_is_that_of_the_seeds_own_draw():
    model, x = identity(), np.random.default_rng(2).standard_normal((4, 3)).astype(np.float32)
    result = reconstruct(model, Batch(torch.from_numpy(x)), seed=5)
    noise = torch.randn(1, 4, 3, generator=torch.Generator().manual_seed(5))[0].numpy()
    weight, bias = (param.detach().numpy() for param in model.decoder.parameters())
    expected = -norm.logpdf(x, (x + noise) @ weight.T + bias).sum(-1)  # log σ² is zero
    np.testing.assert_allclose(result.distortion_nats, expected, rtol=1e-4)


def test_an_autoencoder_has_no_rate():
    model = build("binary", "point")
    assert np.isnan(reconstruct(model, Batch(draw())).rate_nats).all()
    embedding = embed(build("levels", "point"), digits())
    assert np.isnan(embedding.rate_nats).all()
    assert (embedding.stddev == 0).all()


@pytest.mark.parametrize("posterior", ["diagonal-normal", "full-normal", "point"])
@pytest.mark.parametrize("path", ["straight", "spherical"])
def test_ends_of_an_interpolation_are_the_posterior_means(path, posterior: str):
    model = build("binary", posterior).eval()
    walk = interpolate(model, Batch(draw(2)), num_steps=7, path=path)
    assert walk.x.shape == (7, *SHAPE)
    assert walk.z.shape == (7, 3)
    with torch.no_grad():
        means = model.encode(draw(2)).mean
        np.testing.assert_allclose(walk.z[[0, -1]], means, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(walk.x, model.decode(torch.from_numpy(walk.z)).mean, rtol=1e-5)


def test_a_straight_walk_has_equal_strides():
    ends = np.array([[1, -2, 0.5], [3, 1, 0.5]], np.float32)
    walk = interpolate(identity(), Batch(torch.from_numpy(ends)), num_steps=5)
    np.testing.assert_allclose(walk.z, np.linspace(ends[0], ends[1], 5), atol=1e-6)


def test_a_great_circle_is_scipys_and_keeps_the_norm():
    ends = np.random.default_rng(0).standard_normal((2, 3))
    ends /= np.linalg.norm(ends, axis=1, keepdims=True)
    batch = Batch(torch.from_numpy(2 * ends).float())
    walk = interpolate(identity(), batch, num_steps=9, path="spherical")
    np.testing.assert_allclose(np.linalg.norm(walk.z, axis=1), 2, rtol=1e-5)
    np.testing.assert_allclose(walk.z, 2 * geometric_slerp(ends[0], ends[1], np.linspace(0, 1, 9)), atol=1e-5)


@pytest.mark.parametrize("factor", [1.0, 2.0, -1.0, 0.0], ids=["equal", "parallel", "opposite", "origin"])
def test_a_great_circle_between_ends_on_one_line_stays_finite(factor: float):
    start = np.array([1, 2, -1], np.float32)
    ends = np.stack([start, factor * start])
    walk = interpolate(identity(), Batch(torch.from_numpy(ends)), num_steps=5, path="spherical")
    np.testing.assert_allclose(walk.z[[0, -1]], ends, atol=1e-5)
    assert np.isfinite(walk.z).all()
    assert np.abs(walk.z).max() <= np.abs(ends).max() + 1e-5


@pytest.mark.parametrize(
    ("count", "options"),
    [(1, {}), (3, {}), (2, {"num_steps": 1}), (2, {"path": "curved"})],
    ids=["one-end", "three-ends", "one-step", "unknown-path"],
)
def test_a_wrong_interpolation_is_refused(count: int, options: dict):
    with pytest.raises(VaelError, match=r"expects two examples|expects num_steps ≥ 2"):
        interpolate(build(), Batch(draw(count)), **options)


@pytest.mark.parametrize("path", ["straight", "spherical"])
def test_a_walk_between_posterior_means_is_the_interpolation(path):
    model = build("binary").eval()
    with torch.no_grad():
        start, end = model.encode(draw(2)).mean.numpy()
    found, peer = walk(model, start, end, path=path), interpolate(model, Batch(draw(2)), path=path)
    np.testing.assert_array_equal(found.z, peer.z)
    np.testing.assert_array_equal(found.x, peer.x)


LATENTS = {
    "short": ([1.0, 2.0], "a latent expects 3 finite numbers, got 2"),
    "nan": ([1.0, 2.0, np.nan], "a latent expects 3 finite numbers, got 1 NaN or infinite"),
    "too-large": ([1.0, 2.0, 1e300], "a latent expects 3 finite numbers, got 1 NaN or infinite"),
    "words": (["a", "b", "c"], "a latent expects 3 finite numbers, got no array of numbers"),
    "ragged": ([[1.0, 2.0, 3.0], [1.0]], "a latent expects 3 finite numbers, got no array of numbers"),
    "number": (1.0, "a latent expects 3 finite numbers, got one"),
}


@pytest.mark.parametrize("case", LATENTS)
def test_what_is_no_latent_is_refused(case: str):
    z, message = LATENTS[case]
    with pytest.raises(VaelError, match=message):
        decode(build(), z)
    with pytest.raises(VaelError, match=message):
        walk(build(), np.zeros(3), z)


def test_a_walk_has_one_latent_at_each_end():
    with pytest.raises(VaelError, match="one latent at each end"):
        walk(build(), np.zeros((1, 3)), np.ones(3))


@pytest.mark.parametrize("axes", [(), (2,), (2, 4)])
def test_decoding_keeps_the_leading_axes(axes: tuple[int, ...]):
    model, z = build("binary"), np.random.default_rng(0).normal(size=(*axes, 3)).astype(np.float32)
    found = decode(model.train(), z)
    assert found.shape == (*axes, *SHAPE)
    with torch.no_grad():
        expected = model.eval().decode(torch.from_numpy(z.reshape(-1, 3))).mean
    np.testing.assert_allclose(found.reshape(-1, *SHAPE), expected, rtol=1e-5)


def test_a_large_request_is_decoded_in_parts(monkeypatch: pytest.MonkeyPatch):
    model, sizes = build("binary").eval(), []
    monkeypatch.setattr(sys.modules[decode.__module__], "CELLS_AT_ONCE", 10 * 12)
    monkeypatch.setattr(
        OneLayerVAE, "decode", lambda self, z, context: sizes.append(len(z)) or self.likelihood(self.decoder(z))
    )
    whole = sample(model, 25)
    assert sizes == [10, 10, 5]
    monkeypatch.undo()
    np.testing.assert_allclose(whole.x, sample(model, 25).x, rtol=1e-5)
    np.testing.assert_array_equal(whole.z, sample(model, 25).z)


@pytest.mark.parametrize("posterior", ["diagonal-normal", "full-normal"])
def test_an_embedding_holds_the_posterior_of_every_example(posterior: str):
    model, data = build("levels", posterior).eval(), digits()
    embedding = embed(model, data)
    with torch.no_grad():
        q_z = model.encode(data.raw.float())
        inference = model.infer(Batch(data.raw.float()))
    np.testing.assert_allclose(embedding.mean, q_z.mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(embedding.stddev, q_z.variance.sqrt(), rtol=1e-5)
    np.testing.assert_allclose(embedding.rate_nats, inference.rate, rtol=1e-4, atol=1e-5)
    assert (embedding.rate_nats >= 0).all()
    assert all(part.dtype == np.float32 for part in (embedding.mean, embedding.stddev, embedding.rate_nats))


def test_an_embedding_keeps_the_order_over_many_batches():
    data = digits(2_300)
    model = build()
    embedding = embed(model, data)
    assert embedding.mean.shape == embedding.stddev.shape == (2_300, 3)
    assert embedding.rate_nats.shape == (2_300,)
    with torch.no_grad():
        np.testing.assert_allclose(embedding.mean[1500:1503], model.encode(data.raw[1500:1503].float()).mean, atol=1e-5)


def test_a_manifold_decodes_the_normals_quantiles():
    model = identity()
    found = manifold(model, 5, dims=(2, 0), start=np.array([7.0, 8.0, 9.0], np.float32))
    np.testing.assert_allclose(found.values, norm.ppf(np.linspace(0.05, 0.95, 5)), rtol=1e-6, atol=1e-6)
    z = np.empty((5, 5, 3), np.float32)
    z[..., 0], z[..., 1], z[..., 2] = found.values[:, None], 8.0, found.values  # the first named dimension runs across
    expected = model.decode(torch.from_numpy(z)).mean.detach().numpy()
    np.testing.assert_allclose(found.x, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("options", [{"dims": (0, 0)}, {"dims": (0, 3)}, {"num_points": 1}])
def test_a_wrong_manifold_is_refused(options: dict):
    with pytest.raises(VaelError, match="a manifold expects"):
        manifold(identity(), **options)


def test_a_traversal_moves_one_dimension_a_row_and_keeps_the_others():
    model, start = identity(), np.array([0.3, -0.2, 0.9], np.float32)
    found = traverse(model, start, dims=[2, 0], limit=1.5, num_steps=4)
    np.testing.assert_allclose(found.values, [-1.5, -0.5, 0.5, 1.5])
    z = np.tile(start, (2, 4, 1))
    z[0, :, 2] = z[1, :, 0] = found.values
    expected = model.decode(torch.from_numpy(z)).mean.detach().numpy()
    np.testing.assert_allclose(found.x, expected, rtol=1e-5, atol=1e-6)
    assert found.dims == (2, 0)


@pytest.mark.parametrize("options", [{"dims": [3]}, {"num_steps": 1}, {"limit": 0.0}, {"start": np.zeros(2)}])
def test_a_wrong_traversal_is_refused(options: dict):
    with pytest.raises(VaelError, match="a traversal"):
        traverse(identity(), **options)


def test_an_embedding_tells_each_dimensions_part_of_the_rate():
    found = embed(build(), digits(20))
    np.testing.assert_allclose(found.rate_per_dim_nats.sum(1), found.rate_nats, rtol=1e-5)
    mu, sigma = found.mean, found.stddev
    np.testing.assert_allclose(  # KL(N(μ, σ²) ‖ N(0, 1)), Kingma & Welling 2014, appendix B
        found.rate_per_dim_nats, (mu**2 + sigma**2 - 1) / 2 - np.log(sigma), rtol=1e-4, atol=1e-5
    )
    assert np.isnan(embed(build(posterior="full-normal"), digits(20)).rate_per_dim_nats).all()


def test_noise_fills_the_levels_evenly_and_is_treated_like_the_data():
    data = digits()
    noise = make_noise(data, 500)
    counts = np.bincount(noise.raw.numpy().ravel(), minlength=17)
    assert chisquare(counts).pvalue > 1e-3
    assert noise.treatment is data.treatment
    table = DeviceData(torch.tensor([[0.0, -5.0], [1.0, 5.0]]), find_treatment("real", 0))
    rows = make_noise(table, 500).raw.numpy()
    assert kstest(rows[:, 0], "uniform").pvalue > 1e-3
    assert kstest(rows[:, 1], "uniform", (-5, 10)).pvalue > 1e-3
    counts = DeviceData(torch.tensor([[2.0, 0.0], [4.0, 9.0]]), find_treatment("counts", 0))
    drawn = make_noise(counts, 3000).raw.numpy()
    assert chisquare(np.unique(drawn[:, 0], return_counts=True)[1]).pvalue > 1e-3
    assert set(drawn[:, 0]) == {2.0, 3.0, 4.0}
    assert set(drawn[:, 1]) == set(range(10))


def test_a_drawn_latent_is_the_priors():
    rows = np.concatenate([draw_latent(build(), seed=seed) for seed in range(200)])
    assert kstest(rows, "norm").pvalue > 1e-3
