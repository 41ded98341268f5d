"""Say which cells are missing: a part of an image, some cells by chance, or a mask of one's own."""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vael.errors import VaelError, unknown_name
from vael.random import seeded
from vael.types import Batch

__all__ = ["REGIONS", "hide"]

REGIONS = ("centre", "left", "right", "top", "bottom")


def hide(batch: Batch, what: str | float | NDArray[np.bool_], *, seed: int = 0) -> Batch:
    """Return the batch with fewer cells observed; x itself keeps its values.

    Arguments:
        batch: What is missing already stays so.
        what: Of images `centre`, a quarter of the area, or the half at the `left`, `right`, `top` or `bottom`; or a
            share from 0 to 1, drawn by chance, of all pixels (their channels together) or cells; or True where to hide,
            of a shape that broadcasts to `(B, *shape)`.
        seed: Seed of what is drawn.

    Raises:
        VaelError: An unknown region, a region of a table, no share, or a mask of another shape.
    """
    x = batch.x
    if isinstance(what, str):
        hidden = _region(what, x)
    elif isinstance(what, np.ndarray):
        hidden = _mask(what, x)
    else:
        if not 0 <= what <= 1:
            raise VaelError(f"hide expects a share from 0 to 1, got {what}")
        with seeded(seed):
            hidden = torch.rand((len(x), 1, *x.shape[2:]) if x.dim() == 4 else x.shape).to(x.device) < what
    there = ~hidden.expand(x.shape)
    return replace(batch, observed=there if batch.observed is None else there & batch.observed)


def _region(name: str, x: Tensor) -> Tensor:
    """Return where a named part of images lies, `(H, W)`."""
    if name not in REGIONS:
        raise unknown_name("region to hide", name, REGIONS)
    if x.dim() != 4:
        raise VaelError(f"the rows of a table have no region '{name}': hide a share of their cells, as 0.3")
    height, width = x.shape[-2:]
    hidden = torch.zeros((height, width), dtype=torch.bool, device=x.device)
    parts = {
        "centre": (slice(height // 4, height - height // 4), slice(width // 4, width - width // 4)),
        "left": (slice(None), slice(width // 2)),
        "right": (slice(None), slice(width // 2, None)),
        "top": (slice(height // 2), slice(None)),
        "bottom": (slice(height // 2, None), slice(None)),
    }
    hidden[parts[name]] = True
    return hidden


def _mask(mask: NDArray[np.bool_], x: Tensor) -> Tensor:
    """Return a mask as a tensor that broadcasts to `(B, *shape)`."""
    if mask.dtype != np.bool_:
        raise VaelError(f"a mask of what to hide expects truths, got numbers of type {mask.dtype}")
    try:
        return torch.from_numpy(np.broadcast_to(mask, tuple(x.shape)).copy()).to(x.device)
    except ValueError:
        raise VaelError(f"a mask of what to hide expects the shape {tuple(x.shape)}, got {mask.shape}") from None
