"""What every measure shares: which examples it looks at, from which seed, and how sure a mean over them is."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from vael.data.batches import DeviceData
from vael.errors import VaelError
from vael.models import VAE, at_mean
from vael.precision import choose_precision
from vael.random import seeded
from vael.types import PrecisionName

__all__ = [
    "BATCH_SIZE",
    "CELLS_AT_ONCE",
    "Labelled",
    "choose_examples",
    "choose_numbers",
    "encode_means",
    "mean_and_error",
    "measuring",
]

BATCH_SIZE = 200
CELLS_AT_ONCE = 2_000_000  # numbers in one tensor: 8 MB in float32; four times as many are slower (docs/log.md)


@dataclass(frozen=True)
class Labelled:
    """Hold examples with what is known of them.

    Arguments:
        data: N examples.
        labels: `(N,)` int64, the number of each example's class.
    """

    data: DeviceData
    labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        if len(self.data) != len(self.labels):
            raise VaelError(f"labels expect one for each of {len(self.data)} examples, got {len(self.labels)}")


@contextmanager
def measuring(model: VAE, seed: int, precision: PrecisionName = "float32") -> Iterator[None]:
    """Run a block with the model in evaluation mode, from a seed, in products of one precision."""
    model.eval()
    chosen = choose_precision(precision, model.device)
    with seeded(seed), chosen.multiplying(), chosen.autocasting(model.device):
        yield


def choose_numbers(count: int, num_examples: int | None, seed: int) -> NDArray[np.int64]:
    """Draw `num_examples` of `count` numbers without replacement, in rising order; all of them for None or too many.

    >>> choose_numbers(5, None, 0).tolist()
    [0, 1, 2, 3, 4]
    """
    if num_examples is None or num_examples >= count:
        return np.arange(count)
    return np.sort(np.random.Generator(np.random.PCG64(seed)).permutation(count)[:num_examples])


def choose_examples(data: DeviceData, num_examples: int | None, seed: int) -> DeviceData:
    """Draw examples without replacement, see `choose_numbers`.

    Raises:
        VaelError: There are none.
    """
    if len(data) == 0 or (num_examples is not None and num_examples < 1):
        raise VaelError(f"a measure expects examples, got {num_examples} of {len(data)}")
    if num_examples is None or num_examples >= len(data):
        return data
    index = torch.from_numpy(choose_numbers(len(data), num_examples, seed)).to(data.device)
    labels = None if data.labels is None else data.labels[index]
    return replace(data, raw=data.raw[index], labels=labels)


@torch.inference_mode()
def encode_means(model: VAE, data: DeviceData, *, seed: int = 0) -> NDArray[np.float64]:
    """Return the code of every example at the posterior's mean, all layers side by side, `(N, D)`."""
    parts = []
    with measuring(model, seed):
        for batch in data.in_order(BATCH_SIZE):
            latents = model.infer_latents(batch, at_mean)
            parts.append(torch.cat([latent.z[0] for latent in latents], -1))
    return torch.cat(parts).double().cpu().numpy()


def mean_and_error(values: ArrayLike) -> tuple[float, float]:
    """Return the mean of `(N,)` values and its standard error s/√N (0 for a single value).

    >>> mean_and_error([1.0, 3.0])
    (2.0, 1.0)
    """
    numbers = np.asarray(values, np.float64)
    error = float(numbers.std(ddof=1)) / math.sqrt(len(numbers)) if len(numbers) > 1 else 0.0
    return float(numbers.mean()), error
