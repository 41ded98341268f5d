"""A mixture of logistic distributions cut into levels, one choice of component a pixel, channels given channels."""

from functools import cached_property

import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution, constraints
from torch.types import _size

from vael.distributions.discretized_logistic import DiscretizedLogistic
from vael.distributions.rows import LogisticRow

__all__ = ["LogisticMixture"]


class LogisticMixture(Distribution):
    """Mix M discretised logistics: P(x) = Σ_m π_m P_m(x), exact for every level.

    Without coefficients every number of x has a mixture of its own. With them x is an image `(3, H, W)`, each pixel has
    one choice of component for its three channels, and a channel's location follows those before it, on [−1, 1]:

        P_m(r, g, b) = P_m(r) P_m(g | r) P_m(b | r, g),   μ_g = μ_g' + c_1 r,   μ_b = μ_b' + c_2 r + c_3 g.

    Reference: "PixelCNN++: improving the PixelCNN with discretized logistic mixture likelihood and other
    modifications", Salimans et al. 2017, https://arxiv.org/abs/1701.05517.

    Arguments:
        logits: Of the components, `(…, M, *shape)`, or `(…, M, 1, H, W)` with coefficients.
        mu: `(…, M, *shape)` locations on [−1, 1], any real numbers.
        log_s: `(…, M, *shape)` log scales.
        num_levels: L ≥ 2.
        num_event_dims: How many of the last axes are the event's, `shape`.
        coefficients: c, `(…, M, 3, H, W)`, or None.
    """

    has_rsample = False

    def __init__(
        self,
        logits: Tensor,
        mu: Tensor,
        log_s: Tensor,
        num_levels: int,
        *,
        num_event_dims: int,
        coefficients: Tensor | None = None,
    ) -> None:
        self.axis = -num_event_dims - 1
        self.logits = logits
        self.mu, self.log_s, self.coefficients = mu, log_s, coefficients
        self.num_levels = num_levels
        super().__init__(mu.shape[: self.axis], mu.shape[mu.dim() + self.axis + 1 :], validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """What torch asks of a distribution that prints itself."""
        return {"mu": constraints.real, "log_s": constraints.real}

    @cached_property
    def log_weights(self) -> Tensor:
        """The logs of the components' shares, shaped as the logits."""
        return torch.log_softmax(self.logits, self.axis)

    @property
    def mean(self) -> Tensor:
        """The level nearest to the average of the components' locations, each cut to the levels, `(…, *shape)`.

        A channel's location is taken where those before it are at theirs.
        """
        mu = self.mu.clamp(-1, 1)
        if self.coefficients is not None:
            first, second, third = self.coefficients.unbind(-3)
            red = mu[..., 0, :, :]
            green = (self.mu[..., 1, :, :] + first * red).clamp(-1, 1)
            blue = (self.mu[..., 2, :, :] + second * red + third * green).clamp(-1, 1)
            mu = torch.stack([red, green, blue], -3)
        return self._levels((self.log_weights.exp() * mu).sum(self.axis)).round()

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log P(x) in nats for levels x in 0 … L − 1, `(…, *shape)`; `(…,)`."""
        return self.log_prob_per_cell(value).sum(tuple(range(self.axis + 1, 0)))

    def log_prob_per_cell(self, value: Tensor) -> Tensor:
        """Return what each pixel adds to log P(x), `(…, C, H, W)`; C is 1 where the channels are one event."""
        log_p = self._components(value).log_prob(value.unsqueeze(self.axis))
        if self.coefficients is not None:
            log_p = log_p.sum(-3, keepdim=True)
        return torch.logsumexp(self.log_weights + log_p, self.axis)

    def cdf(self, value: Tensor) -> Tensor:
        """Return P(level ≤ k) of every number, given its pixel's channels before it, `(…, *shape)`.

        Exactly 1 at the last level.
        """
        if self.coefficients is not None:
            parts = [self.channel(value, c).cdf(value[..., c, :, :]) for c in range(value.shape[-3])]
            return torch.stack(parts, -3)
        mixed = (self._weights * self._own.cdf(value.unsqueeze(self.axis))).sum(self.axis)
        return torch.where(value > self.num_levels - 1.5, 1.0, mixed.clamp(max=1))

    def channel(self, value: Tensor, channel: int) -> "LogisticMixture":
        """Return one channel's distribution given those before it in an image, each number on its own, `(…, H, W)`.

        What is known of x weighs the components: P(m | before) ∝ π_m Π P_m(before).
        """
        components = self._components(value)
        logits = self.log_weights[..., 0, :, :]
        if channel:
            log_p = components.log_prob(value.unsqueeze(self.axis))
            logits = logits + log_p[..., :channel, :, :].sum(-3)
        mu, log_s = components.mu[..., channel, :, :], components.log_s[..., channel, :, :]
        return LogisticMixture(logits, mu, log_s, self.num_levels, num_event_dims=2)

    def in_row(self) -> LogisticRow:
        """Return the distributions of numbers that do not depend on each other in one row, `(n,)`."""
        parts = torch.broadcast_tensors(self.logits, self.mu, self.log_s)
        logits, mu, log_s = (part.movedim(self.axis, 0).reshape(part.shape[self.axis], -1) for part in parts)
        own = DiscretizedLogistic(mu, log_s, self.num_levels)
        return LogisticRow(torch.softmax(logits, 0), own.mu, own.precision, self.num_levels)

    def sample(self, sample_shape: _size = ()) -> Tensor:
        """Draw levels, float `(*sample_shape, …, *shape)`: a component, then channel after channel."""
        with torch.no_grad():
            weights = self.log_weights.movedim(self.axis, -1)
            chosen = Categorical(logits=weights, validate_args=False).sample(torch.Size(sample_shape))
            chosen = chosen.unsqueeze(self.axis)
            mu, log_s = (self._at(tensor, chosen) for tensor in (self.mu, self.log_s))
            if self.coefficients is None:
                return DiscretizedLogistic(mu, log_s, self.num_levels).sample()
            return self._sample_channels(mu, log_s, self._at(self.coefficients, chosen))

    def _sample_channels(self, mu: Tensor, log_s: Tensor, coefficients: Tensor) -> Tensor:
        """Draw red, green given red, and blue given both, `(…, 3, H, W)`."""
        drawn: list[Tensor] = []
        first, second, third = coefficients.unbind(-3)
        for channel, factors in enumerate([(), (first,), (second, third)]):
            at = mu[..., channel, :, :]
            for factor, level in zip(factors, drawn, strict=True):
                at = at + factor * self._places(level)
            drawn.append(DiscretizedLogistic(at, log_s[..., channel, :, :], self.num_levels).sample())
        return torch.stack(drawn, -3)

    @cached_property
    def _weights(self) -> Tensor:
        return torch.softmax(self.logits, self.axis)

    @cached_property
    def _own(self) -> DiscretizedLogistic:
        return DiscretizedLogistic(self.mu, self.log_s, self.num_levels)

    def _components(self, value: Tensor) -> DiscretizedLogistic:
        """Return the components at an x whose first channels they may depend on, `(…, M, *shape)`."""
        if self.coefficients is None:
            return self._own
        first, second, third = self.coefficients.unbind(-3)
        red, green, _ = self._places(value).unsqueeze(self.axis).unbind(-3)
        shift = torch.stack([torch.zeros_like(first * red), first * red, second * red + third * green], -3)
        return DiscretizedLogistic(self.mu + shift, self.log_s, self.num_levels)

    def _at(self, tensor: Tensor, chosen: Tensor) -> Tensor:
        """Return `(…, M, *shape)` at the chosen components `(…, 1, *shape)`, without the axis M."""
        split = len(tensor.shape) + self.axis
        lead = chosen.shape[: chosen.dim() + self.axis]
        tensor = tensor.expand(*lead, *tensor.shape[split:])
        return tensor.gather(self.axis, chosen.expand(*lead, 1, *tensor.shape[self.axis + 1 :])).squeeze(self.axis)

    def _places(self, levels: Tensor) -> Tensor:
        """Return where levels lie on [−1, 1]."""
        return 2 * levels / (self.num_levels - 1) - 1

    def _levels(self, places: Tensor) -> Tensor:
        """Return the level, not rounded, at places on [−1, 1]."""
        return (places + 1) * (self.num_levels - 1) / 2
