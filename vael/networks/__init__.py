"""Networks: tensor → tensor. They know no probability and no data set; sizes come from the shapes they are given.

Next: `models`, where an encoder's features become q(z | x) and a decoder's output p(x | z).
"""

from vael.networks.base import Decoder, Encoder
from vael.networks.conv import ConvDecoder, ConvEncoder
from vael.networks.mlp import MLPDecoder, MLPEncoder
from vael.networks.residual import ResidualDecoder, ResidualEncoder
from vael.networks.residual_mlp import ResidualMLPDecoder, ResidualMLPEncoder

__all__ = ["DECODERS", "ENCODERS", "Decoder", "Encoder"]

ENCODERS: dict[str, type[Encoder]] = {
    "mlp": MLPEncoder,
    "residual-mlp": ResidualMLPEncoder,
    "conv": ConvEncoder,
    "residual": ResidualEncoder,
}
DECODERS: dict[str, type[Decoder]] = {
    "mlp": MLPDecoder,
    "residual-mlp": ResidualMLPDecoder,
    "conv": ConvDecoder,
    "residual": ResidualDecoder,
}
