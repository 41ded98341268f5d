"""The β-TC-VAE: the rate taken apart, and a weight on the part that holds the latents' dependence."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.distributions import Independent

from vael.errors import VaelError
from vael.models import VAE, Inference
from vael.objectives.base import Loss, Objective, probe, value_at
from vael.schedules import Schedule
from vael.types import Batch

__all__ = ["TotalCorrelation"]


@dataclass(frozen=True)
class TotalCorrelation(Objective):
    """Minimise distortion + α · I(x; z) + β · TC(z) + γ · Σ_d KL(q(z_d) ‖ p(z_d)), the three parts of the mean rate.

        I = E log q(z|x)/q(z),   TC = E log q(z)/Π_d q(z_d),   the rest = E log Π_d q(z_d)/p(z),

    with q(z) = 1/N Σ_n q(z|x_n) over the N training examples, estimated from the batch. With α = β = γ = 1 they add up
    to the rate whatever the estimate is.
    Reference: "Isolating sources of disentanglement in variational autoencoders", Chen et al. 2018,
    https://arxiv.org/abs/1802.04942, eq. 2 and appendix C.

    Arguments:
        alpha: α ≥ 0, the weight of the mutual information.
        beta: β ≥ 0, the weight of the total correlation: a number or a schedule.
        gamma: γ ≥ 0, the weight of the single dimensions' divergence.
        estimator: `stratified` gives an unbiased q(z) (the batch's other examples stand for the N − 1 others);
            `weighted` is a bound of it.
        num_examples: N ≥ 0; 0 takes the number of training examples.
    """

    needs_reparametrised = True

    alpha: float = 1.0
    beta: float | Schedule = 6.0
    gamma: float = 1.0
    estimator: Literal["stratified", "weighted"] = "stratified"
    num_examples: int = 0

    def __post_init__(self) -> None:
        """Refuse weights that make no sense."""
        numbers = [n for n in (self.alpha, self.beta, self.gamma, self.num_examples) if isinstance(n, (int, float))]
        if min(numbers) < 0:
            raise VaelError(f"total-correlation expects alpha, beta, gamma, num_examples ≥ 0, got {numbers}")

    def find_misfit(self, model: VAE) -> str:
        latents = probe(model).latents
        if len(latents) != 1:
            return "total-correlation expects one stochastic layer, this model has several: use objective=factor"
        is_fine = all(isinstance(latent.q_z, Independent) for latent in latents)
        return "" if is_fine else "total-correlation needs independent latents, as diagonal-normal has"

    def __call__(self, model: VAE, batch: Batch, step: Tensor, critic: nn.Module | None = None) -> Loss:
        inference = model.infer(batch)
        latent = inference.latents[0]
        z = latent.z[0]
        log_joint, log_product = self._aggregated(inference)
        beta = value_at(self.beta, step)
        information = latent.q_z.log_prob(z) - log_joint
        dependence = log_joint - log_product
        rest = log_product - latent.p_z.log_prob(z)
        weighted = self.alpha * information + beta * dependence + self.gamma * rest
        return Loss.of(inference.distortion.mean() + weighted.mean(), model, inference, beta)

    def _aggregated(self, inference: Inference) -> tuple[Tensor, Tensor]:
        """Estimate log q(z) and log Π_d q(z_d) at the draws; nats, `(B,)` each."""
        q_z, z = inference.latents[0].q_z, inference.latents[0].z[0]
        assert isinstance(q_z, Independent)
        per_dim = q_z.base_dist.log_prob(z.unsqueeze(1))  # z of row b under the posterior of column n, (B, B, D)
        log_weights = self._log_weights(len(z), z.device)
        log_joint = torch.logsumexp(per_dim.sum(-1) + log_weights, 1)
        return log_joint, torch.logsumexp(per_dim + log_weights.unsqueeze(-1), 1).sum(-1)

    def _log_weights(self, batch_size: int, device: torch.device) -> Tensor:
        """Return the log of what q(z_b | x_n) weighs in q(z_b), `(B, B)`.

        Stratified: 1/N for the example itself, (N − 1)/N shared by the B − 1 others. The paper gives the others unequal
        shares of the same sum; equal ones have the same expectation and less variance. Weighted: 1/(N B) for all.
        """
        num_examples = max(self.num_examples, batch_size)
        if self.estimator == "weighted":
            return torch.full((batch_size, batch_size), -math.log(num_examples * batch_size), device=device)
        others = math.log(max(num_examples - 1, 1) / (num_examples * max(batch_size - 1, 1)))
        is_own = torch.eye(batch_size, dtype=torch.bool, device=device)
        return torch.full_like(is_own, others, dtype=torch.float32).masked_fill(is_own, -math.log(num_examples))
