"""The normal distribution whose variance is the best one for the batch at hand."""

import math

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.types import _size

__all__ = ["OptimalNormal"]


class OptimalNormal(Distribution):
    """Take σ² as the mean squared error of the batch: the maximum-likelihood variance in closed form.

        σ*² = mean (x − μ)²,   −log p(x) = ½ Σ_d [(x_d − μ_d)²/σ*² + log 2πσ*²].

    While training, `log_prob` uses σ*² of the very batch (its gradient is that of D/2 · log MSE) and moves the running
    variance towards it; afterwards the running variance is fixed and this is an ordinary normal density.
    Reference: "Simple and effective VAE training with calibrated decoders", Rybkin et al. 2021,
    https://arxiv.org/abs/2006.13202.

    Arguments:
        mu: `(…, *event)` mean.
        running_variance: `()` tensor, updated in place while training.
        num_event_dims: How many of the last axes are the event.
        training: Whether to use and follow the batch's own variance.
    """

    has_rsample = True
    MOMENTUM = 0.01
    MIN_VARIANCE = 1e-10  # a batch that is reproduced exactly would have an infinite density

    def __init__(self, mu: Tensor, running_variance: Tensor, num_event_dims: int, *, training: bool) -> None:
        self.mu = mu
        self.running_variance = running_variance
        self.training = training
        split = mu.dim() - num_event_dims
        super().__init__(mu.shape[:split], mu.shape[split:], validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """What torch asks of a distribution that prints itself."""
        return {"mu": constraints.real}

    @property
    def mean(self) -> Tensor:
        """The mean, `(…, *event)`."""
        return self.mu

    @property
    def variance(self) -> Tensor:
        """The running variance of every number, `(…, *event)`."""
        return self.running_variance.expand_as(self.mu)

    def rsample(self, sample_shape: _size = ()) -> Tensor:
        """Draw x, `(*sample_shape, …, *event)`, with the running variance."""
        shape = (*sample_shape, *self.mu.shape)
        return self.mu + self.running_variance.sqrt() * torch.randn(shape, device=self.mu.device)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log p(x) in nats, `(…,)`."""
        return self.log_prob_per_cell(value).sum(tuple(range(-len(self.event_shape), 0)))

    def log_prob_per_cell(self, value: Tensor) -> Tensor:
        """Return what each number adds to log p(x), `(…, *event)`."""
        squared = (value - self.mu).square()
        variance = self.running_variance
        if self.training:
            variance = squared.mean().clamp(min=self.MIN_VARIANCE)
            self.running_variance.lerp_(variance.detach(), self.MOMENTUM)
        return -0.5 * (squared / variance + torch.log(2 * math.pi * variance))
