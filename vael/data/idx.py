"""The IDX format of MNIST: a magic number (0, 0, type, dimensions), sizes, values; big-endian, gzipped or not."""

import gzip
import hashlib
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vael.errors import VaelError

__all__ = ["read_idx"]

UBYTE = 8


def read_idx(path: Path, *, num_axes: int, md5: str = "") -> NDArray[np.uint8]:
    """Read unsigned bytes from an IDX file.

    Arguments:
        path: The file, gzipped if its first bytes say so.
        num_axes: How many axes the array must have: 3 for images, 1 for labels.
        md5: MD5 that the uncompressed content must have, hexadecimal; empty for any.

    Raises:
        VaelError: A broken gzip stream, a foreign magic number, too few or too many bytes, another checksum.
    """
    content = _content(path)
    header = 4 + 4 * num_axes
    if len(content) < header:
        raise VaelError(f"{path} is truncated: an IDX header has {header} bytes, got {len(content)}: fetch it again")
    zero, kind, axes = struct.unpack_from(">HBB", content)
    if (zero, kind, axes) != (0, UBYTE, num_axes):
        raise VaelError(
            f"{path} is not the IDX file expected: magic number 0x{UBYTE:06x}{num_axes:02x} wanted, "
            f"got 0x{content[:4].hex()}: fetch it again"
        )
    shape = struct.unpack_from(f">{num_axes}I", content, 4)
    expected, found = header + math.prod(shape), len(content)
    if expected != found:
        fault = "is truncated" if found < expected else "has trailing bytes"
        raise VaelError(f"{path} {fault}: its header promises {expected} bytes, got {found}: fetch it again")
    _check(path, content, md5)
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape).copy()


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise VaelError(f"{path} is not a whole gzip file ({error}): fetch it again") from None
    except OSError as error:
        raise VaelError(f"{path} cannot be read ({error.strerror or error})") from None


def _check(path: Path, content: bytes, md5: str) -> None:
    found = hashlib.md5(content, usedforsecurity=False).hexdigest() if md5 else ""
    if found != md5:
        raise VaelError(f"{path} has other content than published (MD5 {md5} expected, got {found}): fetch it again")
