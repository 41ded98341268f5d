"""The codebook: nearest entries, exact rates, gradients straight through, entries that follow their vectors."""

import math

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans

from vael.build import build_model
from vael.distributions.quantised import Quantised
from vael.errors import VaelError
from vael.models import VAE, OneLayerVAE
from vael.posteriors.vector_quantised import VectorQuantised
from vael.random import seeded
from vael.recipe import ModelRecipe, Part
from vael.types import Batch, Observation

SMALL = {"num_vectors": 2, "codebook_size": 5}


def build(num_stages: int = 1, **options: float) -> VectorQuantised:
    with seeded(0):
        return VectorQuantised(7, 6, num_vectors=2, codebook_size=5, num_stages=num_stages, **options)


def features(batch: int = 40) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).standard_normal((batch, 7))).float()


def infer(posterior: VectorQuantised, x: torch.Tensor) -> Quantised:
    q_z = posterior(x)
    assert isinstance(q_z, Quantised)
    return q_z


def build_vae(prior: str = "uniform-categorical", num_stages: int = 2) -> VAE:
    recipe = ModelRecipe(
        latent_dim=6,
        posterior=Part("vector-quantised", {**SMALL, "num_stages": num_stages}),
        prior=Part(prior, {"num_categories": 5}),
    )
    with seeded(0):
        return build_model(recipe, Observation((9,), "binary", 2)).eval()


def batch_of(model: VAE) -> Batch:
    return Batch((torch.from_numpy(np.random.default_rng(0).random((8, *model.observation.shape))) > 0.5).float())


@pytest.mark.parametrize("num_stages", [1, 3])
def test_each_stage_rounds_to_its_nearest_entry(num_stages: int):
    posterior = build(num_stages).eval()
    q_z = infer(posterior, features())
    rest = posterior.get_submodule("head")(features()).unflatten(-1, (2, 3)).detach().numpy()
    total, codes = np.zeros_like(rest), []
    for codebook in posterior.codebook.numpy():
        index = np.square(rest[:, :, None] - codebook).sum(-1).argmin(-1)
        codes.append(np.eye(5)[index])
        total, rest = total + codebook[index], rest - codebook[index]
    np.testing.assert_allclose(q_z.mean.detach(), total.reshape(40, 6), atol=1e-6)
    np.testing.assert_array_equal(q_z.codes, np.stack(codes, -2).reshape(40, -1))
    torch.testing.assert_close(posterior.place(q_z.codes), q_z.mean.detach())


def test_the_gradient_passes_straight_through():
    posterior = build()
    weight = torch.linspace(-1, 1, 6)
    (infer(posterior, features()).rsample() * weight).sum().backward()
    torch.testing.assert_close(posterior.get_parameter("head.bias").grad, 40 * weight)


def test_the_commitment_is_the_squared_distance_and_pulls_the_encoder_alone():
    posterior = build(commitment=0.5).eval()
    q_z = infer(posterior, features())
    flat = posterior.get_submodule("head")(features())
    torch.testing.assert_close(q_z.penalty, 0.5 * (flat - q_z.mean.detach()).square().sum(-1))
    q_z.penalty.sum().backward()
    expected = (flat - q_z.mean).sum(0).detach()
    torch.testing.assert_close(posterior.get_parameter("head.bias").grad, expected, rtol=1e-4, atol=1e-4)


def test_the_codebook_finds_the_clusters_that_k_means_finds():
    rng = np.random.default_rng(3)
    centers = np.array([[0, 0, 0], [6, 0, 0], [0, 6, 0], [0, 0, 6], [6, 6, 6]])
    posterior = build(decay=0.9)
    vectors = torch.from_numpy(centers[rng.integers(5, size=(400, 2))] + 0.3 * rng.standard_normal((400, 2, 3))).float()
    head = posterior.get_submodule("head")
    posterior.head = torch.nn.Identity()  # pyright: ignore[reportAttributeAccessIssue]
    with seeded(0):
        for _ in range(200):
            posterior(vectors.flatten(1))
    posterior.head = head  # pyright: ignore[reportAttributeAccessIssue]
    rows = vectors.flatten(0, 1).numpy()
    witness = KMeans(5, random_state=0).fit(rows)
    assert witness.inertia_ is not None
    found = np.square(rows[:, None] - posterior.codebook[0].numpy()).sum(-1).min(1).mean()
    assert found < 1.02 * witness.inertia_ / len(rows)


def test_entries_move_in_training_alone_and_dead_ones_are_placed_on_the_batch():
    posterior = build().eval()
    before = posterior.codebook.clone()
    posterior(features())
    assert torch.equal(posterior.codebook, before)
    posterior.train()
    with seeded(0):
        posterior(features())  # at the first step none has been used yet
    vectors = posterior.get_submodule("head")(features()).unflatten(-1, (2, 3)).flatten(0, 1)
    assert torch.cdist(posterior.codebook[0], vectors).min(-1).values.max() < 1e-3


@pytest.mark.parametrize("prior", ["uniform-categorical", "autoregressive-categorical"])
def test_the_rate_is_exactly_that_of_the_codes(prior: str):
    model = build_vae(prior)
    assert isinstance(model, OneLayerVAE)
    inference = model.infer(batch_of(model), num_samples=3)
    (latent,) = inference.latents
    assert isinstance(latent.q_z, Quantised)
    assert inference.rate.shape == (8,)
    torch.testing.assert_close(inference.rate.expand(3, 8), latent.log_ratio)  # in closed form and at the samples
    torch.testing.assert_close(inference.rate, -latent.p_z.log_prob(latent.q_z.codes))
    if prior == "uniform-categorical":
        torch.testing.assert_close(inference.rate, torch.full((8,), 2 * 2 * math.log(5)))
    torch.testing.assert_close(inference.importance_bound, inference.elbo)  # q is certain: more samples say no more


def test_draws_of_the_prior_become_entries():
    model = build_vae(num_stages=1)
    assert isinstance(model, OneLayerVAE)
    with seeded(0):
        z = model.draw(50)
    assert z.shape == (50, 6)
    entries = model.posterior.get_buffer("codebook")[0]
    distance = (z.view(50, 2, 1, 3) - entries).norm(dim=-1)
    assert bool((distance.min(-1).values < 1e-6).all())
    assert model.decode(z).mean.shape == (50, 9)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"num_vectors": 4}, "num_vectors=4"),
        ({"codebook_size": 1}, "codebook_size ≥ 2"),
        ({"num_stages": 0}, "num_stages ≥ 1"),
        ({"decay": 1.0}, "decay in"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, float], words: str):
    with pytest.raises(VaelError, match=words):
        VectorQuantised(7, 6, **{"num_vectors": 2, **options})  # pyright: ignore[reportArgumentType]


def test_codes_need_a_prior_over_as_many_categories():
    recipe = ModelRecipe(latent_dim=6, posterior=Part("vector-quantised", SMALL), prior=Part("uniform-categorical"))
    with pytest.raises(VaelError, match=r"5 categories .* use model\.prior\.num_categories=5, or .*codebook_size=10"):
        build_model(recipe, Observation((9,), "binary", 2))
