"""Several categorical variables side by side, each drawn as a one-hot vector."""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.kl import register_kl
from torch.types import _size

__all__ = ["OneHot"]


class OneHot(Distribution):
    """Draw N independent categories out of C, as N one-hot vectors in one row of N·C numbers.

        log p(z) = Σ_n Σ_c z_nc log p_nc,   p_n = softmax(logits_n).

    With a temperature τ, `rsample` takes its gradient from the relaxed draw softmax((logits + Gumbel noise)/τ): its
    value is that draw, or, where `hard`, the one-hot vector at its largest entry, which is distributed exactly. The
    gradient is biased, the less the smaller τ is. Without a temperature draws are exact and carry no gradient.
    References: "Categorical reparameterization with Gumbel-softmax", Jang et al. 2017,
    https://arxiv.org/abs/1611.01144; "The concrete distribution", Maddison et al. 2017,
    https://arxiv.org/abs/1611.00712.

    Arguments:
        logits: `(…, N, C)`, any real numbers.
        temperature: τ > 0, or None.
        hard: Whether a draw with a temperature is one-hot.
    """

    has_rsample = True

    def __init__(self, logits: Tensor, *, temperature: float | None = None, hard: bool = True) -> None:
        self.log_probs = F.log_softmax(logits, -1)
        self.temperature = temperature
        self.hard = hard
        super().__init__(logits.shape[:-2], torch.Size((logits.shape[-2] * logits.shape[-1],)), validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """What torch asks of a distribution that prints itself."""
        return {"log_probs": constraints.real}

    @property
    def mean(self) -> Tensor:
        """The probabilities, `(…, N·C)`."""
        return self.log_probs.exp().flatten(-2)

    @property
    def variance(self) -> Tensor:
        """Return p(1 − p), `(…, N·C)`."""
        return self.mean * (1 - self.mean)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log p(z) in nats, `(…,)`, for one-hot rows `(…, N·C)`; at relaxed rows its linear continuation."""
        return (value * self.log_probs.flatten(-2)).sum(-1)

    def entropy(self) -> Tensor:
        """Return the entropy in nats, `(…,)`."""
        return -(self.log_probs.exp() * self.log_probs).sum((-2, -1))

    def sample(self, sample_shape: _size = ()) -> Tensor:
        """Draw one-hot rows, `(*sample_shape, …, N·C)`."""
        with torch.no_grad():
            return _one_hot(self._relaxed(sample_shape, 1.0)).flatten(-2)

    def rsample(self, sample_shape: _size = ()) -> Tensor:
        """Draw rows `(*sample_shape, …, N·C)` with the gradient of the relaxed draw, where there is a temperature."""
        if self.temperature is None:
            return self.sample(sample_shape)
        soft = self._relaxed(sample_shape, self.temperature)
        z = _one_hot(soft) + (soft - soft.detach()) if self.hard else soft  # the bracket is exactly zero
        return z.flatten(-2)

    def _relaxed(self, sample_shape: _size, temperature: float) -> Tensor:
        logits = self.log_probs.expand(*sample_shape, *self.log_probs.shape)
        return F.gumbel_softmax(logits, tau=temperature, dim=-1)


def _one_hot(values: Tensor) -> Tensor:
    """Return the one-hot vector at the largest of the last axis, `(…, C)`."""
    return torch.zeros_like(values).scatter(-1, values.argmax(-1, keepdim=True), 1.0)


@register_kl(OneHot, OneHot)
def _one_hot_to_one_hot(q: OneHot, p: OneHot) -> Tensor:
    """Σ_n Σ_c q_nc (log q_nc − log p_nc), over the broadcast batch shapes."""
    return (q.log_probs.exp() * (q.log_probs - p.log_probs)).sum((-2, -1))
