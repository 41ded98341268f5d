"""A treatment says which random variable the model sees when a file holds pixels, or a table numbers.

The field mixes these up, and their likelihoods do not compare: `grey` MNIST under a Bernoulli is a cross-entropy and no
likelihood at all, `rounded` and `static` images are fixed binary data, `dynamic` ones are drawn afresh at every visit
(Salakhutdinov & Murray 2008), `levels` are the integers of the file, whose bound is a message length. A table's numbers
are `real` on a common scale, or `counts` or `positive` as they stand in the file (`cells.py` checks them).
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from vael.data.base import Dataset
from vael.errors import VaelError, unknown_name
from vael.types import Domain, Observation

__all__ = ["TREATMENTS", "Treatment", "find_treatment", "observe"]


class Treatment(ABC):
    """Turn gathered raw values into the random variable x, on the device, at every visit."""

    domain: Domain
    is_of_tables: ClassVar[bool] = False
    """Whether it takes the numbers of a table; the others take pixels, or columns of 0 and 1."""

    def __init__(self, num_levels: int) -> None:
        """Keep how many levels the raw values have.

        Raises:
            VaelError: The raw values cannot be treated in this way.
        """
        self.num_levels = num_levels
        if self.is_of_tables and num_levels:
            got = "cells that are all 0 or 1" if num_levels == 2 else "pixels"
            raise VaelError(
                f"treatment '{self.name}' expects a table of numbers, got {got}: use {_names(is_of_tables=False)}"
            )
        if not self.is_of_tables and num_levels < 2:
            raise VaelError(f"treatment '{self.name}' expects pixels, got a table: use {_names(is_of_tables=True)}")

    @property
    def name(self) -> str:
        """The name in the table."""
        return next(name for name, kind in TREATMENTS.items() if kind is type(self))

    @abstractmethod
    def __call__(self, raw: Tensor) -> Tensor:
        """Return x, float32 `(B, *shape)`, for raw values `(B, *shape)` in 0 … num_levels − 1."""


class Grey(Treatment):
    """Scale to [0, 1]: x = raw / (num_levels − 1)."""

    domain = "unit"

    def __call__(self, raw: Tensor) -> Tensor:
        return raw.float() / (self.num_levels - 1)


class Rounded(Treatment):
    """Threshold at one half: x = 1 where raw / (num_levels − 1) ≥ ½."""

    domain = "binary"

    def __call__(self, raw: Tensor) -> Tensor:
        return (raw >= self.num_levels // 2).float()


class Dynamic(Treatment):
    """Draw x ~ Bernoulli(raw / (num_levels − 1)) afresh at every visit."""

    domain = "binary"

    def __call__(self, raw: Tensor) -> Tensor:
        threshold = raw.float() / (self.num_levels - 1)
        return (torch.rand_like(threshold) < threshold).float()


class Static(Treatment):
    """Take pixels that are binary in the file as they are."""

    domain = "binary"

    def __init__(self, num_levels: int) -> None:
        super().__init__(num_levels)
        if num_levels != 2:
            raise VaelError(
                f"treatment 'static' expects pixels that are 0 or 1, got {num_levels} levels: "
                "use 'rounded', 'dynamic' or 'grey'"
            )

    def __call__(self, raw: Tensor) -> Tensor:
        return raw.float()


class Levels(Treatment):
    """Keep the integers 0 … num_levels − 1."""

    domain = "levels"

    def __call__(self, raw: Tensor) -> Tensor:
        return raw.float()


class Real(Treatment):
    """Take the standardised numbers of a table as they are."""

    domain = "real"
    is_of_tables = True

    def __call__(self, raw: Tensor) -> Tensor:
        return raw.float()


class Counts(Treatment):
    """Take the whole numbers 0, 1, 2, … of a table as they are, not standardised."""

    domain = "counts"
    is_of_tables = True

    def __call__(self, raw: Tensor) -> Tensor:
        return raw.float()


class Positive(Treatment):
    """Take the numbers > 0 of a table as they are, not standardised."""

    domain = "positive"
    is_of_tables = True

    def __call__(self, raw: Tensor) -> Tensor:
        return raw.float()


TREATMENTS: dict[str, type[Treatment]] = {
    "grey": Grey,
    "rounded": Rounded,
    "dynamic": Dynamic,
    "static": Static,
    "levels": Levels,
    "real": Real,
    "counts": Counts,
    "positive": Positive,
}


def _names(*, is_of_tables: bool) -> str:
    """Return the treatments of tables, or of pixels, as an error names them."""
    *others, last = (f"'{name}'" for name, kind in TREATMENTS.items() if kind.is_of_tables == is_of_tables)
    return f"{', '.join(others)} or {last}"


def find_treatment(name: str, num_levels: int) -> Treatment:
    """Build a treatment by name; `auto` takes `real` for tables, `static` for binary images, else `grey`.

    Raises:
        VaelError: An unknown name, or raw values that the treatment does not fit.

    >>> find_treatment("auto", 256)(torch.tensor([0, 255], dtype=torch.uint8))
    tensor([0., 1.])
    """
    if name == "auto":
        name = {0: "real", 2: "static"}.get(num_levels, "grey")
    if name not in TREATMENTS:
        raise unknown_name("treatment", name, ["auto", *TREATMENTS])
    return TREATMENTS[name](num_levels)


def observe(dataset: Dataset, treatment: Treatment) -> Observation:
    """State what one observation of a data set is under a treatment."""
    num_levels = {"binary": 2, "levels": dataset.num_levels}.get(treatment.domain, 0)
    return Observation(dataset.shape, treatment.domain, num_levels, dataset.columns, dataset.classes)
