"""Files of coded sets: every set comes back, costs what the bound says, and nothing wrong is ever read."""

import copy
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import vael
from vael.build import build_model
from vael.coding import compress, decompress
from vael.coding.container import Container
from vael.errors import VaelError
from vael.evaluation import evaluate
from vael.models import VAE
from vael.random import seeded
from vael.recipe import Recipe, parse_settings
from vael.types import Observation

MLP = {"model.encoder.hidden_features": [8], "model.decoder.hidden_features": [8]}
RESIDUAL = {
    "model.encoder": {"name": "residual", "channels": [4, 5]},
    "model.decoder": {"name": "residual", "channels": [6, 4]},
}
LADDER = {**RESIDUAL, "model.structure": {"name": "ladder", "latents_per_scale": [1, 1], "latent_channels": 2}}
KINDS: dict[str, tuple[dict[str, Any], int]] = {
    "bernoulli": (MLP, 2),
    "bottom-up": ({**MLP, "model.structure": {"name": "bottom-up", "latent_dims": [2]}}, 2),
    "top-down": ({**MLP, "model.structure": {"name": "top-down", "latent_dims": [2]}}, 2),
    "ladder": (LADDER, 2),
    "few-levels": ({**MLP, "model.likelihood": "discretized-logistic"}, 17),
    "free-levels": ({**MLP, "model.likelihood": "categorical"}, 5),
    "levels": ({**MLP, "model.likelihood": "discretized-logistic"}, 256),
    "odd-levels": ({**MLP, "model.likelihood": "discretized-logistic"}, 37),
    "mixture": ({**MLP, "model.likelihood": {"name": "logistic-mixture", "num_components": 3}}, 256),
}


def build(kind: str, shape: tuple[int, ...] = (1, 4, 4), seed: int = 0) -> VAE:
    words, num_levels = KINDS[kind]
    observation = Observation(shape, "binary" if num_levels == 2 else "levels", num_levels)
    recipe = Recipe().override({"model.latent_dim": 3}).override(copy.deepcopy(words))
    with seeded(seed):
        return build_model(recipe.model, observation).eval()


def draw(kind: str, shape: tuple[int, ...], count: int, style: str, seed: int = 0) -> np.ndarray:
    """Random pixels, and those that a model expects least: all black, all white, a checkerboard, a ramp."""
    num_levels, size = KINDS[kind][1], (count, *shape)
    places = np.indices(size).sum(0)
    x = {
        "random": np.random.Generator(np.random.PCG64(seed)).integers(0, num_levels, size),
        "black": np.zeros(size),
        "white": np.full(size, num_levels - 1),
        "checkerboard": (places % 2) * (num_levels - 1),
        "ramp": places % num_levels,
    }[style]
    return x.astype(np.uint8)


@pytest.mark.parametrize("kind", KINDS)
def test_every_set_comes_back(kind: str) -> None:
    model = build(kind)
    for count, style in ((1, "random"), (70, "random"), (9, "black"), (3, "white"), (5, "checkerboard")):
        x = draw(kind, (1, 4, 4), count, style)
        found, names = decompress(model, compress(model, x).content)
        np.testing.assert_array_equal(found, x)
        assert names == ()


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    st.sampled_from(["bernoulli", "levels", "mixture", "few-levels"]),
    st.tuples(st.sampled_from([1, 3]), st.integers(1, 9), st.integers(1, 9)),
    st.integers(1, 30),
    st.sampled_from(["random", "black", "white", "checkerboard", "ramp"]),
    st.integers(0, 2**31),
)
def test_images_of_any_shape_come_back(
    kind: str, shape: tuple[int, int, int], count: int, style: str, seed: int
) -> None:
    model, x = build(kind, shape, seed % 7), draw(kind, shape, count, style, seed)
    found, _ = decompress(model, compress(model, x).content)
    np.testing.assert_array_equal(found, x)


TRAINED: dict[str, tuple[str, ...]] = {
    "bernoulli": ("data.treatment=rounded", "model.likelihood=bernoulli"),
    "levels": ("data.treatment=levels", "model.likelihood=discretized-logistic"),
    "mixture": ("data.treatment=levels", 'model.likelihood={name="logistic-mixture", num_components=3}'),
    "top-down": ("data.treatment=rounded", "model.likelihood=bernoulli", 'model.structure={name="top-down"}'),
}


@pytest.mark.parametrize("kind", TRAINED)
def test_a_message_is_as_long_as_the_bound_says(kind: str, tmp_path: Path) -> None:
    """Within 1 % of the negative ELBO, on 1,000 digits, under a trained model.

    While q(z | x) is still p(z), as in an untrained one, popping the next latents gives those just pushed once more.
    """
    words = [*TRAINED[kind], "training.epochs=8", "training.snapshots=0"]
    run = vael.train("digits", settings=parse_settings(words), runs=tmp_path)
    data = run.data("train")
    few = replace(data, raw=data.raw[:1000])
    bound = evaluate(run.model, few, num_samples=20)
    assert bound.elbo_nats is not None
    x = few.batch(torch.arange(1000)).x.numpy().astype(np.uint8)
    compressed = compress(run.model, x)
    assert compressed.message_bits / 1000 == pytest.approx(-bound.elbo_nats / math.log(2), rel=0.01)
    assert 8 * len(compressed.content) == compressed.message_bits + compressed.initial_bits + compressed.overhead_bits
    assert compressed.initial_bits < 3 * 32 + 40 * run.model.latent_dim  # one example's latents, no block's
    np.testing.assert_array_equal(decompress(run.model, compressed.content)[0], x)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_does_not_depend_on_the_number_of_threads(kind: str) -> None:
    model, x = build(kind), draw(kind, (1, 4, 4), 90, "random")
    before, contents = torch.get_num_threads(), []
    for num_threads in (1, 2, 3):
        torch.set_num_threads(num_threads)
        contents.append(compress(model, x, verify=False).content)
        np.testing.assert_array_equal(decompress(model, contents[0])[0], x)
        assert torch.get_num_threads() == num_threads
    torch.set_num_threads(before)
    assert contents[0] == contents[1] == contents[2]


def test_names_are_kept() -> None:
    model, names = build("bernoulli"), ("a.png", "ü b.png")
    assert (
        decompress(model, compress(model, draw("bernoulli", (1, 4, 4), 2, "random"), names=names).content)[1] == names
    )


def test_any_flipped_bit_and_any_cut_is_refused() -> None:
    model = build("bernoulli")
    content = compress(model, draw("bernoulli", (1, 4, 4), 3, "random")).content
    for at in range(len(content)):
        damaged = bytearray(content)
        damaged[at] ^= 1 << (at % 8)
        with pytest.raises(VaelError, match=r"no file of 'vael compress'|version|damaged"):
            decompress(model, bytes(damaged))
        with pytest.raises(VaelError, match=r"no file of 'vael compress'|damaged"):
            decompress(model, content[:at])


def test_another_model_is_refused() -> None:
    content = compress(build("bernoulli"), draw("bernoulli", (1, 4, 4), 3, "random")).content
    for other in (build("bernoulli", seed=1), build("bottom-up")):
        with pytest.raises(VaelError, match=r"was written with the model .* name the run that wrote it"):
            decompress(other, content)


def test_a_file_is_little_endian_whatever_the_machine() -> None:
    compressed = compress(build("bernoulli"), draw("bernoulli", (1, 4, 4), 3, "random"))
    words = Container.from_bytes(compressed.content).words
    assert compressed.content[-16 - 4 * len(words) : -16] == b"".join(int(word).to_bytes(4, "little") for word in words)
    assert words.dtype == np.uint32


def test_progress_is_told() -> None:
    model, x, heard = build("bernoulli"), draw("bernoulli", (1, 4, 4), 20, "random"), []
    content = compress(model, x, on_block=heard.append).content
    assert heard[-1] == 40  # coded, and decoded again
    assert heard == sorted(heard)
    decompress(model, content, on_block=heard.append)
    assert heard[-1] == 20


def test_a_file_that_would_not_come_back_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose decoder sees another distribution than its coder did: found before success is said."""
    from vael.coding import bits_back

    def swapped(p_x: Any, shape: Any, ask: Any) -> torch.Tensor:
        return 1 - ask_all(p_x, shape, ask)

    ask_all = bits_back.ask_all
    monkeypatch.setattr(bits_back, "ask_all", swapped)
    with pytest.raises(VaelError, match="did not come back as it was"):
        compress(build("bernoulli"), draw("bernoulli", (1, 4, 4), 3, "random"))


def test_what_cannot_be_coded_is_refused() -> None:
    model = build("few-levels")
    with pytest.raises(VaelError, match=r"levels 0 … 16, got 17"):
        compress(model, np.full((1, 1, 4, 4), 17, np.uint8))
    with pytest.raises(VaelError, match=r"codes \(1, 4, 4\), got \(1, 5, 4\)"):
        compress(model, np.zeros((1, 1, 5, 4), np.uint8))
    with pytest.raises(VaelError, match=r"got .* of 0 examples"):
        compress(model, np.zeros((0, 1, 4, 4), np.uint8))
    refused: dict[str, dict[str, Any]] = {
        "diagonal-normal": {"model.posterior": "full-normal"},
        "standard-normal": {"model.prior": {"name": "gaussian-mixture", "num_components": 3}},
        "no bits back": {"model.posterior": "point", "model.likelihood": "bernoulli"},
    }
    for match, words in refused.items():
        with seeded(0):
            other = build_model(
                Recipe().override({"model.latent_dim": 3}).override(MLP).override(words).model,
                Observation((1, 4, 4), "binary", 2),
            )
        with pytest.raises(VaelError, match=match):
            compress(other, np.zeros((1, 1, 4, 4), np.uint8))
    with seeded(0):
        grey = build_model(Recipe().override(MLP).model, Observation((1, 4, 4), "unit"))
        labelled = build_model(
            Recipe().override({**MLP, "model.condition": "label"}).model,
            Observation((1, 4, 4), "binary", 2, classes=("a", "b")),
        )
    with pytest.raises(VaelError, match=r"this one is of unit numbers: train with data\.treatment=levels"):
        compress(grey, np.zeros((1, 1, 4, 4), np.uint8))
    with pytest.raises(VaelError, match="without a condition"):
        compress(labelled, np.zeros((1, 1, 4, 4), np.uint8))
