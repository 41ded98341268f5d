"""Batches from memory: raw values lie once in one tensor, a batch is a gather, conversion happens on the device."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from vael.data.base import Split
from vael.data.treatments import Treatment
from vael.types import Batch

__all__ = ["DeviceData"]


@dataclass(frozen=True)
class DeviceData:
    """Hold one split where it is needed and give batches of it.

    Arguments:
        raw: `(N, *shape)` uint8 or float32, on the device (or memory-mapped on the CPU).
        treatment: What turns raw values into x.
    """

    raw: Tensor
    treatment: Treatment

    @classmethod
    def of(cls, split: Split, treatment: Treatment, device: torch.device) -> "DeviceData":
        """Move a split to a device; a memory-mapped array stays a memory map on the CPU."""
        return cls(torch.from_numpy(split.x).to(device), treatment)

    def __len__(self) -> int:
        return len(self.raw)

    @property
    def device(self) -> torch.device:
        """Where the values lie."""
        return self.raw.device

    def batch(self, index: Tensor) -> Batch:
        """Gather and treat the examples at `index` `(B,)` int64."""
        rows = self.raw.flatten(1).index_select(0, index)  # one long row an example: gathered in one vectorised pass
        return Batch(self.treatment(rows).unflatten(1, self.raw.shape[1:]))

    def in_order(self, batch_size: int) -> Iterator[Batch]:
        """Yield every example once, in order."""
        for index in torch.arange(len(self), device=self.device).split(batch_size):
            yield self.batch(index)
