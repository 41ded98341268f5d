"""The networks that every side trains, as numbers: one place, so that no side can drift from the others."""

from dataclasses import dataclass

__all__ = ["BASIC", "CONV_FACES", "Basic", "ConvFaces"]


@dataclass(frozen=True)
class Basic:
    """784-400-20 on grey MNIST: relu, Bernoulli cross-entropy summed over pixels + rate, mean over the batch, Adam."""

    in_features: int = 784
    hidden_features: int = 400
    latent_dim: int = 20
    batch_size: int = 128
    learning_rate: float = 1e-3
    train_images: int = 60_000
    test_images: int = 10_000


@dataclass(frozen=True)
class ConvFaces:
    """Strided convolutions on 64×64 colour and transposed ones back; each is followed by batch norm and relu.

    The encoder flattens what is left (256×4×4) into two dense heads. The decoder is dense to 256×4×4, relu, then the
    transposed convolutions; the last has neither batch norm nor activation: it is the mean of a Gaussian of variance 1,
    whose loss is half the squared error summed over the image. Adam.
    """

    image_shape: tuple[int, int, int] = (3, 64, 64)
    channels: tuple[int, ...] = (32, 64, 128, 256)
    kernel_size: int = 4
    stride: int = 2
    padding: int = 1
    small_size: int = 4
    latent_dim: int = 128
    batch_size: int = 64
    learning_rate: float = 1e-3
    train_images: int = 6_400
    test_images: int = 600


BASIC = Basic()
CONV_FACES = ConvFaces()
