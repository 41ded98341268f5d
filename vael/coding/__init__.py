"""Lossless coding: observations become bits, as many as the negative ELBO says, and come back.

`compress` and `decompress` make and read a file (`container`) with any trained model of binary pixels or levels whose
latents are normal. Below them: `bits_back` pushes and pops one block, `observations` and `normals` say how x and z are
coded, `message` is the stack of bits, and `exact` runs the model so that every bit of its numbers is the same on every
machine, with the functions of `portable`. Next: `tasks.compress`.
"""

from vael.coding.compress import Compressed, compress, decompress

__all__ = ["Compressed", "compress", "decompress"]
