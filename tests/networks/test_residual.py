"""Gated, residual and dropped-out layers: their formulas, and the pyramid that a ladder climbs."""

from typing import Any

import pytest
import torch
from torch import nn

from vael.errors import VaelError
from vael.networks.mlp import MLPEncoder
from vael.networks.residual import Excite, ResidualBlock, ResidualDecoder, ResidualEncoder
from vael.networks.residual_mlp import ResidualMLPDecoder, ResidualMLPEncoder
from vael.random import seeded

SHAPES = [(1, 28, 28), (3, 17, 23), (2, 1, 5)]


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def test_a_gated_layer_is_a_product_with_a_gate() -> None:
    network = MLPEncoder((3,), hidden_features=(5,), activation="gated")
    weight, bias = (param.detach().chunk(2) for param in network.parameters())
    x = draw(6, 3)
    expected = (x @ weight[0].T + bias[0]) * torch.sigmoid(x @ weight[1].T + bias[1])
    torch.testing.assert_close(network(x), expected)


@pytest.mark.parametrize("build", [MLPEncoder, ResidualMLPEncoder])
def test_dropout_acts_while_training_alone(build: Any) -> None:
    network = build((30,), dropout=0.5)
    x = draw(4, 30)
    with seeded(0):
        assert not torch.equal(network(x), network(x))
    assert torch.equal(network.eval()(x), network(x))


def test_a_residual_block_adds_two_convolutions() -> None:
    block = ResidualBlock(4, 9, "silu")
    first, last = (part for part in block.layers if isinstance(part, nn.Conv2d))
    h = draw(2, 4, 5, 6)
    silu = torch.nn.functional.silu
    torch.testing.assert_close(block(h), h + last(silu(first(silu(h)))))


def test_a_block_starts_smaller_the_more_there_are() -> None:
    shares = []
    for num_blocks in (1, 100):
        with seeded(0):
            last = ResidualBlock(8, num_blocks, "silu").layers[-1]
        assert isinstance(last, nn.Conv2d)
        shares.append(float(last.weight.detach().norm()))
    assert shares[0] == pytest.approx(10 * shares[1], rel=1e-4)


def test_excitation_weighs_channels_between_0_and_1() -> None:
    h = draw(2, 8, 5, 5)
    share = Excite(8)(h) / h
    assert bool(((share > 0) & (share < 1)).all())
    torch.testing.assert_close(share, share.mean((-2, -1), keepdim=True).expand_as(share))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_pyramid_has_the_maps_that_the_decoder_has_backwards(shape: tuple[int, ...]) -> None:
    encoder = ResidualEncoder(shape, channels=(3, 5, 4))
    decoder = ResidualDecoder(7, (1, *shape), channels=(6, 5, 3))
    maps = encoder.pyramid(draw(2, *shape))
    assert [tuple(one.shape[1:]) for one in maps] == encoder.map_shapes
    assert [size[1:] for size in decoder.map_shapes] == [size[1:] for size in reversed(encoder.map_shapes)]
    h = decoder.smallest(draw(2, 7))
    for stage, expected in enumerate(decoder.map_shapes):
        assert tuple(h.shape[1:]) == expected
        h = decoder.enlarge(stage, h)
    assert torch.equal(decoder.finish(h), decoder(draw(2, 7)))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: ResidualEncoder((3,)), "expects images"),
        (lambda: ResidualDecoder(2, (1, 3)), "expects images"),
        (lambda: ResidualEncoder((1, 8, 8), channels=()), "expects channels such as"),
        (lambda: ResidualDecoder(2, (1, 1, 8, 8), num_blocks=0), "num_blocks ≥ 1"),
        (lambda: ResidualMLPEncoder((3,), width=0), "width ≥ 1"),
        (lambda: ResidualMLPDecoder(3, (1, 3), num_blocks=0), "num_blocks ≥ 1"),
        (lambda: ResidualMLPEncoder((3,), dropout=1.0), "dropout expects a share"),
        (lambda: MLPEncoder((3,), dropout=-0.1), "dropout expects a share"),
    ],
)
def test_what_makes_no_sense_is_refused(build: Any, words: str) -> None:
    with pytest.raises(VaelError, match=words):
        build()
