"""Priors: () → p(z), or y → p(z | y). Next: `posteriors`, which must fit the prior's support.

All are trained with the model; `fitting` fits some of them afterwards to the codes of a model that stays as it is.
"""

from vael.priors.base import Prior
from vael.priors.categorical import AutoregressiveCategorical, UniformCategorical
from vael.priors.conditional_normal import ConditionalNormal
from vael.priors.flow import Flow
from vael.priors.gaussian_mixture import GaussianMixture
from vael.priors.second_stage import SecondStage
from vael.priors.standard_normal import StandardNormal
from vael.priors.uniform_sphere import UniformSphere
from vael.priors.vamp import Vamp

__all__ = ["PRIORS", "Prior"]

PRIORS: dict[str, type[Prior]] = {
    "standard-normal": StandardNormal,
    "gaussian-mixture": GaussianMixture,
    "vamp": Vamp,
    "flow": Flow,
    "second-stage": SecondStage,
    "conditional-normal": ConditionalNormal,
    "uniform-sphere": UniformSphere,
    "uniform-categorical": UniformCategorical,
    "autoregressive-categorical": AutoregressiveCategorical,
}
