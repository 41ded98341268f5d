"""Exact probabilities for pixel levels, from a mixture of logistic distributions a pixel."""

import math

import torch
from torch import Tensor
from torch.distributions import Distribution

from vael.distributions.logistic_mixture import LogisticMixture as LogisticMixtureDistribution
from vael.errors import VaelError
from vael.likelihoods.base import Likelihood
from vael.likelihoods.links import bounded
from vael.types import Observation

__all__ = ["LogisticMixture"]

SPAN = 8.0  # of log s: e^−8 is a twelfth of half a bin of 256 levels, and finer ones only lose digits


class LogisticMixture(Likelihood):
    """Give each pixel M logistic bumps; the channels of a colour share the choice and know those before them.

    An image with three channels reads 4M features for each number of x (weights, summed over the channels; locations;
    scales; a coefficient), everything else 3M. At the start the locations are spread evenly over the levels.

    Arguments:
        num_components: M ≥ 1.
        sigma: The scale s on [−1, 1] around which the features move, > 0.
    """

    domains = ("levels",)
    densities = ("levels",)

    def __init__(self, observation: Observation, *, num_components: int = 10, sigma: float = 0.1) -> None:
        super().__init__(observation)
        if num_components < 1 or sigma <= 0:
            raise VaelError(
                f"the logistic mixture expects num_components ≥ 1 and a sigma > 0, got {num_components} and {sigma}"
            )
        self.num_components = num_components
        self.log_sigma = math.log(sigma)
        self.is_conditional = observation.is_image and observation.shape[0] == 3
        self.parameters_per_dim = (4 if self.is_conditional else 3) * num_components

    def forward(self, features: Tensor) -> Distribution:
        num_event_dims = len(self.observation.shape)
        axis = -num_event_dims - 1
        logits, mu, log_s, *rest = features.unflatten(axis, (-1, self.num_components)).unbind(axis - 1)
        centers = (2 * torch.arange(self.num_components, device=mu.device) + 1) / self.num_components - 1
        return LogisticMixtureDistribution(
            logits.sum(-3, keepdim=True) if self.is_conditional else logits,
            mu + centers.view(-1, *[1] * num_event_dims),
            bounded(log_s + self.log_sigma, SPAN),
            self.observation.num_levels,
            num_event_dims=num_event_dims,
            coefficients=torch.tanh(rest[0]) if rest else None,
        )
