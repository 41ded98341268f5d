"""The continuous Bernoulli on [0, 1], from its logits, exact at any size of them."""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.types import _size

__all__ = ["ContinuousBernoulli"]

SMALL = 1e-2  # below this logit the series is exact to float32 and the closed forms divide zero by zero


class ContinuousBernoulli(Distribution):
    """Give x in [0, 1] the density p(x) = C(ℓ) λ^x (1−λ)^(1−x), with λ = σ(ℓ) and C(ℓ) = ℓ / tanh(ℓ/2).

    Written in logits throughout: torch's own clamps the probability, so that its density no longer integrates to one
    from |ℓ| ≈ 16 on.
    Reference: "The continuous Bernoulli: fixing a pervasive error in variational autoencoders", Loaiza-Ganem &
    Cunningham 2019, https://arxiv.org/abs/1907.06845.

    Arguments:
        logits: ℓ, `(…,)`, any real number.
    """

    has_rsample = True

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits
        super().__init__(logits.shape, validate_args=False)

    def _far(self) -> tuple[Tensor, Tensor]:
        """Return where the logits are away from zero, and the logits with those near zero replaced."""
        is_far = self.logits.abs() > SMALL
        return is_far, torch.where(is_far, self.logits, 1.0)

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """What torch asks of a distribution that prints itself."""
        return {"logits": constraints.real}

    @property
    def mean(self) -> Tensor:
        """1/(1 − e^(−ℓ)) − 1/ℓ, in (0, 1), `(…,)`."""
        is_far, logits = self._far()
        return torch.where(is_far, -1 / torch.expm1(-logits) - 1 / logits, 0.5 + self.logits / 12)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log p(x) = ℓx − softplus(ℓ) + log C(ℓ) in nats, `(…,)`."""
        is_far, logits = self._far()
        near = 0.6931472 + self.logits.square() / 12
        log_c = torch.where(is_far, torch.log(logits / torch.tanh(logits / 2)), near)
        return self.logits * value - F.softplus(self.logits) + log_c

    def rsample(self, sample_shape: _size = ()) -> Tensor:
        """Draw x, `(*sample_shape, …)`, by inverting the cdf (e^(ℓx) − 1)/(e^ℓ − 1)."""
        u = torch.rand((*sample_shape, *self.logits.shape), device=self.logits.device)
        is_far, logits = self._far()
        size = logits.abs()  # for ℓ > 0: x = 1 + log(u + (1 − u)e^(−ℓ))/ℓ; for ℓ < 0 its mirror image
        x = 1 + torch.log(u + (1 - u) * torch.exp(-size)) / size
        return torch.where(is_far, torch.where(logits > 0, x, 1 - x), u).clamp(0, 1)
