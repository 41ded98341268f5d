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
from vael.models import VAE
from vael.precision import choose_precision
from vael.random import seeded

__all__ = ["Evaluation", "evaluate"]

CELLS_AT_ONCE = 8_000_000  # numbers of x in one decoder call: 32 MB a tensor
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
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers by name, as JSON holds them."""
        return asdict(self)


@torch.inference_mode()
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
    if num_samples < 1 or len(data) == 0:
        raise VaelError(f"evaluate expects num_samples ≥ 1 and examples, got {num_samples} and {len(data)}")
    began = time.perf_counter()
    model.eval()
    parts = []
    with seeded(seed), choose_precision("float32", data.device).multiplying():
        for batch in data.in_order(BATCH_SIZE):
            parts.append(_bounds_of(model, batch, num_samples))
    columns = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    return _summarise(model, columns, num_samples, time.perf_counter() - began)


def _bounds_of(model: VAE, batch: Any, num_samples: int) -> dict[str, Tensor]:
    """Return distortion, rate, log mean weight `(B,)` and posterior mean `(B, D)` of one batch, in chunks of K."""
    at_once = max(1, CELLS_AT_ONCE // batch.x.numel())
    sizes = [min(at_once, num_samples - done) for done in range(0, num_samples, at_once)]
    distortion, log_sums, first = torch.zeros(len(batch.x), dtype=torch.float64, device=batch.x.device), [], None
    for size in sizes:
        inference = model.infer(batch, num_samples=size)
        first = first or inference
        distortion += inference.distortion.double() * (size / num_samples)
        if model.has_density:
            log_sums.append(torch.logsumexp(inference.log_w.double(), 0))
    assert first is not None
    found = {"distortion": distortion, "mean": first.latents[0].q_z.mean}
    if log_sums:
        found["rate"] = first.rate.double()
        found["nll"] = math.log(num_samples) - torch.logsumexp(torch.stack(log_sums), 0)
    return found


def _summarise(model: VAE, columns: dict[str, Tensor], num_samples: int, seconds: float) -> Evaluation:
    observation = model.observation
    is_density = observation.domain in model.likelihood.densities
    distortion, rate = columns["distortion"], columns.get("rate")
    elbo = None if rate is None else -(rate + distortion)
    nll = columns.get("nll") if is_density else None
    has_bits = nll is not None and observation.is_discrete
    is_active = find_active(columns["mean"].double().cpu().numpy())
    return Evaluation(
        len(distortion),
        num_samples,
        *_mean_and_error(elbo),
        *_mean_and_error(rate),
        *_mean_and_error(distortion),  # pyright: ignore[reportArgumentType] (never None)
        *_mean_and_error(nll),
        bits_per_dim=float(nll.mean()) / observation.num_dims / math.log(2) if has_bits and nll is not None else None,
        active_units=int(is_active.sum()) if model.has_density else None,
        latent_dim=model.latent_dim,
        seconds=round(seconds, 3),
    )


def _mean_and_error(values: Tensor | None) -> tuple[float | None, float | None]:
    """Return the mean over examples and its standard error s/√N (0 for a single example)."""
    if values is None:
        return None, None
    error = float(values.std()) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return float(values.mean()), error
