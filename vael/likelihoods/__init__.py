"""Likelihoods: decoder features → p(x | z), each written once as the distribution's `log_prob`.

Training, evaluation, anomaly scores and compression all call that one `log_prob`. A member touches its file and one
line of the table here. Next: `models` composes a likelihood with the other parts.
"""

from vael.likelihoods.autoregressive import Autoregressive
from vael.likelihoods.base import Likelihood
from vael.likelihoods.bernoulli import Bernoulli, ContinuousBernoulli
from vael.likelihoods.counts import NegativeBinomial, Poisson
from vael.likelihoods.discretized_logistic import DiscretizedLogistic
from vael.likelihoods.gaussian import Gaussian, OptimalGaussian
from vael.likelihoods.heavy_tails import HyperbolicSecant, StudentT
from vael.likelihoods.laplace import Laplace
from vael.likelihoods.levels import BetaBinomial, Categorical
from vael.likelihoods.log_normal import LogNormal
from vael.likelihoods.logistic_mixture import LogisticMixture

__all__ = ["LIKELIHOODS", "Likelihood"]

LIKELIHOODS: dict[str, type[Likelihood]] = {
    "bernoulli": Bernoulli,
    "continuous-bernoulli": ContinuousBernoulli,
    "autoregressive": Autoregressive,
    "gaussian": Gaussian,
    "optimal-gaussian": OptimalGaussian,
    "laplace": Laplace,
    "student-t": StudentT,
    "hyperbolic-secant": HyperbolicSecant,
    "log-normal": LogNormal,
    "poisson": Poisson,
    "negative-binomial": NegativeBinomial,
    "discretized-logistic": DiscretizedLogistic,
    "logistic-mixture": LogisticMixture,
    "beta-binomial": BetaBinomial,
    "categorical": Categorical,
}
