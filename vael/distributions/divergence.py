"""The Kullback–Leibler divergence in closed form, where there is one."""

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal
from torch.distributions import kl_divergence as torch_kl_divergence

from vael.distributions.quantised import Quantised

__all__ = ["kl_divergence", "kl_per_dim"]


def kl_divergence(q: Distribution, p: Distribution) -> Tensor | None:
    """Return KL(q ‖ p) in nats, over q's batch shape, or None where no closed form is known.

    Closed forms are those that torch or a member of this room registers, a full-covariance normal against a factorised
    one, and quantised codes against any distribution of codes: given x they are certain, so that it is −log p(codes).
    """
    if isinstance(q, Quantised):
        return -p.log_prob(q.codes)
    if isinstance(q, MultivariateNormal) and isinstance(p, Independent) and isinstance(p.base_dist, Normal):
        return _full_to_factorised(q, p.base_dist)
    try:
        return torch_kl_divergence(q, p)
    except NotImplementedError:
        return None


def kl_per_dim(q: Distribution, p: Distribution) -> Tensor | None:
    """Return the divergence of each latent dimension, `(B, D)` nats, where both sides factorise; else None."""
    if not isinstance(q, Independent) or not isinstance(p, Independent):
        return None
    return kl_divergence(q.base_dist, p.base_dist)


def _full_to_factorised(q: MultivariateNormal, p: Normal) -> Tensor:
    """½ [tr(S⁻²Σ) + |S⁻¹(μ − m)|² − D] + log|S| − log|L|, with Σ = LLᵀ and S the standard deviations of p."""
    whitened = q.scale_tril / p.scale.unsqueeze(-1)
    shift = (q.loc - p.loc) / p.scale
    quadratic = whitened.square().sum((-2, -1)) + shift.square().sum(-1) - q.loc.shape[-1]
    log_det = torch.log(torch.diagonal(whitened, dim1=-2, dim2=-1)).sum(-1)
    return 0.5 * quadratic - log_det
