"""Likelihood bounds of a trained model on a split, streamed so that memory does not grow with K."""

import math
import time
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from vael.data.batches import DeviceData
from vael.errors import VaelError
from vael.evaluation.activity import find_active
from vael.models import VAE, at_mean
from vael.precision import choose_precision
from vael.random import seeded
from vael.types import Batch

__all__ = ["Bounds", "Evaluation", "bounds_of_examples", "evaluate"]

CELLS_AT_ONCE = 8_000_000  # numbers of x in one decoder call: 32 MB a tensor
SEEDS_APART = 1_000_003  # more than there are batches: each has a seed of its own, whatever K was before it
BATCH_SIZE = 200


@dataclass(frozen=True)
class Evaluation:
    """Hold the bounds of a model on one split; nats an example, larger ELBO is better, smaller NLL is better.

    What a model does not have is None: rate, bound and NLL of a point posterior; the NLL where the likelihood is no
    density on this data (grey pixels under a Bernoulli); bits where x is not discrete. `…_se` are standard errors of
    the mean over examples.
    """

    num_examples: int
    num_samples: int
    elbo_nats: float | None
    elbo_nats_se: float | None
    rate_nats: float | None
    rate_nats_se: float | None
    distortion_nats: float
    distortion_nats_se: float
    nll_nats: float | None
    nll_nats_se: float | None
    bits_per_dim: float | None
    active_units: int | None
    latent_dim: int
    rate_per_layer_nats: tuple[float, ...] | None
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers by name, as JSON holds them."""
        return asdict(self)


@dataclass(frozen=True)
class Bounds:
    """Hold the terms of the bound for each example; float64 nats, on the CPU.

    Arguments:
        rate_per_layer: `(N, L)`, each stochastic layer's rate, lowest first; None for a model without a rate.
        distortion: `(N,)`, −E_q log p(x | z) over the K draws.
        nll: `(N,)`, −log 1/K Σ_k w_k; None for a model without a rate.
        mean: `(N, D)` float32, the codes at the posteriors' means.
    """

    rate_per_layer: Tensor | None
    distortion: Tensor
    nll: Tensor | None
    mean: Tensor

    @property
    def rate(self) -> Tensor | None:
        """KL(q(z|x) ‖ p(z)), `(N,)`."""
        return None if self.rate_per_layer is None else self.rate_per_layer.sum(1)

    @property
    def elbo(self) -> Tensor | None:
        """−(rate + distortion), `(N,)`."""
        return None if self.rate is None else -(self.rate + self.distortion)


def evaluate(model: VAE, data: DeviceData, *, num_samples: int = 64, seed: int = 0) -> Evaluation:
    """Estimate the terms of the bound and the importance-weighted NLL, −log 1/K Σ_k w_k.

    The estimate is an upper bound of −log p(x) in expectation, tighter with K (Burda et al. 2016,
    https://arxiv.org/abs/1509.00519). Treatments that draw x (`dynamic`) draw it once, from the seed.

    Arguments:
        model: The model; it is put into evaluation mode.
        data: The examples.
        num_samples: K ≥ 1 draws of z for each example.
        seed: Seed of every draw: the same seed gives the same numbers.

    Raises:
        VaelError: K < 1 or no examples.
    """
    began = time.perf_counter()
    bounds = bounds_of_examples(model, data, num_samples=num_samples, seed=seed)
    return _summarise(model, bounds, num_samples, time.perf_counter() - began)


@torch.inference_mode()
def bounds_of_examples(model: VAE, data: DeviceData, *, num_samples: int = 64, seed: int = 0) -> Bounds:
    """Estimate the terms of the bound for each example, in order; memory does not grow with K.

    Two models that are asked with the same seed see the same x where a treatment draws it.

    Raises:
        VaelError: K < 1 or no examples.
    """
    if num_samples < 1 or len(data) == 0:
        raise VaelError(f"evaluate expects num_samples ≥ 1 and examples, got {num_samples} and {len(data)}")
    model.eval()
    parts = []
    with choose_precision("float32", data.device).multiplying():
        for number, index in enumerate(torch.arange(len(data), device=data.device).split(BATCH_SIZE)):
            with seeded(seed * SEEDS_APART + number):
                parts.append(_bounds_of_batch(model, data.batch(index), num_samples))
    rates, distortions, nlls, means = zip(*parts, strict=True)
    has_rate = rates[0] is not None
    return Bounds(
        torch.cat(rates).cpu() if has_rate else None,
        torch.cat(distortions).cpu(),
        torch.cat(nlls).cpu() if has_rate else None,
        torch.cat(means).cpu(),
    )


def _bounds_of_batch(model: VAE, batch: Batch, num_samples: int) -> tuple[Tensor | None, Tensor, Tensor | None, Tensor]:
    """Return the fields of `Bounds` for one batch, in chunks of K."""
    at_once = max(1, CELLS_AT_ONCE // batch.x.numel())
    sizes = [min(at_once, num_samples - done) for done in range(0, num_samples, at_once)]
    distortion = torch.zeros(len(batch.x), dtype=torch.float64, device=batch.x.device)
    rate, log_sum = None, None
    for size in sizes:
        inference = model.infer(batch, num_samples=size)
        distortion += inference.distortion.double() * (size / num_samples)
        if model.has_density:
            rates = torch.stack([latent.rate for latent in inference.latents], 1).double() * (size / num_samples)
            weights = torch.logsumexp(inference.log_w.double(), 0)
            rate = rates if rate is None else rate + rates
            log_sum = weights if log_sum is None else torch.logaddexp(log_sum, weights)
    mean = torch.cat([latent.z[0] for latent in model.infer_latents(batch, at_mean)], -1)
    return rate, distortion, None if log_sum is None else math.log(num_samples) - log_sum, mean.float()


def _summarise(model: VAE, bounds: Bounds, num_samples: int, seconds: float) -> Evaluation:
    observation = model.observation
    is_density = observation.domain in model.likelihood.densities
    nll = bounds.nll if is_density else None
    has_bits = nll is not None and observation.is_discrete
    is_active = find_active(bounds.mean.double().numpy())
    layers = None if bounds.rate_per_layer is None else tuple(bounds.rate_per_layer.mean(0).tolist())
    return Evaluation(
        len(bounds.distortion),
        num_samples,
        *_mean_and_error(bounds.elbo),
        *_mean_and_error(bounds.rate),
        *_mean_and_error(bounds.distortion),  # pyright: ignore[reportArgumentType] (never None)
        *_mean_and_error(nll),
        bits_per_dim=float(nll.mean()) / observation.num_dims / math.log(2) if has_bits and nll is not None else None,
        active_units=int(is_active.sum()) if model.has_density else None,
        latent_dim=model.latent_dim,
        rate_per_layer_nats=layers,
        seconds=round(seconds, 3),
    )


def _mean_and_error(values: Tensor | None) -> tuple[float | None, float | None]:
    """Return the mean over examples and its standard error s/√N (0 for a single example)."""
    if values is None:
        return None, None
    error = float(values.std()) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return float(values.mean()), error
