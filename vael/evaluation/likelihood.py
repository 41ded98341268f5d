"""Likelihood bounds of a trained model on a split, streamed so that memory does not grow with K."""

import math
import time
from dataclasses import asdict, dataclass
from typing import Any, Unpack

from vael.data.batches import DeviceData
from vael.evaluation.activity import find_active
from vael.evaluation.bounds import BoundOptions, ExampleBounds, bound_examples
from vael.evaluation.examples import mean_and_error
from vael.models import VAE

__all__ = ["Evaluation", "evaluate"]


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


def evaluate(model: VAE, data: DeviceData, **options: Unpack[BoundOptions]) -> Evaluation:
    """Estimate the terms of the bound and the importance-weighted NLL, −log 1/K Σ_k w_k.

    The estimate is an upper bound of −log p(x) in expectation, tighter with K (Burda et al. 2016,
    https://arxiv.org/abs/1509.00519). Treatments that draw x (`dynamic`) draw it once, from the seed.

    Arguments:
        model: The model; it is put into evaluation mode.
        data: The examples.
        num_samples: K ≥ 1 draws of z for each example, 64 by default.
        seed: Seed of every draw: the same seed gives the same numbers.
        precision: What products run in, as in `training.precision`. The bounds are those of the model whose products
            are so rounded: bfloat16 is right for it too, and convolutions that have it natively are twice as fast.
        compile: Whether the chunks of draws are one compiled graph: on, off, or `auto`: where K times the examples is
            some millions and the networks are dense; half the time on two cores.
        on_batch: Hears how many examples are done.

    Raises:
        VaelError: K < 1, no examples, or an unknown precision.
    """
    began = time.perf_counter()
    bounds = bound_examples(model, data, **options)
    return _summarise(model, bounds, time.perf_counter() - began)


def _summarise(model: VAE, bounds: ExampleBounds, seconds: float) -> Evaluation:
    observation, has_rate = model.observation, model.has_density
    is_density = has_rate and observation.domain in model.likelihood.densities
    nothing = None, None
    nll, nll_se = mean_and_error(bounds.nll_nats) if is_density else nothing
    has_bits = nll is not None and observation.is_discrete
    return Evaluation(
        len(bounds),
        bounds.num_samples,
        *(mean_and_error(bounds.elbo_nats) if has_rate else nothing),
        *(mean_and_error(bounds.rate_nats) if has_rate else nothing),
        *mean_and_error(bounds.distortion_nats),
        nll,
        nll_se,
        bits_per_dim=nll / observation.num_dims / math.log(2) if has_bits and nll is not None else None,
        active_units=int(find_active(bounds.codes).sum()) if has_rate else None,
        latent_dim=model.latent_dim,
        rate_per_layer_nats=tuple(bounds.rate_per_layer_nats.mean(0).tolist()) if has_rate else None,
        seconds=round(seconds, 3),
    )
