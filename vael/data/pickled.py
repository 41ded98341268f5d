"""CIFAR-10's Python batches without unpickling: the opcodes are walked, nothing is executed.

A pickle is a program; loading a foreign one runs it. `pickletools.genops` only names its instructions, and a batch
needs two things of them: the string after the key `data` and the integers after the key `labels`.
"""

import pickletools
from collections.abc import Iterator
from typing import Any

from vael.errors import VaelError

__all__ = ["read_batch"]

STRINGS = frozenset(
    ("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8")
) | frozenset(
    ("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
)
INTEGERS = frozenset(("BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "LONG4"))
KEYS = (b"data", b"labels", b"batch_label", b"filenames")
PIXELS = 3 * 32 * 32


def read_batch(content: bytes) -> tuple[bytes, list[int]]:
    """Return the pixels and labels of one batch.

    Raises:
        VaelError: The content is no pickle, or lacks pixels or labels.
    """
    key, pixels, labels = b"", b"", []
    for name, value in _operations(content):
        if name in STRINGS:
            text = value if isinstance(value, bytes | bytearray) else str(value).encode("latin-1", "replace")
            if text in KEYS:
                key = text
            elif key == b"data" and not pixels and text and len(text) % PIXELS == 0:
                pixels = bytes(text)
            elif key == b"labels" and labels:
                key = b""
        elif name in INTEGERS and key == b"labels":
            labels.append(int(value))
        elif name in ("SETITEM", "SETITEMS"):
            key = b""
    if not pixels or not labels:
        raise VaelError("expects a dictionary with data (bytes) and labels (integers)")
    return pixels, labels


def _operations(content: bytes) -> Iterator[tuple[str, Any]]:
    try:
        for operation, value, _ in pickletools.genops(content):
            yield operation.name, value
    except (ValueError, IndexError, EOFError) as error:
        raise VaelError(f"is not a whole pickle ({str(error)[:80]})") from None
