"""The bounds of single examples, streamed: what evaluations, paired comparisons and train-against-test read."""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vael.compiling import choose_compiled_draws, compile_graph
from vael.data.batches import DeviceData
from vael.errors import VaelError
from vael.evaluation.examples import BATCH_SIZE, CELLS_AT_ONCE, measuring
from vael.models import VAE, at_mean
from vael.random import seeded
from vael.types import Batch, PrecisionName

__all__ = ["BoundOptions", "ExampleBounds", "bound_examples"]


@dataclass(frozen=True)
class ExampleBounds:
    """Hold the terms of the bound of N examples, in their order; nats, float64.

    Arguments:
        num_samples: K draws of z for each.
        rate_per_layer_nats: `(N, L)` KL(q(z_l|x) ‖ p(z_l)) of each layer, lowest first; NaN without a density.
        distortion_nats: `(N,)` −E_q log p(x|z).
        nll_nats: `(N,)` −log 1/K Σ_k w_k, an upper bound of −log p(x) in expectation; NaN without a density.
        codes: `(N, D)` the posteriors' means, all layers side by side.
    """

    num_samples: int
    rate_per_layer_nats: NDArray[np.float64]
    distortion_nats: NDArray[np.float64]
    nll_nats: NDArray[np.float64]
    codes: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.distortion_nats)

    @property
    def rate_nats(self) -> NDArray[np.float64]:
        """KL(q(z|x) ‖ p(z)), `(N,)`."""
        return self.rate_per_layer_nats.sum(1)

    @property
    def elbo_nats(self) -> NDArray[np.float64]:
        """−(rate + distortion), `(N,)`; larger is better."""
        return -(self.rate_nats + self.distortion_nats)


class BoundOptions(TypedDict, total=False):
    """Name the options of `bound_examples`, which whoever hands them on takes as they are."""

    num_samples: int
    seed: int
    precision: PrecisionName
    compile: Literal["auto", "on", "off"]
    on_batch: Callable[[int], None]


@torch.no_grad()
def bound_examples(
    model: VAE,
    data: DeviceData,
    *,
    num_samples: int = 64,
    seed: int = 0,
    precision: PrecisionName = "float32",
    compile: Literal["auto", "on", "off"] = "auto",  # noqa: A002 - the recipe's word
    on_batch: Callable[[int], None] = lambda done: None,
) -> ExampleBounds:
    """Estimate the bounds of each example; memory does not grow with K.

    Every batch has a seed of its own, so that models that draw differently still see the same x under a treatment that
    draws it (`dynamic`): their bounds can be compared example by example. Where many draws are ahead, full chunks of
    them are compiled, which changes their rounding alone. `on_batch` hears how many examples are done.

    Raises:
        VaelError: K < 1 or no examples.
    """
    if num_samples < 1 or len(data) == 0:
        raise VaelError(f"bounds expect num_samples ≥ 1 and examples, got {num_samples} and {len(data)}")
    parts = []
    with measuring(model, seed, precision):
        is_compiled = choose_compiled_draws(compile, model, model.device, num_draws=num_samples * len(data))
        chunks = _Chunks(model, is_compiled=is_compiled and not torch.is_autocast_enabled(model.device.type))
        for number, index in enumerate(torch.arange(len(data), device=data.device).split(BATCH_SIZE)):
            with seeded(int(np.random.SeedSequence([seed, number]).generate_state(1)[0])):
                parts.append(_terms_of(model, data.batch(index), num_samples, chunks))
            on_batch(int(index[-1]) + 1)
    columns = (torch.cat(part).double().cpu().numpy() for part in zip(*parts, strict=True))
    return ExampleBounds(num_samples, *columns)


Terms = tuple[Tensor, Tensor, Tensor]


def _terms_of(model: VAE, batch: Batch, num_samples: int, chunks: "_Chunks") -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the arrays of `ExampleBounds` for one batch, in chunks of K."""
    at_once = max(1, CELLS_AT_ONCE // batch.x.numel())
    rate = torch.zeros(len(batch.x), len(model.latent_dims), dtype=torch.float64, device=batch.x.device)
    distortion, log_sums = torch.zeros_like(rate[:, 0]), []
    for done in range(0, num_samples, at_once):
        size = min(at_once, num_samples - done)
        rates, distortions, log_sum = chunks(batch, size, is_full=size == at_once and len(batch.x) == BATCH_SIZE)
        rate += rates.double() * (size / num_samples)
        distortion += distortions.double() * (size / num_samples)
        log_sums.append(log_sum)
    codes = torch.cat([latent.z[0] for latent in model.infer_latents(batch, at_mean)], -1)
    return rate, distortion, math.log(num_samples) - torch.logsumexp(torch.stack(log_sums), 0), codes


def _chunk_of(model: VAE, batch: Batch, size: int) -> Terms:
    """Return the rates `(B, L)`, the distortion `(B,)` and log Σ_k w_k `(B,)` of some draws; NaN without a density."""
    inference = model.infer(batch, num_samples=size)
    distortion = inference.distortion
    if not model.has_density:
        nothing = torch.full_like(distortion, torch.nan)
        return nothing.unsqueeze(-1).expand(-1, len(model.latent_dims)), distortion, nothing.double()
    rates = torch.stack([latent.rate for latent in inference.latents], 1)
    return rates, distortion, torch.logsumexp(inference.log_w.double(), 0)


class _Chunks:
    """Call `_chunk_of`, for full chunks of full batches as one compiled graph, where that is wanted and works."""

    def __init__(self, model: VAE, *, is_compiled: bool) -> None:
        self.is_compiled = is_compiled
        self.module = _ChunkOf(model)
        self.weights = dict(self.module.named_parameters()) | dict(self.module.named_buffers())
        self.graph: Callable[..., Terms] | None = None

    def __call__(self, batch: Batch, size: int, *, is_full: bool) -> Terms:
        if not (self.is_compiled and is_full):
            return self.module(batch, size)
        parts = {name: part for name, part in vars(batch).items() if part is not None}
        tensors = [*(tensor.detach() for tensor in self.weights.values()), *parts.values()]
        if self.graph is not None:
            return self.graph(*tensors)

        def program(*flat: Tensor) -> Terms:
            weights = dict(zip(self.weights, flat, strict=False))
            seen = Batch(**dict(zip(parts, flat[len(self.weights) :], strict=True)))
            return torch.func.functional_call(self.module, weights, (seen, size))

        try:
            graph = compile_graph(program, *tensors)
            terms = graph(*tensors)
        except Exception as error:  # a compiler may fail in any way; nothing has been computed yet
            reason = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
            warnings.warn(f"the draws cannot be decoded by a compiled graph ({reason}): going on eagerly", stacklevel=2)
            self.is_compiled = False
            return self.module(batch, size)
        self.graph = graph
        return terms


class _ChunkOf(nn.Module):
    """Make a chunk's terms a function of the weights, so that tracing sees them as inputs."""

    def __init__(self, model: VAE) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch, size: int) -> Terms:
        return _chunk_of(self.model, batch, size)
