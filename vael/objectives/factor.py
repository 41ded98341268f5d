"""The FactorVAE: a critic measures how far the latents are from independent."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vael.errors import VaelError
from vael.models import VAE
from vael.objectives.base import Loss, Objective, code_of, value_at
from vael.objectives.critics import CodeCritic, judging_loss, the_critic
from vael.schedules import Schedule
from vael.types import Batch

__all__ = ["Factor"]


@dataclass(frozen=True)
class Factor(Objective):
    """Minimise distortion + β · rate + γ · TC(z), TC = E_q(z) log q(z)/Π_d q(z_d) read off a critic.

    The critic tells codes from codes whose dimensions were permuted over the batch, each on its own; its log odds then
    estimate log q(z)/Π_d q(z_d). It learns from codes without gradient; the value does not move it.
    Reference: "Disentangling by factorising", Kim & Mnih 2018, https://arxiv.org/abs/1802.05983, algorithm 2 (with the
    same batch for both kinds of codes).

    Arguments:
        gamma: γ ≥ 0, the weight of the total correlation: a number or a schedule.
        beta: The weight of the rate: a number ≥ 0 or a schedule.
        hidden_features: The width of each hidden layer of the critic.
    """

    has_critic = True
    needs_reparametrised = True

    gamma: float | Schedule = 10.0
    beta: float | Schedule = 1.0
    hidden_features: tuple[int, ...] = (256, 256, 256)

    def __post_init__(self) -> None:
        """Refuse weights that make no sense."""
        if any(isinstance(weight, (int, float)) and weight < 0 for weight in (self.gamma, self.beta)):
            raise VaelError(f"factor expects gamma ≥ 0 and beta ≥ 0, got {self.gamma} and {self.beta}")

    def build_critic(self, model: VAE) -> nn.Module:
        return CodeCritic(model.latent_dim, self.hidden_features)

    def find_misfit(self, model: VAE) -> str:
        return "" if model.latent_dim > 1 else "factor needs several latents to tell apart: use model.latent_dim=2"

    def __call__(self, model: VAE, batch: Batch, step: Tensor, critic: nn.Module | None = None) -> Loss:
        critic = the_critic(critic, "factor")
        inference = model.infer(batch)
        z = code_of(inference)
        log_odds = critic(z)
        beta = value_at(self.beta, step)
        value = inference.distortion.mean() + beta * inference.rate.mean()
        value = value + value_at(self.gamma, step) * log_odds.mean()
        still = z.detach()
        adversary = judging_loss(critic(still), critic(permute_dims(still)))
        return Loss.of(value, model, inference, beta, adversary=adversary)


def permute_dims(z: Tensor) -> Tensor:
    """Permute each column of codes `(B, D)` over the batch on its own, which makes the dimensions independent."""
    return z.gather(0, torch.rand(z.shape, device=z.device).argsort(0))
