"""What a model says of a batch: the terms of the bound, for every objective, evaluation and task.

    −elbo = rate + distortion,   rate = KL(q(z|x) ‖ p(z)),   distortion = −E_q log p(x|z)

and the importance weights log w = log p(x, z) − log q(z|x), whose mean over K samples bounds the evidence more tightly
the larger K is (Burda et al. 2016, "Importance weighted autoencoders", https://arxiv.org/abs/1509.00519).
"""

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.distributions import Distribution

from vael.distributions.divergence import kl_divergence, kl_per_dim
from vael.distributions.penalised import Penalised
from vael.distributions.quantised import Quantised

__all__ = ["Inference", "Latent"]


@dataclass(frozen=True)
class Latent:
    """Hold one stochastic layer.

    Arguments:
        z: `(K, B, D)`, samples of q.
        q_z: Its posterior, batch shape `(B,)`, or `(K, B)` where it depends on a layer drawn before it.
        p_z: Its prior, batch shape `()`, `(B,)` given a label, or `(K, B)` given the layer above.
    """

    z: Tensor
    q_z: Distribution
    p_z: Distribution

    @cached_property
    def log_ratio(self) -> Tensor:
        """Log q(z | x) − log p(z) at the samples; nats, `(K, B)`."""
        code = self.q_z.codes if isinstance(self.q_z, Quantised) else self.z
        return self.q_z.log_prob(self.z) - self.p_z.log_prob(code)

    @cached_property
    def exact_rate(self) -> Tensor | None:
        """KL(q ‖ p) in closed form, given the layers that both depend on; nats, `(B,)`; None where none is known."""
        exact = kl_divergence(self.q_z, self.p_z)
        return exact if exact is None or exact.dim() == 1 else exact.mean(0)

    @cached_property
    def rate(self) -> Tensor:
        """KL(q ‖ p); nats, `(B,)`: in closed form where one is known, else the mean of `log_ratio` over K samples."""
        return self.log_ratio.mean(0) if self.exact_rate is None else self.exact_rate

    @cached_property
    def rate_per_dim(self) -> Tensor | None:
        """The divergence of each dimension; nats, `(B, D)`; None where the dimensions do not factorise."""
        rate = kl_per_dim(self.q_z, self.p_z)
        return rate if rate is None or rate.dim() == 2 else rate.mean(0)

    @cached_property
    def penalty(self) -> Tensor | None:
        """What the posterior asks to be minimised besides the bound (a codebook's commitment); `(B,)` or None."""
        return self.q_z.penalty if isinstance(self.q_z, Penalised) else None


@dataclass(frozen=True)
class Inference:
    """Hold what a model infers of a batch.

    Arguments:
        x: `(B, *shape)`, the observations.
        p_x: p(x | z), batch shape `(K, B)`.
        latents: One a stochastic layer, from the lowest (nearest to x) to the highest.
    """

    x: Tensor
    p_x: Distribution
    latents: tuple[Latent, ...]

    @cached_property
    def log_px(self) -> Tensor:
        """Log p(x | z) at the samples; nats, `(K, B)`."""
        return self.p_x.log_prob(self.x)

    @cached_property
    def rate(self) -> Tensor:
        """KL(q(z|x) ‖ p(z)) ≥ 0, summed over the layers; nats, `(B,)`."""
        rate = self.latents[0].rate
        for latent in self.latents[1:]:
            rate = rate + latent.rate
        return rate

    @cached_property
    def distortion(self) -> Tensor:
        """−E_q log p(x|z), the mean over the K samples; nats, `(B,)`."""
        return -self.log_px.mean(0)

    @cached_property
    def elbo(self) -> Tensor:
        """The unweighted evidence lower bound −(rate + distortion); nats, `(B,)`, larger is better."""
        return -(self.rate + self.distortion)

    @cached_property
    def log_w(self) -> Tensor:
        """Log p(x, z) − log q(z | x); nats, `(K, B)`."""
        log_w = self.log_px
        for latent in self.latents:
            log_w = log_w - latent.log_ratio
        return log_w

    @cached_property
    def penalty(self) -> Tensor | None:
        """The sum of the layers' penalties, `(B,)`; None where no layer has one."""
        found = [latent.penalty for latent in self.latents if latent.penalty is not None]
        return torch.stack(found).sum(0) if found else None

    @property
    def importance_bound(self) -> Tensor:
        """Log (1/K Σ_k w_k) ≤ log p(x) in expectation, tighter with K; nats, `(B,)`."""
        return torch.logsumexp(self.log_w, 0) - math.log(len(self.log_w))
