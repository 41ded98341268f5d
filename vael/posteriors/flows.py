"""Normalising flows as posteriors: a normal draw pushed through maps, so that q can be skewed, bent or two-fold."""

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal

from vael.distributions.normalizing_flow import load_zuko
from vael.distributions.planar import Planar
from vael.distributions.pushforward import Affine, Bijection, Pushforward
from vael.errors import VaelError
from vael.posteriors.base import Posterior
from vael.posteriors.log_scale import bounded

__all__ = ["InverseAutoregressiveFlow", "PlanarFlow", "SplineFlow"]


class PlanarFlow(Posterior):
    """Push a diagonal normal through planar maps x + û tanh(wᵀx + b), all their numbers from the network.

    It is the flow with the fewest numbers; in many dimensions each map bends along one direction only, so that several
    are needed.
    Reference: "Variational inference with normalizing flows", Rezende & Mohamed 2015,
    https://arxiv.org/abs/1505.05770.

    Arguments:
        in_features: H.
        latent_dim: D.
        num_transforms: T ≥ 1, how many maps.
    """

    def __init__(self, in_features: int, latent_dim: int, *, num_transforms: int = 8) -> None:
        super().__init__(in_features, latent_dim)
        _check_transforms("planar-flow", num_transforms)
        self.num_transforms = num_transforms
        self.head = nn.Linear(in_features, 2 * latent_dim + num_transforms * (2 * latent_dim + 1))

    def forward(self, features: Tensor) -> Distribution:
        dim, count = self.latent_dim, self.num_transforms
        sizes = [dim, dim, count * dim, count * dim, count]
        mu, log_var, u, w, b = self.head(features).float().split(sizes, -1)
        pairs = zip(u.split(dim, -1), w.split(dim, -1), b.unbind(-1), strict=True)
        return Pushforward(_diagonal(mu, bounded(0.5 * log_var)), [Planar(*numbers) for numbers in pairs])


class InverseAutoregressiveFlow(Posterior):
    """Push a diagonal normal through maps z_d ← m_d + s_d z_d, with m_d and s_d from z_1 … z_(d−1) and the features.

    A draw and its density take one pass of a masked network a map; the density of any other z takes D of them.
    Reference: "Improving variational inference with inverse autoregressive flow", Kingma et al. 2016,
    https://arxiv.org/abs/1606.04934.

    Arguments:
        in_features: H.
        latent_dim: D.
        num_transforms: T ≥ 1, how many maps; every other one runs through the dimensions backwards.
        hidden_features: Widths of the masked networks.

    Raises:
        VaelError: zuko is not installed.
    """

    def __init__(
        self, in_features: int, latent_dim: int, *, num_transforms: int = 2, hidden_features: tuple[int, ...] = (128,)
    ) -> None:
        super().__init__(in_features, latent_dim)
        _check_transforms("iaf", num_transforms)
        autoregressive = load_zuko().flows.MAF
        flow = autoregressive(latent_dim, in_features, num_transforms, hidden_features=hidden_features)
        self.transforms = flow.transform.transforms
        self.head = nn.Linear(in_features, 2 * latent_dim)

    def forward(self, features: Tensor) -> Distribution:
        mu, log_var = self.head(features).float().chunk(2, dim=-1)
        return Pushforward(_diagonal(mu, bounded(0.5 * log_var)), _conditioned(self.transforms, features))


class SplineFlow(Posterior):
    """Bend a standard normal by monotonic rational-quadratic splines, each dimension's knots from the ones before it.

    The result is shifted and scaled by the network: z = μ(x) + σ(x) ⊙ f(ε; x). Splines can follow several modes; they
    act on [−5, 5] and leave the tails normal.
    Reference: "Neural spline flows", Durkan et al. 2019, https://arxiv.org/abs/1906.04032.

    Arguments:
        in_features: H.
        latent_dim: D.
        num_transforms: T ≥ 1, how many splines a dimension; every other one runs through the dimensions backwards.
        num_bins: Pieces of a spline.
        hidden_features: Widths of the masked networks.

    Raises:
        VaelError: zuko is not installed.
    """

    def __init__(
        self,
        in_features: int,
        latent_dim: int,
        *,
        num_transforms: int = 2,
        num_bins: int = 8,
        hidden_features: tuple[int, ...] = (128,),
    ) -> None:
        super().__init__(in_features, latent_dim)
        _check_transforms("spline-flow", num_transforms)
        if num_bins < 2:
            raise VaelError(f"model.posterior.num_bins expects an integer ≥ 2, got {num_bins}")
        spline = load_zuko().flows.NSF
        flow = spline(latent_dim, in_features, num_bins, transforms=num_transforms, hidden_features=hidden_features)
        self.transforms = flow.transform.transforms
        self.head = nn.Linear(in_features, 2 * latent_dim)

    def forward(self, features: Tensor) -> Distribution:
        mu, log_var = self.head(features).float().chunk(2, dim=-1)
        splines = _conditioned(self.transforms, features)
        noise = _diagonal(torch.zeros_like(mu), torch.zeros_like(mu))
        return Pushforward(noise, [*splines, Affine(mu, bounded(0.5 * log_var))])


def _diagonal(mu: Tensor, log_sigma: Tensor) -> Distribution:
    return Independent(Normal(mu, torch.exp(log_sigma), validate_args=False), 1, validate_args=False)


def _conditioned(transforms: nn.ModuleList, features: Tensor) -> list[Bijection]:
    """Give zuko's maps the features, in float32: in one dimension they compute their numbers here already."""
    with torch.autocast(features.device.type, enabled=False):
        return [transform(features.float()) for transform in transforms]


def _check_transforms(name: str, num_transforms: int) -> None:
    if num_transforms < 1:
        raise VaelError(f"posterior '{name}' expects num_transforms ≥ 1, got {num_transforms}")
