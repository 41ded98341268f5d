"""The evidence lower bound, with the weights, capacities and free bits that the field has put on the rate."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from vael.errors import VaelError
from vael.models import VAE, Inference
from vael.objectives.base import Loss, Objective, probe, value_at
from vael.schedules import Schedule
from vael.types import Batch

__all__ = ["ELBO"]


@dataclass(frozen=True)
class ELBO(Objective):
    """Minimise distortion + β(step) · rate, the mean over the batch; β = 1 is the bound itself.

    With free bits λ > 0 the rate is Σ_d max(λ, mean_B KL_d): a dimension may carry λ nats at no cost, so that it does
    not collapse (Kingma et al. 2016, https://arxiv.org/abs/1606.04934, eq. 15); or Σ_l max(λ, mean_B KL_l), a sum over
    the stochastic layers. With γ > 0 the loss is distortion + γ |rate − C(step)|: the rate is led to a capacity C
    (Burgess et al. 2018, https://arxiv.org/abs/1804.03599, eq. 8).
    With trim τ > 0 the mean is over the share 1 − τ of the batch that is explained best: what does not belong to the
    data is left out of the fit, and stays badly explained ("Least median of squares regression", Rousseeuw 1984,
    https://doi.org/10.1080/01621459.1984.10477105; of likelihoods, Neykov et al. 2007,
    https://doi.org/10.1016/j.csda.2006.12.024).
    References: β-VAE, Higgins et al. 2017, https://openreview.net/forum?id=Sy2fzU9gl; warm-up, Bowman et al. 2016,
    https://arxiv.org/abs/1511.06349; cyclical, Fu et al. 2019, https://arxiv.org/abs/1903.10145.

    Arguments:
        beta: The weight of the rate: a number ≥ 0, or a schedule over the steps.
        free_bits: λ, nats a latent dimension or layer; 0 switches it off.
        free_bits_per: What has λ nats free: each `dimension`, or each `layer`.
        capacity: C, nats ≥ 0 that the rate is led to: a number or a schedule; it takes γ > 0.
        gamma: γ ≥ 0, the weight of the distance to the capacity, in place of β; 0 switches it off.
        num_samples: K draws of z for each example.
        trim: τ in [0, 1), the share of each batch that is left out, the worst explained by distortion + β · rate.
    """

    beta: float | Schedule = 1.0
    free_bits: float = 0.0
    free_bits_per: Literal["dimension", "layer"] = "dimension"
    capacity: float | Schedule = 0.0
    gamma: float = 0.0
    num_samples: int = 1
    trim: float = 0.0

    def __post_init__(self) -> None:
        """Refuse weights that make no sense."""
        if isinstance(self.beta, (int, float)) and self.beta < 0:
            raise VaelError(f"objective.beta expects a number ≥ 0, got {self.beta}")
        if self.free_bits < 0 or self.num_samples < 1:
            raise VaelError(
                f"the elbo expects free_bits ≥ 0 and num_samples ≥ 1, got {self.free_bits} and {self.num_samples}"
            )
        if self.gamma < 0 or (isinstance(self.capacity, (int, float)) and self.capacity < 0):
            raise VaelError(f"the elbo expects gamma ≥ 0 and capacity ≥ 0, got {self.gamma} and {self.capacity}")
        if self.capacity != 0 and not self.gamma:
            raise VaelError(f"objective.capacity = {self.capacity} needs a weight: try objective.gamma=100")
        if self.gamma and (self.beta != 1 or self.free_bits):
            raise VaelError(
                f"objective.gamma stands in place of beta and free_bits, got {self.gamma} with them: leave those out"
            )
        if not 0 <= self.trim < 1:
            raise VaelError(f"objective.trim expects a share in [0, 1), got {self.trim}")
        if self.trim and (self.gamma or self.free_bits):
            raise VaelError(
                f"objective.trim = {self.trim} leaves examples out one by one, free_bits and gamma count the whole "
                "batch: use one of them"
            )

    def find_misfit(self, model: VAE) -> str:
        if not self.free_bits or self.free_bits_per == "layer":
            return ""
        is_fine = all(latent.rate_per_dim is not None for latent in probe(model).latents)
        return "" if is_fine else "free bits need independent latents, as diagonal-normal with standard-normal has"

    def __call__(self, model: VAE, batch: Batch, step: Tensor, critic: nn.Module | None = None) -> Loss:
        inference = model.infer(batch, num_samples=self.num_samples)
        distortion = inference.distortion.mean()
        if self.gamma:
            distance = (inference.rate.mean() - value_at(self.capacity, step)).abs()
            return Loss.of(distortion + self.gamma * distance, model, inference, value_at(self.gamma, step))
        beta = value_at(self.beta, step)
        if self.trim:
            return Loss.of(self._trimmed(inference.distortion + beta * inference.rate), model, inference, beta)
        rate = self._rate_with_free_bits(inference) if self.free_bits else inference.rate.mean()
        return Loss.of(distortion + beta * rate, model, inference, beta)

    def _trimmed(self, losses: Tensor) -> Tensor:
        """Return the mean of the smallest of the losses `(B,)`."""
        num_kept = math.ceil((1 - self.trim) * len(losses))
        return losses.topk(num_kept, largest=False).values.mean()

    def _rate_with_free_bits(self, inference: Inference) -> Tensor:
        if self.free_bits_per == "layer":
            rates: list[Tensor | None] = [latent.rate.unsqueeze(-1) for latent in inference.latents]
        else:
            rates = [latent.rate_per_dim for latent in inference.latents]
        kept = [rate.mean(0).clamp(min=self.free_bits).sum() for rate in rates if rate is not None]
        return torch.stack(kept).sum()
