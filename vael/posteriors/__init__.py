"""Posteriors: encoder features → q(z | x). Next: `models`, which compose them with a prior and a likelihood."""

from vael.posteriors.base import Posterior
from vael.posteriors.normal import DiagonalNormal, FullNormal
from vael.posteriors.point import Point

__all__ = ["POSTERIORS", "Posterior"]

POSTERIORS: dict[str, type[Posterior]] = {
    "diagonal-normal": DiagonalNormal,
    "full-normal": FullNormal,
    "point": Point,
}
