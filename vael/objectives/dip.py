"""The DIP-VAE: the aggregated posterior's covariance is led to the identity."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal

from vael.errors import VaelError
from vael.models import VAE
from vael.objectives.base import Loss, Objective, probe, value_at
from vael.schedules import Schedule
from vael.types import Batch

__all__ = ["DIP"]


@dataclass(frozen=True)
class DIP(Objective):
    """Minimise distortion + β · rate + λ_od Σ_{i≠j} C_ij² + λ_d Σ_i (C_ii − 1)².

    C is the covariance of the posterior means over the batch (variant `i`), or that of the aggregated posterior,
    Cov[z] = E[Cov(z|x)] + Cov[E(z|x)] (variant `ii`).
    Reference: "Variational inference of disentangled latent concepts from unlabeled observations", Kumar et al. 2018,
    https://arxiv.org/abs/1711.00848, eq. 6 and 7.

    Arguments:
        variant: `i` or `ii`.
        off_diagonal: λ_od ≥ 0.
        diagonal: λ_d ≥ 0.
        beta: The weight of the rate: a number ≥ 0 or a schedule.
    """

    variant: Literal["i", "ii"] = "ii"
    off_diagonal: float = 10.0
    diagonal: float = 10.0
    beta: float | Schedule = 1.0

    def __post_init__(self) -> None:
        """Refuse weights that make no sense."""
        numbers = [n for n in (self.off_diagonal, self.diagonal, self.beta) if isinstance(n, (int, float))]
        if min(numbers) < 0:
            raise VaelError(f"dip expects off_diagonal, diagonal, beta ≥ 0, got {numbers}")

    def find_misfit(self, model: VAE) -> str:
        latents = probe(model).latents
        if len(latents) != 1:
            return "dip expects one stochastic layer, this model has several: use objective=factor"
        (q_z,) = (latent.q_z for latent in latents)
        base = q_z.base_dist if isinstance(q_z, Independent) else q_z
        is_fine = isinstance(base, (Normal, MultivariateNormal))
        return "" if is_fine else "dip needs a normal posterior, whose covariance is known"

    def __call__(self, model: VAE, batch: Batch, step: Tensor, critic: nn.Module | None = None) -> Loss:
        inference = model.infer(batch)
        q_z = inference.latents[0].q_z
        covariance = covariance_of_rows(q_z.mean)
        if self.variant == "ii":
            covariance = covariance + _covariances(q_z).mean(0)
        diagonal = torch.diagonal(covariance)
        penalty = self.off_diagonal * (covariance.square().sum() - diagonal.square().sum())
        penalty = penalty + self.diagonal * (diagonal - 1).square().sum()
        beta = value_at(self.beta, step)
        return Loss.of(inference.distortion.mean() + beta * inference.rate.mean() + penalty, model, inference, beta)


def covariance_of_rows(mu: Tensor) -> Tensor:
    """Return the covariance `(D, D)` of rows `(B, D)`, with 1/B as the paper has it (one row has none: zeros)."""
    centered = mu - mu.mean(0)
    return centered.T @ centered / len(mu)


def _covariances(q_z: Distribution) -> Tensor:
    """Return each example's covariance, `(B, D, D)`."""
    return q_z.covariance_matrix if isinstance(q_z, MultivariateNormal) else torch.diag_embed(q_z.variance)
