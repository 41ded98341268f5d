"""A treatment says which random variable the model sees when a file holds pixels.

The field mixes these up, and their likelihoods do not compare: `grey` MNIST under a Bernoulli is a cross-entropy and no
likelihood at all, `rounded` and `static` images are fixed binary data, `dynamic` ones are drawn afresh at every visit
(Salakhutdinov & Murray 2008), `levels` are the integers of the file, whose bound is a message length.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from vael.data.base import Dataset
from vael.errors import VaelError, unknown_name
from vael.types import Domain, Observation

__all__ = ["TREATMENTS", "Treatment", "find_treatment", "observe"]


class Treatment(ABC):
    """Turn gathered raw values into the random variable x, on the device, at every visit."""

    domain: Domain

    def __init__(self, num_levels: int) -> None:
        """Keep how many levels the raw values have.

        Raises:
            VaelError: The raw values cannot be treated in this way.
        """
        self.num_levels = num_levels
        if num_levels < 2:
            raise VaelError(f"treatment '{self.name}' expects pixels, got a table: use treatment = 'real'")

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

    def __init__(self, num_levels: int) -> None:
        self.num_levels = num_levels
        if num_levels:
            raise VaelError(
                "treatment 'real' expects a table, got pixels: use 'grey', 'rounded', 'dynamic' or 'levels'"
            )

    def __call__(self, raw: Tensor) -> Tensor:
        return raw.float()


TREATMENTS: dict[str, type[Treatment]] = {
    "grey": Grey,
    "rounded": Rounded,
    "dynamic": Dynamic,
    "static": Static,
    "levels": Levels,
    "real": Real,
}


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
