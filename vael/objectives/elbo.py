"""The evidence lower bound, with the weight on the rate that the field has tried in every way."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vael.errors import VaelError
from vael.models import VAE, Inference
from vael.objectives.base import Loss, Objective, add_penalty
from vael.schedules import Constant, Schedule
from vael.types import Batch

__all__ = ["ELBO"]


@dataclass(frozen=True)
class ELBO(Objective):
    """Minimise distortion + β(step) · rate, the mean over the batch; β = 1 is the bound itself.

    With free bits λ > 0 the rate is Σ_d max(λ, mean_B KL_d): a dimension may carry λ nats at no cost, so that it does
    not collapse (Kingma et al. 2016, https://arxiv.org/abs/1606.04934, eq. 15).
    References: β-VAE, Higgins et al. 2017, https://openreview.net/forum?id=Sy2fzU9gl; warm-up, Bowman et al. 2016,
    https://arxiv.org/abs/1511.06349; cyclical, Fu et al. 2019, https://arxiv.org/abs/1903.10145.

    Arguments:
        beta: The weight of the rate: a number ≥ 0, or a schedule over the steps.
        free_bits: λ, nats a latent dimension; 0 switches it off.
        num_samples: K draws of z for each example.
    """

    beta: float | Schedule = 1.0
    free_bits: float = 0.0
    num_samples: int = 1

    def __post_init__(self) -> None:
        """Refuse weights that make no sense."""
        if isinstance(self.beta, (int, float)) and self.beta < 0:
            raise VaelError(f"objective.beta expects a number ≥ 0, got {self.beta}")
        if self.free_bits < 0 or self.num_samples < 1:
            raise VaelError(
                f"the elbo expects free_bits ≥ 0 and num_samples ≥ 1, got {self.free_bits} and {self.num_samples}"
            )

    @property
    def needs_factorised(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Free bits are given to single dimensions."""
        return self.free_bits > 0

    def __call__(self, model: VAE, batch: Batch, step: Tensor, critic: nn.Module | None = None) -> Loss:
        inference = model.infer(batch, num_samples=self.num_samples)
        schedule = self.beta if isinstance(self.beta, Schedule) else Constant(float(self.beta))
        beta = schedule(step)
        rate, distortion = inference.rate.mean(), inference.distortion.mean()
        value = distortion + beta * (self._rate_with_free_bits(inference) if self.free_bits else rate)
        return Loss(add_penalty(value, inference), rate.detach(), distortion.detach(), beta)

    def _rate_with_free_bits(self, inference: Inference) -> Tensor:
        rates = [latent.rate_per_dim for latent in inference.latents]
        kept = [rate.mean(0).clamp(min=self.free_bits).sum() for rate in rates if rate is not None]
        return torch.stack(kept).sum()
