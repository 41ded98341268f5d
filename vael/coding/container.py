"""The file that a coded set is: what must be known to read it, the message, and a checksum.

All numbers are little-endian:

    8 bytes   89 56 41 45 4c 0d 0a 1a   magic; a file transfer that changes line ends breaks it
    1 byte    version of the format, 3
    4 bytes   length H of the header
    H bytes   the header: JSON, deflated
    …         the message, words of 4 bytes
    16 bytes  BLAKE2b of everything before
"""

import hashlib
import json
import zlib
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vael.errors import VaelError
from vael.types import Domain

__all__ = ["Container", "Header"]

MAGIC = b"\x89VAEL\r\n\x1a"
VERSION = 3
CHECKSUM = 16  # bytes


@dataclass(frozen=True)
class Header:
    """State what a message holds.

    Arguments:
        model: The fingerprint of the model that reads it, hexadecimal.
        pixels: The fingerprint of x, hexadecimal: what is read must have it.
        shape: Of one observation.
        domain: `binary` or `levels`.
        num_levels: How many levels x has.
        step: Between two places of the latents' grid.
        initial_words: With how many random words the message began; they are in the file and come back at the end.
        blocks: How many observations were pushed at once, in order, and how often in a row.
        names: The observations' names; empty where they have none.
    """

    model: str
    pixels: str
    shape: tuple[int, ...]
    domain: Domain
    num_levels: int
    step: float
    initial_words: int
    blocks: tuple[tuple[int, int], ...]
    names: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many observations there are."""
        return sum(size * times for size, times in self.blocks)


@dataclass(frozen=True)
class Container:
    """Hold a header and its message, `(W,)` uint32."""

    header: Header
    words: NDArray[np.uint32]

    def to_bytes(self) -> bytes:
        """Return the file's content."""
        header = zlib.compress(json.dumps(asdict(self.header), separators=(",", ":")).encode(), 9)
        head = MAGIC + bytes([VERSION]) + len(header).to_bytes(4, "little") + header
        content = head + self.words.astype("<u4").tobytes()
        return content + _checksum(content)

    @classmethod
    def from_bytes(cls, content: bytes, name: str = "the file") -> "Container":
        """Read a file's content.

        Raises:
            VaelError: No such file, one of another version, cut off, or damaged.
        """
        if not content.startswith(MAGIC):
            raise VaelError(
                f"{name} is no file of 'vael compress' (its first bytes are {content[:8].hex(' ') or 'none'})"
            )
        if len(content) < len(MAGIC) + 5 + CHECKSUM:
            raise VaelError(f"{name} is damaged or cut off (it ends in its header): fetch it again")
        if content[len(MAGIC)] != VERSION:
            raise VaelError(
                f"{name} has version {content[len(MAGIC)]} of the format, this vael reads {VERSION}: read it with the "
                "vael that wrote it"
            )
        body, checksum = content[:-CHECKSUM], content[-CHECKSUM:]
        if _checksum(body) != checksum:
            raise VaelError(f"{name} is damaged or cut off (its checksum does not fit): fetch it again")
        start = len(MAGIC) + 5
        end = start + int.from_bytes(body[start - 4 : start], "little")
        words = np.frombuffer(body[end:], "<u4").astype(np.uint32)
        return cls(_read_header(zlib.decompress(body[start:end])), words)


def _read_header(text: bytes) -> Header:
    stated: dict[str, Any] = json.loads(text)
    blocks = tuple((size, times) for size, times in stated.pop("blocks"))
    return Header(
        **{**stated, "shape": tuple(stated["shape"]), "names": tuple(stated["names"])},
        blocks=blocks,
    )


def _checksum(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=CHECKSUM).digest()
