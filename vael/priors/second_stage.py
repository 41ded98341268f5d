"""A small VAE on the latents as their prior."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal, constraints
from torch.types import _size

from vael.distributions.pieces import in_pieces
from vael.errors import VaelError
from vael.networks.dense import dense_layers
from vael.priors.base import Encode, Prior
from vael.types import Observation

__all__ = ["SecondStage", "SecondStageDistribution"]


class SecondStage(Prior):
    """Take p(z) = ∫ N(z; g(v), diag γ²) N(v; 0, I) dv, itself a VAE, with v of as many dimensions as z.

    The integral is not known: `log_prob` is the importance-weighted lower bound of log p(z) over M draws of v, whose
    exponential is p(z) on average. So the ELBO stays a lower bound and the NLL an upper one, both a little looser.
    Reference: "Diagnosing and enhancing VAE models", Dai & Wipf 2019, https://arxiv.org/abs/1903.05789.

    Arguments:
        latent_dim: D.
        observation: Not needed.
        context_dim: Not needed: the prior is the same for every label.
        hidden_features: The widths of the hidden layers, the same ones in both networks.
        num_samples: M ≥ 1.
    """

    center: Tensor
    spread: Tensor

    def __init__(
        self,
        latent_dim: int,
        observation: Observation,
        context_dim: int = 0,
        *,
        hidden_features: tuple[int, ...] = (256, 256),
        num_samples: int = 4,
    ) -> None:
        super().__init__(latent_dim, observation, context_dim)
        if num_samples < 1:
            raise VaelError(f"model.prior.num_samples expects an integer ≥ 1, got {num_samples}")
        self.num_samples = num_samples
        self.encoder = _perceptron(latent_dim, hidden_features, 2 * latent_dim)
        self.decoder = _perceptron(latent_dim, hidden_features, latent_dim)
        self.log_gamma = nn.Parameter(torch.zeros(latent_dim))
        self.register_buffer("center", torch.zeros(latent_dim))  # where the codes to fit are far from N(0, I)
        self.register_buffer("spread", torch.ones(latent_dim))

    def forward(self, encode: Encode, context: Tensor | None) -> Distribution:
        return SecondStageDistribution(self)


class SecondStageDistribution(Distribution):
    """Draw z from a second-stage VAE, and bound its density.

    Arguments:
        vae: The networks and scales.
    """

    has_rsample = True

    def __init__(self, vae: SecondStage) -> None:
        self.vae = vae
        super().__init__(event_shape=torch.Size((vae.latent_dim,)), validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """What torch asks of a distribution that prints itself."""
        return {}

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log 1/M Σ_m p(z, v_m) / q(v_m | z), v_m ~ q(v | z), in nats, `(…)`, for `(…, D)`.

        Its expectation is at most log p(z), and that of its exponential is p(z).
        """
        rows = value.reshape(-1, value.shape[-1])
        widest = max(layer.out_features for layer in self.vae.modules() if isinstance(layer, nn.Linear))
        return in_pieces(self._bound, rows, self.vae.num_samples * widest).reshape(value.shape[:-1])

    def _bound(self, value: Tensor) -> Tensor:
        vae = self.vae
        z = (value.float() - vae.center) / vae.spread
        mu, log_sigma = vae.encoder(z).float().chunk(2, -1)
        q_v = _normal(mu, log_sigma.exp())
        v = q_v.rsample(torch.Size((vae.num_samples,)))
        log_joint = self._decode(v).log_prob(z) + _normal(torch.zeros_like(v), torch.ones_like(v)).log_prob(v)
        log_mean = torch.logsumexp(log_joint - q_v.log_prob(v), 0) - math.log(vae.num_samples)
        return log_mean - vae.spread.log().sum()

    def rsample(self, sample_shape: _size = ()) -> Tensor:
        """Draw z, `(*sample_shape, D)`: v from N(0, I), then z from N(g(v), diag γ²)."""
        v = torch.randn((*sample_shape, self.vae.latent_dim), device=self.vae.center.device)
        return self.vae.center + self.vae.spread * self._decode(v).rsample()

    def _decode(self, v: Tensor) -> Distribution:
        mu = self.vae.decoder(v).float()
        return _normal(mu, self.vae.log_gamma.exp().expand_as(mu))


def _normal(mu: Tensor, sigma: Tensor) -> Any:
    return Independent(Normal(mu, sigma, validate_args=False), 1, validate_args=False)


def _perceptron(in_features: int, hidden_features: tuple[int, ...], out_features: int) -> nn.Module:
    widths = (in_features, *hidden_features)
    return nn.Sequential(dense_layers(widths, "silu"), nn.Linear(widths[-1], out_features))
