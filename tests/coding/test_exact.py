"""Running a model exactly: the numbers are its own to the grid, and no bit depends on how they were computed."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli, Distribution, Independent, Normal

from tests.models.test_hierarchies import CASES, SHAPE, build
from vael.build import build_model
from vael.coding.exact import exactly, in_double
from vael.coding.integers import Products
from vael.errors import VaelError
from vael.models import VAE, at_mean
from vael.random import seeded
from vael.recipe import Recipe
from vael.types import Batch, Observation


def images(count: int) -> Tensor:
    with seeded(1):
        return torch.bernoulli(torch.full((count, *SHAPE), 0.4, dtype=torch.float64))


def logits_of(p_x: Distribution) -> Tensor:
    assert isinstance(p_x, Independent)
    assert isinstance(p_x.base_dist, Bernoulli)
    return p_x.base_dist.logits


def normal_of(distribution: Distribution) -> Normal:
    assert isinstance(distribution, Independent)
    assert isinstance(distribution.base_dist, Normal)
    return distribution.base_dist


def run(model: VAE, x: Tensor, products: Products | None = None) -> list[Tensor]:
    """Return everything a coder reads."""
    with torch.no_grad(), exactly(products):
        latents, p_x = model.infer_decoded(Batch(x), at_mean)
        normals = [normal_of(part) for latent in latents for part in (latent.q_z, latent.p_z)]
        return [logits_of(p_x), *[part.expand(1, len(x), part.shape[-1]) for n in normals for part in (n.loc, n.scale)]]


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.usefixtures("threads")
def test_no_bit_depends_on_batch_or_threads(name: str) -> None:
    model, x = in_double(build(name, stir=0.2)), images(37)
    whole = run(model, x)
    torch.set_num_threads(1 if torch.get_num_threads() > 1 else 2)
    parts = [run(model, part) for part in x.split([1, 2, 13, 21])]
    for number, found in enumerate(whole):
        assert torch.equal(found, torch.cat([part[number] for part in parts], 1))


@pytest.mark.parametrize("name", CASES)
def test_the_numbers_are_the_models(name: str) -> None:
    """Against the model in float32 as it was trained."""
    model, x = build(name, stir=0.2), images(5)
    with torch.no_grad():
        latents, p_x = model.infer_decoded(Batch(x.float()), at_mean)
    logits, q_mean, q_scale, *_ = run(in_double(model), x)
    torch.testing.assert_close(logits, logits_of(p_x).double(), rtol=0, atol=5e-3)
    normal = normal_of(latents[0].q_z)
    torch.testing.assert_close(q_mean, normal.loc.expand_as(q_mean).double(), rtol=0, atol=5e-3)
    torch.testing.assert_close(q_scale, normal.scale.expand_as(q_scale).double(), rtol=5e-3, atol=0)


def test_products_are_those_of_integers() -> None:
    """Rounded to 2⁻¹⁶ on both sides, then exact: Python's integers say so."""
    with seeded(0):
        a, b = torch.randn(4, 9, dtype=torch.float64), torch.randn(9, 5, dtype=torch.float64)
    with exactly():
        found = a @ b
    rows, columns = (torch.round(side * 2**16).long().tolist() for side in (a, b))
    for i, row in enumerate(rows):
        for j in range(5):
            assert found[i, j].item() * 2**32 == sum(row[k] * columns[k][j] for k in range(9))


@pytest.mark.parametrize("name", CASES)
def test_weights_that_are_rounded_once_give_the_same(name: str) -> None:
    model, x = in_double(build(name, stir=0.2)), images(5)
    products = Products(model)
    for _ in range(2):
        for found, expected in zip(run(model, x, products), run(model, x), strict=True):
            assert torch.equal(found, expected)
    assert 0 < len(products.kept) <= len(list(model.parameters()))


def test_only_a_models_weights_are_kept() -> None:
    layer = nn.Linear(3, 2).double()
    products = Products(layer)
    for scale in (1.0, 2.0):
        other = torch.full((3, 2), scale, dtype=torch.float64)
        with torch.no_grad(), exactly(products):
            assert (torch.ones(1, 3, dtype=torch.float64) @ other == 3 * scale).all()
            layer(torch.ones(1, 3, dtype=torch.float64))
    assert len(products.kept) == 1


def test_a_transposed_convolution_and_norms_are_right() -> None:
    with seeded(0):
        network = nn.Sequential(nn.ConvTranspose2d(3, 4, 4, 2, 1), nn.BatchNorm2d(4), nn.ELU()).double().eval()
        x = torch.randn(2, 3, 5, 5, dtype=torch.float64)
        network(x)
    with torch.no_grad(), exactly():
        found = network(x)
    torch.testing.assert_close(found, network(x).detach(), rtol=0, atol=1e-3)


def test_what_depends_on_the_machine_is_refused_by_name() -> None:
    x = torch.rand(3, 3, dtype=torch.float64)
    with exactly(), pytest.raises(VaelError, match=r"torch's 'sin'.*cannot code losslessly"):
        x.sin()
    with exactly(), pytest.raises(VaelError, match=r"power of 0\.3"):
        x.pow(0.3)
    with exactly(), pytest.raises(VaelError, match="too large to be added exactly"):
        torch.mm(x * 1e9, x)


def test_counting_heads_is_beyond_it() -> None:
    """The beta-binomial needs lgamma, of which there is no portable one yet."""
    recipe = Recipe().override({"model.likelihood": "beta-binomial", "model.latent_dim": 2})
    model = in_double(build_model(recipe.model, Observation((1, 2, 2), "levels", 4)))
    with torch.no_grad():
        p_x = model.decode(torch.zeros(1, 2, dtype=torch.float64))
    with exactly(), pytest.raises(VaelError, match="lgamma"):
        p_x.log_prob(torch.ones(1, 1, 2, 2, dtype=torch.float64))
