"""Score every example: how well the model explains it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from vael.data.batches import DeviceData
from vael.models import VAE
from vael.random import seeded
from vael.tasks.decode import CELLS_AT_ONCE
from vael.tasks.terms import as_arrays, score_of, terms_at_mean

__all__ = ["Scores", "score"]

BATCH_SIZE = 1000


@dataclass(frozen=True)
class Scores:
    """Hold how well a model explains each example; nats, smaller is better.

    Arguments:
        rate_nats: `(N,)` float32, KL(q(z|x) ‖ p(z)); NaN for a model without a rate.
        distortion_nats: `(N,)` float32, −log p(x | z) at the mean of q(z | x).
    """

    rate_nats: NDArray[np.float32]
    distortion_nats: NDArray[np.float32]

    @cached_property
    def score_nats(self) -> NDArray[np.float32]:
        """Rate + distortion, `(N,)`; the distortion alone for a model without a rate."""
        return score_of(self.rate_nats, self.distortion_nats)

    def percentile(self, score: float) -> float:
        """Return the share of the examples, 0 to 100, whose score is smaller.

        >>> Scores(np.zeros(4, np.float32), np.arange(4, dtype=np.float32)).percentile(2.0)
        50.0
        """
        return 100 * float(np.mean(self.score_nats < score))


@torch.inference_mode()
def score(model: VAE, data: DeviceData, *, seed: int = 0) -> Scores:
    """Score every example, in order.

    The distortion is taken at the posterior's mean, not at a draw, so that an example's score does not change from
    call to call. It lies below the negative ELBO where the decoder punishes the posterior's width.

    Arguments:
        model: The model; it is put into evaluation mode.
        data: The examples.
        seed: Seed of treatments that draw x, and of rates without a closed form.
    """
    model.eval()
    batch_size = min(BATCH_SIZE, max(1, CELLS_AT_ONCE // model.observation.num_dims))
    parts = []
    with seeded(seed):
        for batch in data.in_order(batch_size):
            terms = terms_at_mean(model, batch)
            parts.append((terms.encoding.rate, terms.distortion))
    return Scores(*as_arrays(*(torch.cat(part) for part in zip(*parts, strict=True))))
