"""A corruption spoils what the encoder sees of x, afresh at every visit; p(x | z) is still asked for the whole x.

So trained, a model infers the clean x from a spoilt one: "Extracting and composing robust features with denoising
autoencoders", Vincent et al. 2008, https://doi.org/10.1145/1390156.1390294; for VAEs "Denoising criterion for
variational auto-encoding framework", Im et al. 2017, https://arxiv.org/abs/1511.06406. It serves every objective.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from vael.errors import VaelError
from vael.types import DOMAINS, Domain, Observation

__all__ = ["CORRUPTIONS", "Corruption", "Gaussian", "Greyscale", "Masking", "SaltAndPepper", "find_luma"]

PIXELS: tuple[Domain, ...] = ("binary", "unit", "levels")
LUMA = (0.299, 0.587, 0.114)  # of red, green and blue: ITU-R BT.601, as Pillow turns colours into greys


@dataclass(frozen=True)
class Corruption(ABC):
    """Spoil x; the members are frozen dataclasses of their options."""

    domains: ClassVar[tuple[Domain, ...]]
    """The domains of x that the member can spoil."""

    is_of_colours: ClassVar[bool] = False
    """Whether the member spoils images of three channels alone."""

    @classmethod
    def suits(cls, observation: Observation) -> bool:
        """Whether such an x can be spoilt in this way."""
        return observation.domain in cls.domains and (not cls.is_of_colours or _has_colours(observation))

    def check(self, observation: Observation, where: str = "training.corruption") -> None:
        """Refuse an x that cannot be spoilt in this way.

        Raises:
            VaelError: Another domain, or no colours where there must be some.
        """
        if not self.suits(observation):
            fitting = ", ".join(name for name, kind in CORRUPTIONS.items() if kind.suits(observation))
            what = f"{observation.domain} numbers" if observation.domain not in self.domains else "what has no colours"
            raise VaelError(f"{where} '{self.name}' cannot spoil {what}: use {fitting or 'none at all'}")

    @property
    def name(self) -> str:
        """The name in the table."""
        return next(name for name, kind in CORRUPTIONS.items() if kind is type(self))

    @abstractmethod
    def __call__(self, x: Tensor, scale: float = 1.0) -> Tensor:
        """Return a spoilt copy of x `(B, *shape)`; `scale` is the largest value of pixels, 1 elsewhere."""


@dataclass(frozen=True)
class Gaussian(Corruption):
    """Add normal noise.

    Arguments:
        sigma: Its standard deviation ≥ 0: in shares of the way from black to white, or in a column's own.
        clip: Whether pixels are cut to black and white afterwards, as those of a file would be.
    """

    domains = (*PIXELS, "real")
    sigma: float = 0.5
    clip: bool = False

    def __post_init__(self) -> None:
        """Refuse a negative noise."""
        if self.sigma < 0:
            raise VaelError(f"gaussian noise expects sigma ≥ 0, got {self.sigma}")

    def __call__(self, x: Tensor, scale: float = 1.0) -> Tensor:
        noisy = x + self.sigma * scale * torch.randn_like(x)
        return noisy.clamp(0, scale) if self.clip else noisy


@dataclass(frozen=True)
class SaltAndPepper(Corruption):
    """Make some pixels black or white, each colour of its own.

    Arguments:
        share: How many, 0 to 1; half of them black.
    """

    domains = PIXELS
    share: float = 0.3

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        _check_share("salt and pepper", self.share)

    def __call__(self, x: Tensor, scale: float = 1.0) -> Tensor:
        u = torch.rand_like(x)
        return torch.where(u < self.share / 2, 0.0, torch.where(u < self.share, scale, x))


@dataclass(frozen=True)
class Masking(Corruption):
    """Set some numbers to 0: black, or the mean of a column.

    Arguments:
        share: How many, 0 to 1.
    """

    domains = tuple(domain for domain in DOMAINS if domain != "positive")
    share: float = 0.3

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        _check_share("masking", self.share)

    def __call__(self, x: Tensor, scale: float = 1.0) -> Tensor:
        return torch.where(torch.rand_like(x) < self.share, 0.0, x)


@dataclass(frozen=True)
class Greyscale(Corruption):
    """Take the colours away: the luma in all three channels, without chance."""

    domains = PIXELS
    is_of_colours = True

    def __call__(self, x: Tensor, scale: float = 1.0) -> Tensor:
        return find_luma(x).expand_as(x)


def find_luma(x: Tensor) -> Tensor:
    """Return the luma 0.299 R + 0.587 G + 0.114 B of images `(…, 3, H, W)`: `(…, 1, H, W)`, on their scale.

    >>> find_luma(torch.tensor([1.0, 0.0, 0.0]).reshape(3, 1, 1)).flatten()
    tensor([0.2990])
    """
    return (x * x.new_tensor(LUMA).reshape(3, 1, 1)).sum(-3, keepdim=True)


def _has_colours(observation: Observation) -> bool:
    return observation.is_image and observation.shape[0] == 3


def _check_share(what: str, share: float) -> None:
    if not 0 <= share <= 1:
        raise VaelError(f"{what} expects a share from 0 to 1, got {share}")


CORRUPTIONS: dict[str, type[Corruption]] = {
    "gaussian": Gaussian,
    "salt-and-pepper": SaltAndPepper,
    "masking": Masking,
    "greyscale": Greyscale,
}
