"""Where a model keeps what it knows: the rate of each stochastic layer and of each latent dimension."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vael.data.batches import DeviceData
from vael.errors import VaelError
from vael.evaluation.activity import find_active
from vael.evaluation.examples import BATCH_SIZE, choose_examples, encode_means, mean_and_error, measuring
from vael.models import VAE, drawing

__all__ = ["Layers", "measure_layers"]


@dataclass(frozen=True)
class Layers:
    """Hold the rates of the layers, lowest (nearest to x) first; nats an example.

    Arguments:
        num_examples: N.
        latent_dims: D_i of each layer.
        rate_nats: KL of each layer, given the layers that it depends on.
        rate_nats_se: Their standard errors.
        rate_per_dim_nats: The part of each dimension, a tuple a layer; None where its dimensions do not factorise.
        active_units: How many dimensions of each layer have a posterior mean that varies by more than 0.01.
    """

    num_examples: int
    latent_dims: tuple[int, ...]
    rate_nats: tuple[float, ...]
    rate_nats_se: tuple[float, ...]
    rate_per_dim_nats: tuple[tuple[float, ...] | None, ...]
    active_units: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers by name, as JSON holds them."""
        return asdict(self)


@torch.inference_mode()
def measure_layers(
    model: VAE, data: DeviceData, *, num_examples: int | None = 5000, num_samples: int = 8, seed: int = 0
) -> Layers:
    """Measure the rate of each layer and dimension.

    Arguments:
        model: The model; it is put into evaluation mode.
        data: The examples.
        num_examples: N, how many to draw of them; None takes all.
        num_samples: K draws of z for rates without a closed form.
        seed: Seed of every draw.

    Raises:
        VaelError: K < 1, no examples, or a posterior without a density.
    """
    if num_samples < 1 or not model.has_density:
        raise VaelError(f"rates expect num_samples ≥ 1 and a posterior with a density, got {num_samples} samples")
    chosen, rates = choose_examples(data, num_examples, seed), []
    per_dim: list[list[NDArray] | None] = [[] for _ in model.latent_dims]
    with measuring(model, seed):
        for batch in chosen.in_order(BATCH_SIZE):
            latents = model.infer_latents(batch, drawing(num_samples))
            rates.append(torch.stack([latent.rate for latent in latents]).double())
            for layer, latent in enumerate(latents):
                _keep(per_dim, layer, latent.rate_per_dim)
    found = [mean_and_error(column) for column in torch.cat(rates, 1).cpu().numpy()]
    means = np.split(encode_means(model, chosen, seed=seed), np.cumsum(model.latent_dims)[:-1], axis=1)
    return Layers(
        len(chosen),
        model.latent_dims,
        tuple(mean for mean, _ in found),
        tuple(error for _, error in found),
        tuple(None if part is None else tuple(np.concatenate(part).mean(0).tolist()) for part in per_dim),
        tuple(int(find_active(mean).sum()) for mean in means),
    )


def _keep(per_dim: list[list[NDArray] | None], layer: int, rates: torch.Tensor | None) -> None:
    """Append the rates of a layer's dimensions, `(B, D_i)`; one batch without them leaves the layer without."""
    kept = per_dim[layer]
    if rates is None or kept is None:
        per_dim[layer] = None
    else:
        kept.append(rates.double().cpu().numpy())
