"""The von Mises–Fisher distribution: the normal distribution's sibling on the unit sphere."""

import math
from functools import cache, cached_property

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Beta, Distribution, constraints
from torch.distributions.kl import register_kl
from torch.types import _size

from vael.distributions.bessel import log_bessel
from vael.distributions.uniform_sphere import UniformSphere, log_sphere_area

__all__ = ["VonMisesFisher"]

NUM_PROPOSALS = 24  # at least 0.65 of them are accepted at any D and κ: all are refused once in 10¹¹ draws
NUM_NODES = 32  # of the quadrature: the derivative is exact to 10⁻⁶
REACH = 10.0  # standard deviations that the quadrature covers: what is left out is e⁻⁵⁰ of the whole


class VonMisesFisher(Distribution):
    """Give z on the unit sphere of ℝ^D the density p(z) = C_D(κ) e^(κ μᵀz), with respect to the sphere's area.

        C_D(κ) = κ^v / ((2π)^(v+1) I_v(κ)),   v = D/2 − 1,   E z = A(κ) μ,   A = I_(v+1)(κ) / I_v(κ).

    The angle θ between z and μ is drawn by rejection (Wood 1994), without gradient. The gradient is that of implicit
    reparametrisation and exact: a draw turns with μ, and moves with κ so that the cumulative F(θ; κ) stays as it is,

        dθ/dκ = −(∂F/∂κ) / p(θ) = −∫₀^θ (g(s)/g(θ)) (cos s − A) ds,   g(s) = sin^(D−2) s · e^(κ cos s).

    References: "Hyperspherical variational auto-encoders", Davidson et al. 2018, https://arxiv.org/abs/1804.00891;
    "Implicit reparameterization gradients", Figurnov et al. 2018, https://arxiv.org/abs/1805.08498.

    Arguments:
        loc: μ `(…, D)`, D ≥ 2, of length 1.
        concentration: κ > 0, `(…,)`; 0 would be the uniform distribution.
    """

    has_rsample = True

    def __init__(self, loc: Tensor, concentration: Tensor) -> None:
        self.loc = loc
        self.concentration = concentration
        self.num_dims = loc.shape[-1]
        super().__init__(concentration.shape, loc.shape[-1:], validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """What torch asks of a distribution that prints itself."""
        return {"loc": constraints.real_vector, "concentration": constraints.positive}

    @cached_property
    def _moments(self) -> tuple[Tensor, Tensor]:
        """Return log C_D(κ) and A(κ), float64 `(…,)`, with their derivatives −A and 1 − A² − (D − 1) A/κ."""
        kappa = self.concentration.detach().double()
        order = self.num_dims / 2 - 1
        log_i, ratio = log_bessel(order, kappa)
        log_c = order * torch.log(kappa) - (order + 1) * math.log(2 * math.pi) - log_i
        slope = 1 - ratio.square() - (self.num_dims - 1) * ratio / kappa
        move = self.concentration - self.concentration.detach()  # zero, with gradient
        return log_c - ratio * move, ratio + slope * move

    @property
    def mean(self) -> Tensor:
        """The mean direction μ, `(…, D)`, which lies on the sphere; E z = A(κ) μ lies inside."""
        return self.loc

    @property
    def variance(self) -> Tensor:
        """Return the variance of each coordinate around E z, `(…, D)`."""
        ratio = self._moments[1].unsqueeze(-1)
        across = ratio / self.concentration.unsqueeze(-1)
        along = 1 - (self.num_dims - 1) * across - ratio.square()
        squared = self.loc.square()
        return (across * (1 - squared) + along * squared).clamp(min=0).to(self.loc.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log p(z) in nats, `(…,)`, for z `(…, D)` on the sphere."""
        cosine = (self.loc * value).sum(-1)
        return (self._moments[0] + self.concentration * cosine).to(value.dtype)

    def entropy(self) -> Tensor:
        """Return −log C_D(κ) − κ A(κ) in nats, `(…,)`."""
        log_c, ratio = self._moments
        return (-log_c - self.concentration * ratio).to(self.loc.dtype)

    def rsample(self, sample_shape: _size = ()) -> Tensor:
        """Draw z, `(*sample_shape, …, D)`, with the exact gradient of both parameters."""
        mu, kappa = self.loc.detach(), self.concentration.detach().double()
        ratio = self._moments[1].detach()
        with torch.no_grad():
            theta = self._draw_angle(sample_shape)
            cos, sin = (part.unsqueeze(-1).to(mu.dtype) for part in (torch.cos(theta), torch.sin(theta)))
            noise = torch.randn((*sample_shape, *mu.shape), device=mu.device, dtype=mu.dtype)
            tangent = noise - (noise * mu).sum(-1, keepdim=True) * mu
            tangent = tangent / tangent.norm(dim=-1, keepdim=True)
            z = cos * mu + sin * tangent
            z = z / z.norm(dim=-1, keepdim=True)
            slope = _angle_slope(theta, kappa, ratio, self.num_dims)
            away = slope.unsqueeze(-1).to(mu.dtype) * (cos * tangent - sin * mu)
        if not torch.is_grad_enabled():
            return z
        turn = self.loc - mu  # zero, with gradient, as is the change of κ below
        turned = turn * (mu * z).sum(-1, keepdim=True) - mu * (turn * z).sum(-1, keepdim=True)
        return z + turned + away * (self.concentration - self.concentration.detach()).unsqueeze(-1)

    def _draw_angle(self, sample_shape: _size) -> Tensor:
        """Draw θ in [0, π], float64 `(*sample_shape, …)`: the first accepted of a fixed number of proposals."""
        d, kappa = self.num_dims - 1, self.concentration.double()
        b = d / (2 * kappa + torch.sqrt(4 * kappa.square() + d * d))
        x = (1 - b) / (1 + b)
        half = torch.full_like(kappa, d / 2)
        share = Beta(half, half, validate_args=False).sample(torch.Size((NUM_PROPOSALS, *sample_shape)))
        cos = (1 - (1 + b) * share) / (1 - (1 - b) * share)
        bound = kappa * (cos - x) + d * torch.log((1 - x * cos) * (1 + b).square() / (4 * b))
        is_accepted = bound >= torch.log(torch.rand_like(bound))
        chosen = is_accepted.float().argmax(0, keepdim=True)  # the first of them
        share = share.gather(0, chosen).squeeze(0)
        return 2 * torch.atan(torch.sqrt(b * share / (1 - share)))


def _angle_slope(theta: Tensor, kappa: Tensor, ratio: Tensor, num_dims: int) -> Tensor:
    """Return dθ/dκ at a fixed cumulative probability, by quadrature from θ away from the mode; float64 `(…,)`.

    The whole integral is zero, so that it may be taken on either side of θ: where it decays.
    """
    d = num_dims - 2
    cos_mode = 2 * kappa / (d + torch.sqrt(d * d + 4 * kappa.square()))
    spread = torch.rsqrt(kappa * cos_mode + d / (1 - cos_mode.square()).clamp(min=torch.finfo(kappa.dtype).tiny))
    is_above = theta > torch.acos(cos_mode)
    room = torch.where(is_above, math.pi - theta, theta)
    length = torch.minimum(room, REACH * spread) * torch.where(is_above, 1.0, -1.0)
    nodes, weights = (torch.tensor(row, dtype=kappa.dtype, device=kappa.device) for row in _gauss_legendre())
    s = theta.unsqueeze(-1) + length.unsqueeze(-1) * nodes

    def log_g(angle: Tensor, kappa: Tensor) -> Tensor:
        return d * torch.log(torch.sin(angle).clamp(min=torch.finfo(angle.dtype).tiny)) + kappa * torch.cos(angle)

    weight = torch.exp(log_g(s, kappa.unsqueeze(-1)) - log_g(theta, kappa).unsqueeze(-1))
    integral = (weights * weight * (torch.cos(s) - ratio.unsqueeze(-1))).sum(-1)
    return length * integral


@cache
def _gauss_legendre() -> tuple[list[float], list[float]]:
    """Return the nodes and weights of the quadrature on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(NUM_NODES)
    return (0.5 * (nodes + 1)).tolist(), (0.5 * weights).tolist()


@register_kl(VonMisesFisher, UniformSphere)
def _to_uniform(q: VonMisesFisher, p: UniformSphere) -> Tensor:
    """κ A(κ) + log C_D(κ) + log area."""
    log_c, ratio = q._moments
    return (q.concentration * ratio + log_c + log_sphere_area(p.num_dims)).to(q.loc.dtype)
