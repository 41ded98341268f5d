"""The floor: the five big matrix products of one training step of 784-400-20, and nothing else.

At batch B = 128, with x (B, 784), h (B, 400), W1 (400, 784), W4 (784, 400) and the gradients of logits and h:

    x W1ᵀ     h W4ᵀ     g_logitsᵀ h     g_logits W4     g_hᵀ x        2 · B · 784 · 400 operations each

No training of this network on the same processor in the same precision is faster. `--precision`: `float32-highest`
and `float32-medium` are torch's matmul precisions (on x86 two libraries, MKL and oneDNN), `bfloat16` has operands and
results in bfloat16.
"""

import math

import torch
from architectures import BASIC
from protocol import Options, Side, serve
from torch import Tensor

STEPS = math.ceil(BASIC.train_images / BASIC.batch_size)


class FloorSide(Side):
    """Five products into memory that is allocated once."""

    images = BASIC.train_images

    def __init__(self, options: Options) -> None:
        if options.network != "basic":
            raise ValueError(f"this side has the network 'basic' only, not {options.network!r}")
        self.precision = options.precision
        torch.set_num_threads(options.threads)
        torch.manual_seed(options.seed)
        if options.precision != "bfloat16":
            torch.set_float32_matmul_precision(options.precision.removeprefix("float32-"))
        dtype = torch.bfloat16 if options.precision == "bfloat16" else torch.float32
        batch, pixels, hidden = BASIC.batch_size, BASIC.in_features, BASIC.hidden_features
        x, g_logits = torch.randn(2, batch, pixels, dtype=dtype)
        h, g_h = torch.randn(2, batch, hidden, dtype=dtype)
        w1, w4 = torch.randn(hidden, pixels, dtype=dtype), torch.randn(pixels, hidden, dtype=dtype)
        factors = [(x, w1.T), (h, w4.T), (g_logits.T, h), (g_logits, w4), (g_h.T, x)]
        self.products: list[tuple[Tensor, Tensor, Tensor]] = [(a, b, a @ b) for a, b in factors]

    def train_epoch(self) -> float:
        for _ in range(STEPS):
            for a, b, out in self.products:
                torch.mm(a, b, out=out)
        return math.nan

    def test_loss(self) -> None:
        return None

    def describe(self) -> dict[str, str]:
        return {"torch": torch.__version__, "threads": str(torch.get_num_threads()), "precision": self.precision}


if __name__ == "__main__":
    serve(FloorSide)
