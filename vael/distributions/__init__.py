"""Distributions that torch lacks, and the divergence between two distributions.

Each member is a `torch.distributions.Distribution` with `log_prob` and `sample`, and with `cdf` where it has levels.
They check no arguments: domains are checked once, where the data enters. A file each; those that only one part reads
are imported from their files. Next: `likelihoods`, `priors` and `posteriors`
are the modules that return them.
"""

from vael.distributions.continuous_bernoulli import ContinuousBernoulli
from vael.distributions.delta import Delta
from vael.distributions.discretized_logistic import DiscretizedLogistic
from vael.distributions.divergence import kl_divergence
from vael.distributions.optimal_normal import OptimalNormal
from vael.distributions.penalised import Penalised

__all__ = ["ContinuousBernoulli", "Delta", "DiscretizedLogistic", "OptimalNormal", "Penalised", "kl_divergence"]
