"""Find out once, at the start, how this machine multiplies matrices, and choose what a training computes in.

The same setting means different things on different chips: `set_float32_matmul_precision("medium")` only moves products
from one exact library to a faster one on some processors and computes in bfloat16 on others. So one small product is
compared with float64, and what is in use is written into run.json.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from vael.errors import VaelError
from vael.types import PRECISIONS, PrecisionName

__all__ = ["Precision", "choose_precision"]

FLOAT32_ERROR = 1e-5  # largest relative rms error of a product that still counts as float32 (bfloat16 has 3e-3)


@dataclass(frozen=True)
class Precision:
    """Say what a computation runs in.

    Arguments:
        autocast: Whether products run in bfloat16 under autocast; weights, sums and likelihoods stay float32.
        products: torch's float32 product setting: `highest` or `medium`.
        relative_error: The measured relative rms error of one float32 product under that setting, against float64.
    """

    autocast: bool
    products: str
    relative_error: float

    def multiplying(self) -> AbstractContextManager[None]:
        """Return a context in which float32 products run under this setting; torch's own is put back afterwards."""
        return _products(self.products)

    def autocasting(self, device: torch.device) -> AbstractContextManager[Any]:
        """Return torch's autocast context; open it anew for every step, since it caches converted weights."""
        return torch.autocast(device.type, torch.bfloat16, enabled=self.autocast)


def choose_precision(name: PrecisionName, device: torch.device) -> Precision:
    """Choose the fastest products that keep float32's accuracy, and bfloat16 where asked for or native.

    Arguments:
        name: `float32`, `bfloat16`, or `auto`: bfloat16 where the chip computes it natively.
        device: Where the computation runs.

    Raises:
        VaelError: Another name.

    >>> choose_precision("float32", torch.device("cpu")).autocast
    False
    """
    if name not in PRECISIONS:
        raise VaelError(f"precision expects {', '.join(PRECISIONS)}, got '{name}'")
    products, error = "highest", float("inf")
    for products in ("medium", "highest"):
        with _products(products):
            error = _relative_error(device)
        if error < FLOAT32_ERROR:
            break
    autocast = name == "bfloat16" or (name == "auto" and _has_native_bfloat16(device))
    return Precision(autocast, products, error)


@contextmanager
def _products(setting: str) -> Iterator[None]:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(setting)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def _relative_error(device: torch.device) -> float:
    """Measure the rms error of a 64 × 256 by 256 × 64 product against float64, relative to the rms of the product."""
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(64, 256, generator=generator)
    b = torch.randn(256, 64, generator=generator)
    exact = a.double() @ b.double()
    error = (a.to(device) @ b.to(device)).cpu().double() - exact
    return float(error.square().mean().sqrt() / exact.square().mean().sqrt())


def _has_native_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu" and torch.backends.mkldnn.is_available():
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()) and _cpu_has_bfloat16_dot()
    return False


def _cpu_has_bfloat16_dot() -> bool:
    """Whether the processor has a bfloat16 dot product (AVX-512 BF16 or AMX), so that bfloat16 is the faster one."""
    probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, probe)() for probe in probes if probe in dir(torch.cpu))
