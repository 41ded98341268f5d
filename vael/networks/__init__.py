"""Networks: tensor → tensor. They know no probability and no data set; sizes come from the shapes they are given.

Next: `models`, where an encoder's features become q(z | x) and a decoder's output p(x | z).
"""

from vael.networks.base import Decoder, Encoder
from vael.networks.conv import ConvDecoder, ConvEncoder
from vael.networks.mlp import MLPDecoder, MLPEncoder

__all__ = ["DECODERS", "ENCODERS", "Decoder", "Encoder"]

ENCODERS: dict[str, type[Encoder]] = {"mlp": MLPEncoder, "conv": ConvEncoder}
DECODERS: dict[str, type[Decoder]] = {"mlp": MLPDecoder, "conv": ConvDecoder}
