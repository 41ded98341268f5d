"""Batches from memory: raw values lie once in one tensor, a batch is a gather, conversion happens on the device."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from vael.data.base import Split
from vael.data.corruptions import Corruption
from vael.data.treatments import Treatment
from vael.random import seeded
from vael.types import Batch

__all__ = ["DeviceData"]


@dataclass(frozen=True)
class DeviceData:
    """Hold one split where it is needed and give batches of it.

    Arguments:
        raw: `(N, *shape)` uint8 or float32, on the device (or memory-mapped on the CPU).
        treatment: What turns raw values into x.
        labels: `(N,)` int64, what the model is conditioned on, or None.
        num_classes: Y, how many labels there are.
        corruption: What spoils x for the encoder, or None.
        scale: The largest value of pixels in x, 1 elsewhere; what a corruption asks for.
    """

    raw: Tensor
    treatment: Treatment
    labels: Tensor | None = None
    num_classes: int = 0
    corruption: Corruption | None = None
    scale: float = 1.0

    @classmethod
    def of(cls, split: Split, treatment: Treatment, device: torch.device, *, num_classes: int = 0) -> "DeviceData":
        """Move a split to a device; a memory-mapped array stays a memory map on the CPU.

        Arguments:
            split: The examples.
            treatment: What turns raw values into x.
            device: Where to.
            num_classes: Y, where a model is conditioned on the split's labels; 0 leaves them out.
        """
        labels = torch.from_numpy(split.labels).to(device) if num_classes and split.labels is not None else None
        return cls(torch.from_numpy(split.x).to(device), treatment, labels, num_classes)

    def __len__(self) -> int:
        return len(self.raw)

    @property
    def device(self) -> torch.device:
        """Where the values lie."""
        return self.raw.device

    def batch(self, index: Tensor) -> Batch:
        """Gather and treat the examples at `index` `(B,)` int64."""
        rows = self.raw.flatten(1).index_select(0, index)  # one long row an example: gathered in one vectorised pass
        x = self.treatment(rows).unflatten(1, self.raw.shape[1:])
        context = None if self.labels is None else self._context(self.labels.index_select(0, index))
        seen = None if self.corruption is None else self.corruption(x, self.scale)
        return Batch(x, context, seen=seen)

    def chosen(self, index: ArrayLike) -> Batch:
        """Return the examples with numbers `(B,)`, the same at each call also where a treatment draws x."""
        with seeded(0):
            return self.batch(torch.as_tensor(np.asarray(index, np.int64), device=self.device))

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors that a batch is gathered from, by field."""
        return {"raw": self.raw} if self.labels is None else {"raw": self.raw, "labels": self.labels}

    def _context(self, labels: Tensor) -> Tensor:
        """Return labels as one-hot rows, `(B, Y)` float."""
        return (labels.unsqueeze(-1) == torch.arange(self.num_classes, device=labels.device)).float()

    def in_order(self, batch_size: int) -> Iterator[Batch]:
        """Yield every example once, in order."""
        for index in torch.arange(len(self), device=self.device).split(batch_size):
            yield self.batch(index)
