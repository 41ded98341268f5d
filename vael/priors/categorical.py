"""Priors over several categorical variables, written as one-hot vectors side by side."""

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from vael.distributions.autoregressive_one_hot import AutoregressiveOneHot
from vael.distributions.one_hot import OneHot
from vael.errors import VaelError
from vael.priors.base import Encode, Prior
from vael.types import Observation

__all__ = ["AutoregressiveCategorical", "UniformCategorical"]


class UniformCategorical(Prior):
    """Take N independent variables of C classes, each as likely as the other: p(z) = C^(−N).

    References: "Categorical reparameterization with Gumbel-softmax", Jang et al. 2017,
    https://arxiv.org/abs/1611.01144; "Neural discrete representation learning", van den Oord et al. 2017,
    https://arxiv.org/abs/1711.00937.

    Arguments:
        latent_dim: D = N·C.
        observation: Not needed.
        context_dim: Not needed: the prior is the same for every label.
        num_categories: C ≥ 2, which divides D.
    """

    support = "one-hot"
    logits: Tensor

    def __init__(
        self, latent_dim: int, observation: Observation, context_dim: int = 0, *, num_categories: int = 10
    ) -> None:
        super().__init__(latent_dim, observation, context_dim)
        num_variables = _count_variables(latent_dim, num_categories)
        self.register_buffer("logits", torch.zeros(num_variables, num_categories), persistent=False)

    def forward(self, encode: Encode, context: Tensor | None) -> Distribution:
        return OneHot(self.logits)


class AutoregressiveCategorical(Prior):
    """Take p(z) = Π_n p(z_n | z_<n) over N variables of C classes, with a small network for the conditionals.

    The network is NADE's: what the variables before n say is summed into one hidden row, from which a linear map of
    n's own makes its logits. Densities are exact and take one pass; a draw takes N short steps.
    Reference: "The neural autoregressive distribution estimator", Larochelle & Murray 2011,
    https://proceedings.mlr.press/v15/larochelle11a.html.

    Arguments:
        latent_dim: D = N·C.
        observation: Not needed.
        context_dim: Not needed: the prior is the same for every label.
        num_categories: C ≥ 2, which divides D.
        hidden_features: H, the width of the hidden row.
    """

    support = "one-hot"

    def __init__(
        self,
        latent_dim: int,
        observation: Observation,
        context_dim: int = 0,
        *,
        num_categories: int = 10,
        hidden_features: int = 128,
    ) -> None:
        super().__init__(latent_dim, observation, context_dim)
        if hidden_features < 1:
            raise VaelError(f"model.prior.hidden_features expects an integer ≥ 1, got {hidden_features}")
        num_variables = _count_variables(latent_dim, num_categories)
        self.said = nn.Parameter(torch.randn(num_variables - 1, num_categories, hidden_features) * num_variables**-0.5)
        self.start = nn.Parameter(torch.zeros(hidden_features))
        self.read = nn.Parameter(torch.randn(num_variables, num_categories, hidden_features) * hidden_features**-0.5)
        self.bias = nn.Parameter(torch.zeros(num_variables, num_categories))

    def forward(self, encode: Encode, context: Tensor | None) -> Distribution:
        return AutoregressiveOneHot(self.said, self.start, self.read, self.bias)


def _count_variables(latent_dim: int, num_categories: int) -> int:
    """Return N.

    Raises:
        VaelError: C < 2, or C does not divide D.
    """
    if num_categories < 2 or latent_dim % num_categories:
        raise VaelError(
            f"model.prior.num_categories expects an integer ≥ 2 that divides model.latent_dim = {latent_dim}, "
            f"got {num_categories}"
        )
    return latent_dim // num_categories
