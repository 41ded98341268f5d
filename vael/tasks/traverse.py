"""Move along one latent dimension after the other and decode."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from vael.errors import VaelError
from vael.models import VAE
from vael.tasks.condition import condition
from vael.tasks.decode import decode_means

__all__ = ["Traversal", "traverse"]


@dataclass(frozen=True)
class Traversal:
    """Hold a walk along each chosen dimension.

    Arguments:
        x: `(R, S, *shape)` float32, the mean of p(x | z): one row a dimension.
        values: `(S,)` float32, what the row's dimension is set to.
        dims: The R dimensions, counted from 0.
    """

    x: NDArray[np.float32]
    values: NDArray[np.float32]
    dims: tuple[int, ...]


@torch.inference_mode()
def traverse(
    model: VAE,
    start: NDArray[np.float32] | None = None,
    *,
    dims: Sequence[int] | None = None,
    limit: float = 2.5,
    num_steps: int = 11,
    label: int | None = None,
) -> Traversal:
    """Set one dimension of z to −limit … limit, keep the others, decode.

    Arguments:
        model: The model; it is put into evaluation mode.
        start: `(D,)`, where the other dimensions stay; the prior's mean 0 if None.
        dims: The dimensions, one row each; all of them if None.
        limit: How far to go, in standard deviations of the standard normal prior, > 0.
        num_steps: S ≥ 2 points a row.
        label: The label of a conditional model; None takes its first.

    Raises:
        VaelError: No such dimension or label, fewer than two steps, a limit ≤ 0, or a start of another length.
    """
    count = model.latent_dim
    chosen = tuple(range(count) if dims is None else dims)
    if not chosen or not all(0 <= dim < count for dim in chosen):
        raise VaelError(f"a traversal expects dimensions of 0 … {count - 1}, got {list(chosen)}")
    if num_steps < 2 or limit <= 0:
        raise VaelError(f"a traversal expects num_steps ≥ 2 and limit > 0, got {num_steps} and {limit:g}")
    if start is not None and start.shape != (count,):
        raise VaelError(f"a traversal starts from a latent of shape ({count},), got {start.shape}")
    model.eval()
    base = torch.zeros(count) if start is None else torch.as_tensor(start, dtype=torch.float32)
    values = torch.linspace(-limit, limit, num_steps)
    z = base.expand(len(chosen), num_steps, count).clone()
    for row, dim in enumerate(chosen):
        z[row, :, dim] = values
    return Traversal(decode_means(model, z, condition(model, label)), values.numpy(), chosen)
