"""Posteriors: encoder features → q(z | x). Next: `models`, which compose them with a prior and a likelihood."""

from vael.posteriors.base import Posterior
from vael.posteriors.categorical import Categorical
from vael.posteriors.flows import InverseAutoregressiveFlow, PlanarFlow, SplineFlow
from vael.posteriors.normal import DiagonalNormal, FullNormal
from vael.posteriors.point import Point
from vael.posteriors.vector_quantised import VectorQuantised
from vael.posteriors.von_mises_fisher import VonMisesFisher

__all__ = ["POSTERIORS", "Posterior"]

POSTERIORS: dict[str, type[Posterior]] = {
    "diagonal-normal": DiagonalNormal,
    "full-normal": FullNormal,
    "planar-flow": PlanarFlow,
    "iaf": InverseAutoregressiveFlow,
    "spline-flow": SplineFlow,
    "von-mises-fisher": VonMisesFisher,
    "categorical": Categorical,
    "vector-quantised": VectorQuantised,
    "point": Point,
}
