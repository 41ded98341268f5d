from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from vael.errors import VaelError
from vael.networks import DECODERS, ENCODERS
from vael.networks.conv import ConvDecoder, ConvEncoder
from vael.networks.mlp import MLPDecoder, MLPEncoder
from vael.random import seeded

IMAGES = [(1, 28, 28), (3, 17, 23), (2, 1, 5), (1, 8, 8)]
OPTIONS: dict[str, tuple[str, dict[str, Any], str, dict[str, Any]]] = {
    # name: encoder, its options, decoder, its options
    "mlp": ("mlp", {}, "mlp", {}),
    "mlp-linear": ("mlp", {"hidden_features": ()}, "mlp", {"hidden_features": ()}),
    "mlp-deep": (
        "mlp",
        {"hidden_features": (9, 6), "activation": "tanh", "batch_norm": True},
        "mlp",
        {"hidden_features": (6, 9), "activation": "sigmoid", "batch_norm": True},
    ),
    "mlp-gated": (
        "mlp",
        {"hidden_features": (9, 6), "activation": "gated", "dropout": 0.2},
        "mlp",
        {"hidden_features": (6,), "activation": "gated", "batch_norm": True},
    ),
    "residual-mlp": ("residual-mlp", {"width": 9}, "residual-mlp", {"width": 9, "num_blocks": 3}),
    "residual-mlp-norm": (
        "residual-mlp",
        {"width": 9, "layer_norm": True, "dropout": 0.3, "activation": "elu"},
        "residual-mlp",
        {"width": 8, "layer_norm": True, "dropout": 0.3, "num_blocks": 1},
    ),
    "residual": ("residual", {"channels": (3, 5)}, "residual", {"channels": (5, 3)}),
    "residual-norm": (
        "residual",
        {"channels": (3, 5, 4), "num_blocks": 2, "batch_norm": True, "squeeze_excite": True},
        "residual",
        {"channels": (5, 4, 3), "num_blocks": 2, "batch_norm": True, "squeeze_excite": True, "activation": "elu"},
    ),
    **{
        f"conv-{kernel}": ("conv", {"channels": (3, 5), "kernel_size": kernel}, "conv", {"kernel_size": kernel})
        for kernel in (2, 3, 4, 5)
    },
    "conv-one-stage": ("conv", {"channels": (3,)}, "conv", {"channels": (4,)}),
    "conv-max-resize": (
        "conv",
        {"channels": (3, 5, 4), "kernel_size": 3, "pooling": "max", "hidden_features": (6,)},
        "conv",
        {"channels": (4, 5, 3), "kernel_size": 3, "upsampling": "resize", "hidden_features": (6,)},
    ),
    "conv-average-norm": (
        "conv",
        {"channels": (3, 5), "kernel_size": 5, "pooling": "average", "batch_norm": True, "activation": "silu"},
        "conv",
        {"channels": (5, 3), "kernel_size": 5, "upsampling": "resize", "batch_norm": True, "hidden_features": (6,)},
    ),
    "conv-stride-norm": (
        "conv",
        {"channels": (3, 5), "batch_norm": True, "hidden_features": (6,)},
        "conv",
        {"channels": (5, 3), "batch_norm": True, "hidden_features": (6,)},
    ),
}


def encoder(name: str, shape: tuple[int, ...]) -> nn.Module:
    kind, options, _, _ = OPTIONS[name]
    with seeded(0):
        return ENCODERS[kind](shape, **options)


def decoder(name: str, shape: tuple[int, ...]) -> nn.Module:
    _, _, kind, options = OPTIONS[name]
    with seeded(0):
        return DECODERS[kind](4, shape, **options)


def draw(*shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).standard_normal(shape)).float()


def check_gradients(network: nn.Module, x: torch.Tensor) -> None:
    """Check in evaluation mode: in training, batch norm cancels the bias before it."""
    network.eval()(x).square().sum().backward()
    for key, param in network.named_parameters():
        assert param.grad is not None, key
        assert bool((param.grad != 0).any()), key


@pytest.mark.parametrize("shape", IMAGES, ids=str)
@pytest.mark.parametrize("name", OPTIONS)
def test_an_encoder_gives_one_row_of_features_an_image(name: str, shape: tuple[int, ...]):
    network = encoder(name, shape)
    features = network(draw(6, *shape))
    assert features.shape == (6, network.out_features)


@pytest.mark.parametrize("shape", IMAGES, ids=str)
@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("num_parameters", [1, 2])
def test_a_decoder_gives_exactly_the_size_of_the_image(name: str, shape: tuple[int, ...], num_parameters: int):
    out = decoder(name, (num_parameters, *shape))(draw(6, 4))
    assert out.shape == (6, num_parameters, *shape)
    assert out.dtype == torch.float32


@pytest.mark.parametrize("name", OPTIONS)
def test_sample_axes_lead(name: str):
    network = decoder(name, (2, 3, 17, 23)).eval()
    z = draw(3, 5, 4)
    out = network(z)
    assert out.shape == (3, 5, 2, 3, 17, 23)
    for k in range(3):
        torch.testing.assert_close(out[k], network(z[k]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", OPTIONS)
def test_rows_of_a_batch_do_not_see_each_other(name: str):
    network = encoder(name, (3, 17, 23)).eval()
    x = draw(5, 3, 17, 23)
    torch.testing.assert_close(network(x)[2:3], network(x[2:3]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", IMAGES, ids=str)
@pytest.mark.parametrize("name", OPTIONS)
def test_gradient_reaches_every_parameter_of_an_encoder(name: str, shape: tuple[int, ...]):
    network = encoder(name, shape)
    if list(network.parameters()):  # a linear one passes x on
        check_gradients(network, draw(16, *shape))
    else:
        assert torch.equal(network(draw(2, *shape)), draw(2, *shape).flatten(1))


@pytest.mark.parametrize("shape", IMAGES, ids=str)
@pytest.mark.parametrize("name", OPTIONS)
def test_gradient_reaches_every_parameter_of_a_decoder(name: str, shape: tuple[int, ...]):
    check_gradients(decoder(name, (2, *shape)), draw(16, 4))


@pytest.mark.parametrize("shape", IMAGES, ids=str)
@pytest.mark.parametrize("kernel_size", [2, 3, 4, 5])
@pytest.mark.parametrize("pooling", ["stride", "max", "average"])
def test_an_encoder_sees_every_pixel(pooling: Any, kernel_size: int, shape: tuple[int, ...]):
    if pooling != "stride":
        kernel_size |= 1
    x = draw(16, *shape).requires_grad_()
    with seeded(0):
        network = ConvEncoder(shape, channels=(3, 5), kernel_size=kernel_size, pooling=pooling, activation="silu")
    network(x).square().sum().backward()
    assert x.grad is not None
    assert bool((x.grad != 0).any(0).all())


@pytest.mark.parametrize("shape", IMAGES, ids=str)
@pytest.mark.parametrize("name", OPTIONS)
def test_a_decoder_paints_every_pixel_from_the_latents(name: str, shape: tuple[int, ...]):
    out = decoder(name, (1, *shape)).eval()(10 * draw(16, 4))
    assert bool((out.std(0) > 0).all())


@pytest.mark.parametrize("shape", [(5,), (3, 4)], ids=str)
@pytest.mark.parametrize("build", [ConvEncoder, lambda shape: ConvDecoder(4, (1, *shape))], ids=["encoder", "decoder"])
def test_a_convolution_on_a_table_is_refused(build: Any, shape: tuple[int, ...]):
    with pytest.raises(VaelError, match="expects images"):
        build(shape)


@pytest.mark.parametrize(
    "build",
    [
        lambda: ConvEncoder((1, 8, 8), kernel_size=4, pooling="max"),
        lambda: ConvEncoder((1, 8, 8), kernel_size=4, pooling="average"),
        lambda: ConvDecoder(4, (1, 1, 8, 8), kernel_size=4, upsampling="resize"),
    ],
    ids=["max", "average", "resize"],
)
def test_an_even_kernel_is_refused_where_it_has_no_middle(build: Any):
    with pytest.raises(VaelError, match="expects an odd kernel_size, got 4: try 3"):
        build()


def test_a_linear_decoder_is_a_matrix_and_an_offset():
    network = MLPDecoder(4, (2, 3), hidden_features=())
    z = draw(5, 4)
    expected = z @ network.out.weight.T + network.out.bias
    torch.testing.assert_close(network(z), expected.reshape(5, 2, 3))


def test_an_mlp_is_matrices_with_activations_between():
    network = MLPEncoder((3,), hidden_features=(5, 2), activation="tanh")
    weights = [param.detach().numpy() for param in network.parameters()]
    x = draw(6, 3)
    expected = np.tanh(np.tanh(x.numpy() @ weights[0].T + weights[1]) @ weights[2].T + weights[3])
    np.testing.assert_allclose(network(x).detach(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("build", [MLPDecoder, ConvDecoder])
def test_a_decoder_gives_float32_under_bfloat16(build: Any):
    with torch.autocast("cpu", torch.bfloat16):
        assert build(4, (1, 1, 8, 8))(draw(3, 4)).dtype == torch.float32
