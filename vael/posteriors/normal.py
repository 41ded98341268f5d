"""Normal posteriors: independent latents, or with their full covariance."""

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal

from vael.posteriors.base import Posterior
from vael.posteriors.log_scale import bounded

__all__ = ["DiagonalNormal", "FullNormal"]


class DiagonalNormal(Posterior):
    """Take q(z | x) = N(μ(x), diag σ²(x)), with log σ² from the network.

    Reference: "Auto-encoding variational Bayes", Kingma & Welling 2014, https://arxiv.org/abs/1312.6114.
    """

    def __init__(self, in_features: int, latent_dim: int) -> None:
        super().__init__(in_features, latent_dim)
        self.head = nn.Linear(in_features, 2 * latent_dim)

    def forward(self, features: Tensor) -> Distribution:
        mu, log_var = self.head(features).float().chunk(2, dim=-1)
        return Independent(Normal(mu, torch.exp(bounded(0.5 * log_var)), validate_args=False), 1, validate_args=False)


class FullNormal(Posterior):
    """Take q(z | x) = N(μ(x), L(x)L(x)ᵀ), with L lower triangular and the logarithm of its diagonal from the network.

    Reference: section 2.5 of "An introduction to variational autoencoders", Kingma & Welling 2019,
    https://arxiv.org/abs/1906.02691.
    """

    rows: Tensor
    columns: Tensor

    def __init__(self, in_features: int, latent_dim: int) -> None:
        super().__init__(in_features, latent_dim)
        rows, columns = torch.tril_indices(latent_dim, latent_dim, offset=-1)
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("columns", columns, persistent=False)
        self.head = nn.Linear(in_features, 2 * latent_dim + len(rows))

    def forward(self, features: Tensor) -> Distribution:
        sizes = [self.latent_dim, self.latent_dim, len(self.rows)]
        mu, log_diagonal, below = self.head(features).float().split(sizes, dim=-1)
        lower = torch.diag_embed(torch.exp(bounded(log_diagonal)))
        lower[..., self.rows, self.columns] = below
        return MultivariateNormal(mu, scale_tril=lower, validate_args=False)
