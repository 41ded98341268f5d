"""Priors: () → p(z). Next: `posteriors`, which must fit the prior's support."""

from vael.priors.base import Prior
from vael.priors.standard_normal import StandardNormal

__all__ = ["PRIORS", "Prior"]

PRIORS: dict[str, type[Prior]] = {"standard-normal": StandardNormal}
