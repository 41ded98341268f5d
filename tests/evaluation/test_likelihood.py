"""Evaluation: the same numbers at each call, standard errors that are true, None where there is nothing to say."""

import math
import shutil
from typing import Any

import numpy as np
import pytest
import torch

from vael import compiling
from vael.build import build_model
from vael.data.batches import DeviceData
from vael.data.treatments import find_treatment
from vael.errors import VaelError
from vael.evaluation import bound_examples, bounds, evaluate
from vael.models import VAE, OneLayerVAE
from vael.random import seeded
from vael.recipe import ModelRecipe, Part
from vael.types import Observation


def binary_model(**parts: Any) -> VAE:
    with seeded(0):
        return build_model(ModelRecipe(latent_dim=2, **parts), Observation((1, 3, 3), "binary", 2))


def binary_data(count: int) -> DeviceData:
    with seeded(1):
        return DeviceData(torch.randint(0, 2, (count, 1, 3, 3), dtype=torch.uint8), find_treatment("static", 2))


def test_the_same_seed_gives_the_same_numbers_and_another_others() -> None:
    model, data = binary_model(), binary_data(50)
    first, again = (evaluate(model, data, num_samples=8, seed=3).as_dict() for _ in range(2))
    other = evaluate(model, data, num_samples=8, seed=4).as_dict()
    assert {**first, "seconds": 0} == {**again, "seconds": 0}
    assert first["nll_nats"] != other["nll_nats"]


def test_means_and_errors_are_those_of_the_examples() -> None:
    model, data = binary_model(), binary_data(40)
    result = evaluate(model, data, num_samples=5)
    found = bound_examples(model, data, num_samples=5)
    assert result.elbo_nats == pytest.approx(found.elbo_nats.mean(), rel=1e-6)
    assert result.elbo_nats_se == pytest.approx(found.elbo_nats.std(ddof=1) / math.sqrt(40), rel=1e-4)
    assert result.nll_nats == pytest.approx(found.nll_nats.mean(), rel=1e-6)
    assert result.bits_per_dim == pytest.approx(found.nll_nats.mean() / 9 / math.log(2), rel=1e-6)
    assert result.rate_per_layer_nats == pytest.approx((result.rate_nats,))


def test_the_nll_approaches_the_exact_one() -> None:
    """All 512 images of 3 × 3 binary pixels; p(x) by quadrature over a grid of the two latents."""
    model = binary_model()
    every = torch.from_numpy(((np.arange(512)[:, None] >> np.arange(9)) & 1).astype(np.uint8)).view(-1, 1, 3, 3)
    grid = torch.linspace(-6, 6, 161)
    z = torch.cartesian_prod(grid, grid)
    with torch.inference_mode():
        log_pz = -0.5 * z.square().sum(1) - math.log(2 * math.pi) + 2 * math.log(12 / 160)
        on = model.decode(z).mean.flatten(1).double()
        x = every.flatten(1).double()
        log_px = x @ on.log().T + (1 - x) @ (1 - on).log().T
        exact = torch.logsumexp(log_px + log_pz.double(), 1)
    assert float(exact.exp().sum()) == pytest.approx(1, abs=1e-4)  # a probability over all images
    result = evaluate(model, DeviceData(every, find_treatment("static", 2)), num_samples=3000)
    assert result.nll_nats == pytest.approx(-float(exact.mean()), abs=2e-3)
    assert -(result.elbo_nats or 0) > -float(exact.mean())


def test_chunks_of_samples_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    model, data = binary_model(), binary_data(30)
    whole = evaluate(model, data, num_samples=4000)
    monkeypatch.setattr(bounds, "CELLS_AT_ONCE", 30 * 9 * 100)
    chunked = evaluate(model, data, num_samples=4000)
    assert chunked.nll_nats == pytest.approx(whole.nll_nats, abs=5e-3)  # other draws, the same estimate
    assert chunked.distortion_nats == pytest.approx(whole.distortion_nats, abs=5e-2)


@pytest.mark.skipif(shutil.which("g++") is None, reason="no C++ compiler: nothing can be compiled")
@pytest.mark.parametrize("structure", ["one-layer", "bottom-up"])
def test_compiled_chunks_give_the_same_bounds(structure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """450 examples are two full batches and a smaller one, five draws two full chunks and a smaller one."""
    options = {} if structure == "one-layer" else {"latent_dims": [2]}
    model, data = binary_model(structure=Part(structure, options)), binary_data(450)
    monkeypatch.setattr(bounds, "CELLS_AT_ONCE", 2 * 9 * bounds.BATCH_SIZE)
    calls = []
    monkeypatch.setattr(
        bounds, "compile_graph", lambda *given: calls.append(len(given)) or compiling.compile_graph(*given)
    )
    eager = bound_examples(model, data, num_samples=5, compile="off")
    assert not calls
    compiled = bound_examples(model, data, num_samples=5, compile="on")
    assert len(calls) == 1
    for name in ("rate_per_layer_nats", "distortion_nats", "nll_nats", "codes"):
        np.testing.assert_allclose(getattr(compiled, name), getattr(eager, name), rtol=1e-4, atol=1e-5)


def test_a_compiler_that_fails_costs_nothing_but_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("no such operation\nand a page of details")

    monkeypatch.setattr(bounds, "compile_graph", fail)
    monkeypatch.setattr(bounds, "CELLS_AT_ONCE", 2 * 9 * bounds.BATCH_SIZE)
    model, data = binary_model(), binary_data(200)
    with pytest.warns(UserWarning, match=r"\(RuntimeError: no such operation\): going on eagerly"):
        found = bound_examples(model, data, num_samples=5, compile="on")
    eager = bound_examples(model, data, num_samples=5, compile="off")
    np.testing.assert_array_equal(found.nll_nats, eager.nll_nats)


def test_compiling_starts_where_many_draws_are_ahead() -> None:
    dense, cpu = binary_model(), torch.device("cpu")
    has_compiler = any(shutil.which(name) for name in ("g++", "clang++"))
    assert compiling.choose_compiled_draws("auto", dense, cpu, num_draws=50_000_000) == has_compiler
    assert not compiling.choose_compiled_draws("auto", dense, cpu, num_draws=640_000)
    convolution = binary_model(encoder=Part("conv", {"channels": [2]}))
    assert not compiling.choose_compiled_draws("auto", convolution, cpu, num_draws=50_000_000)
    assert not compiling.choose_compiled_draws("off", dense, cpu, num_draws=50_000_000)


def test_rounded_products_give_nearly_the_same_bounds() -> None:
    """The model whose products are rounded to 8 bits is another one, but not by much; an unknown precision is none."""
    model, data = binary_model(), binary_data(30)
    exact, rounded = (evaluate(model, data, num_samples=50, precision=name) for name in ("float32", "bfloat16"))
    assert rounded.nll_nats != exact.nll_nats
    assert rounded.nll_nats == pytest.approx(exact.nll_nats, rel=2e-2)
    assert rounded.rate_nats == pytest.approx(exact.rate_nats, rel=5e-2)
    with pytest.raises(VaelError, match="precision expects auto, float32, bfloat16, got 'half'"):
        evaluate(model, data, num_samples=1, precision="half")  # pyright: ignore[reportArgumentType]


def test_whoever_watches_hears_of_every_batch() -> None:
    heard = []
    evaluate(binary_model(), binary_data(450), num_samples=1, on_batch=heard.append)
    assert heard == [200, 400, 450]


def test_grey_pixels_under_a_bernoulli_have_no_likelihood() -> None:
    model = build_model(ModelRecipe(latent_dim=2), Observation((1, 3, 3), "unit"))
    data = DeviceData(torch.zeros(5, 1, 3, 3, dtype=torch.uint8), find_treatment("grey", 256))
    result = evaluate(model, data, num_samples=2)
    assert result.nll_nats is None
    assert result.bits_per_dim is None
    assert result.elbo_nats is not None


def test_dead_latents_are_not_counted_as_active() -> None:
    model = binary_model()
    assert isinstance(model, OneLayerVAE)
    with torch.no_grad():
        head = model.posterior.get_submodule("head")
        assert isinstance(head, torch.nn.Linear)
        head.weight[1].zero_()  # the mean of the second latent no longer depends on x
        head.weight[0].mul_(20)
    assert evaluate(model, binary_data(100), num_samples=1).active_units == 1


@pytest.mark.parametrize(("num_samples", "count"), [(0, 5), (3, 0)])
def test_nothing_to_evaluate_is_refused(num_samples: int, count: int) -> None:
    with pytest.raises(VaelError, match="num_samples ≥ 1 and examples"):
        evaluate(binary_model(), binary_data(count), num_samples=num_samples)
