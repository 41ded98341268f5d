import numpy as np
import pytest
import torch
from scipy.linalg import subspace_angles
from scipy.stats import norm
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from vael.build import build_model
from vael.models import OneLayerVAE
from vael.objectives.autoencoder import Autoencoder
from vael.random import seeded
from vael.recipe import ModelRecipe, Part
from vael.types import Batch, Observation

STEP = torch.tensor(0.0)
LINEAR = Part("mlp", {"hidden_features": []})


def build(num_dims: int, latent_dim: int, posterior: str = "point") -> OneLayerVAE:
    likelihood = Part("gaussian", {"variance": "fixed", "link": "identity"})
    recipe = ModelRecipe(latent_dim, LINEAR, LINEAR, likelihood, posterior=Part(posterior))
    with seeded(0):
        model = build_model(recipe, Observation((num_dims,), "real"))
    assert isinstance(model, OneLayerVAE)
    return model


def train(model: OneLayerVAE, x: np.ndarray) -> None:
    """Minimise the loss of all examples at once."""
    batch = Batch(torch.from_numpy(x).float())
    optimizer = torch.optim.LBFGS(
        model.parameters(), max_iter=80, history_size=50, tolerance_change=0, line_search_fn="strong_wolfe"
    )

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = Autoencoder()(model, batch, STEP).value
        value.backward()
        return value

    optimizer.step(closure)


def low_rank() -> np.ndarray:
    """Return 200 rows of 12 numbers: a plane of three unequal directions, a little noise, an offset."""
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.standard_normal((12, 3)))[0]
    return rng.standard_normal((200, 3)) * [4, 3, 2] @ axes.T + 0.3 * rng.standard_normal((200, 12)) + 1


def digits() -> np.ndarray:
    """Return the digits, centred: far from the origin the problem is too badly conditioned for float32."""
    x = np.asarray(load_digits(return_X_y=True)[0]) / 4
    return x - x.mean(0)


@pytest.mark.parametrize(("draw", "latent_dim"), [(low_rank, 3), (digits, 3)], ids=["low-rank", "digits"])
def test_a_linear_autoencoder_spans_the_principal_subspace(draw, latent_dim: int):
    x = draw()
    model, pca = build(x.shape[1], latent_dim), PCA(latent_dim).fit(x)
    train(model, x)
    weights = model.decoder.get_parameter("out.weight").detach().numpy()
    axes = pca.inverse_transform(np.eye(latent_dim)) - x.mean(0)
    assert subspace_angles(weights, axes.T).max() < 1e-2
    with torch.no_grad():
        mean = model.decode(model.encode(torch.from_numpy(x).float()).mean).mean.numpy()
    best = pca.inverse_transform(pca.transform(x))
    assert np.mean((mean - x) ** 2) == pytest.approx(np.mean((best - x) ** 2), rel=1e-3)


def test_loss_is_the_distortion_alone():
    model, x = build(12, 3), low_rank().astype(np.float32)
    got = Autoencoder()(model, Batch(torch.from_numpy(x)), STEP)
    with torch.no_grad():
        mean = model.decode(model.encode(torch.from_numpy(x)).mean).mean.numpy()
    expected = -norm.logpdf(x, mean).sum(-1).mean()
    assert float(got.value.detach()) == pytest.approx(expected, rel=1e-5)
    assert float(got.distortion) == float(got.value.detach())
    assert float(got.rate) == float(got.beta) == 0


def test_nothing_is_drawn_from_a_point():
    model, batch = build(12, 3), Batch(torch.from_numpy(low_rank()).float())
    before = torch.get_rng_state()
    first, second = (Autoencoder()(model, batch, STEP).value for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_posterior_with_a_density_is_welcome_too():
    model, batch = build(12, 3, "diagonal-normal"), Batch(torch.from_numpy(low_rank()).float())
    with seeded(3):
        got = Autoencoder()(model, batch, STEP)
    with seeded(3):
        expected = -model.infer(batch).log_px.mean()
    assert torch.equal(got.value, expected)
    assert not Autoencoder.needs_density
