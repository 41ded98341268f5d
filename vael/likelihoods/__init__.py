"""Likelihoods: decoder features → p(x | z), each written once as the distribution's `log_prob`.

Training, evaluation, anomaly scores and compression all call that one `log_prob`. A member touches its file and one
line of the table here. Next: `models` composes a likelihood with the other parts.
"""

from vael.likelihoods.base import Likelihood
from vael.likelihoods.bernoulli import Bernoulli, ContinuousBernoulli
from vael.likelihoods.discretized_logistic import DiscretizedLogistic
from vael.likelihoods.gaussian import Gaussian, OptimalGaussian
from vael.likelihoods.laplace import Laplace

__all__ = ["LIKELIHOODS", "Likelihood"]

LIKELIHOODS: dict[str, type[Likelihood]] = {
    "bernoulli": Bernoulli,
    "continuous-bernoulli": ContinuousBernoulli,
    "gaussian": Gaussian,
    "optimal-gaussian": OptimalGaussian,
    "laplace": Laplace,
    "discretized-logistic": DiscretizedLogistic,
}
