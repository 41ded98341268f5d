"""The words that every room shares: axis letters, what an observation is, what a model sees.

Axis letters: `K` samples, `B` batch, `D` latent, `C H W` image, `F` table columns; sample axes lead.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:  # the recipe and the command line's help import this module: no torch at run time
    from torch import Tensor

__all__ = ["DOMAINS", "PRECISIONS", "Batch", "Domain", "Observation", "PrecisionName", "Support"]

Domain = Literal["binary", "unit", "levels", "real", "counts", "positive"]
"""Where the numbers of x live: {0, 1}; [0, 1]; the integers 0 … num_levels − 1; the real line; 0, 1, 2, …; x > 0."""

Support = Literal["real", "sphere", "one-hot"]
"""Where a latent lives: ℝ^D; the unit sphere in ℝ^D; several one-hot vectors side by side."""

PrecisionName = Literal["auto", "float32", "bfloat16"]
"""What products run in: bfloat16 under autocast, or, by `auto`, where the chip computes it natively."""

DOMAINS: tuple[Domain, ...] = get_args(Domain)
PRECISIONS: tuple[PrecisionName, ...] = get_args(PrecisionName)


@dataclass(frozen=True)
class Observation:
    """State what one observation x is: its shape, the domain of its numbers, its columns.

    Arguments:
        shape: `(C, H, W)` for an image, `(F,)` for a row of a table.
        domain: Where the numbers live; likelihoods state which of them they accept.
        num_levels: How many integers the `levels` domain holds (256 for 8-bit pixels); 2 for `binary`; 0 elsewhere.
        columns: The names of a table's columns; empty for images.
        classes: The names of the labels that x comes with; empty where there are none.
    """

    shape: tuple[int, ...]
    domain: Domain
    num_levels: int = 0
    columns: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()

    @property
    def num_dims(self) -> int:
        """How many numbers one observation holds: C·H·W or F."""
        return math.prod(self.shape)

    @property
    def is_image(self) -> bool:
        """Whether x is an image `(C, H, W)`."""
        return len(self.shape) == 3

    @property
    def is_discrete(self) -> bool:
        """Whether x takes countably many values, so that −log p(x) is a message length."""
        return self.domain in ("binary", "levels", "counts")

    @property
    def scale(self) -> float:
        """What to divide x by before a network sees it, so that pixels lie in [0, 1]."""
        return float(self.num_levels - 1) if self.domain == "levels" else 1.0

    def as_input(self, x: "Tensor") -> "Tensor":
        """Return x `(B, *shape)` as a network takes it best.

        Levels are scaled to [0, 1]; counts come as log(1 + x) and positive numbers as log x, since their sizes span
        decades; everything else comes as it is.
        """
        if self.domain == "counts":
            return x.log1p()
        if self.domain == "positive":
            return x.log()
        return x / self.scale if self.scale != 1 else x


@dataclass(frozen=True)
class Batch:
    """What a model sees: the observation, an optional condition, an optional mask of the cells that are there.

    Arguments:
        x: `(B, *shape)` float, in the domain that the observation states.
        context: `(B, Y)` float, the condition (a label as a one-hot row), or None.
        observed: `(B, *shape)` bool, True where a cell is there, or None for all.
        seen: `(B, *shape)` float, what the encoder sees in the place of x (a spoilt copy), or None for x itself.
    """

    x: "Tensor"
    context: "Tensor | None" = None
    observed: "Tensor | None" = None
    seen: "Tensor | None" = None

    @property
    def input(self) -> "Tensor":
        """What the encoder sees."""
        return self.x if self.seen is None else self.seen

    def rows(self, index: "slice | Tensor") -> "Batch":
        """Return some of its examples."""
        parts = (self.x, self.context, self.observed, self.seen)
        return Batch(*(part if part is None else part[index] for part in parts))  # pyright: ignore[reportArgumentType]
