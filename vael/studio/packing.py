"""Numbers on their way to the browser: JSON has no NaN and no arrays of bytes."""

import base64
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["pack", "plain"]


def pack(array: NDArray) -> dict[str, Any]:
    """Pack an array of numbers: its type, its shape, and its bytes (little-endian, C order) in base64."""
    laid_out = np.ascontiguousarray(array)
    content = base64.b64encode(laid_out.tobytes()).decode("ascii")
    return {"dtype": str(laid_out.dtype), "shape": list(laid_out.shape), "base64": content}


def plain(value: Any) -> Any:
    """Turn dataclasses, mappings, arrays and paths into what JSON holds; what is not finite becomes null.

    >>> plain({"rate": float("nan"), "z": np.array([1.5, np.inf], np.float32)})
    {'rate': None, 'z': [1.5, None]}
    """
    if value is None or isinstance(value, (str, int, float)):
        return None if isinstance(value, float) and not math.isfinite(value) else value
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return plain(value.tolist())
    return str(value)
