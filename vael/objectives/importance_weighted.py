"""Importance-weighted bounds, and the estimators of their gradient.

With log w_k = log p(x, z_k) − log q(z_k | x), the K-sample bound is log (1/K Σ_k w_k). Every estimator here reads

    Σ_k a_k ∂_θ log p(x, z_k)  +  Σ_k c_k (∂ log w_k / ∂z_k) (∂z_k / ∂φ),

θ the weights of the generative model and φ those of q, with weights a and c that are constants to the gradient: the
members differ in them alone, and in whether q is also differentiated at a fixed z.

With a warm-up, log w_k = log p(x | z_k) + β (log p(z_k) − log q(z_k | x)). Differentiating q at a fixed z then weighs β
times as much, so that the doubly reparametrised gradient has c = (1 − β) w̃ + β w̃², w̃ the normalised weights: the
derivation of Tucker et al. with β log q in place of log q, and w̃² at β = 1.

Since Σ_k a_k = 1, the sums are means over draws k ~ a: of a few draws taken so, a_k becomes 1/n and c_k becomes
c_k / (n a_k). Most of K weights are next to nothing, so that little is lost where most of the work is saved.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from vael.errors import VaelError
from vael.models import VAE, Inference, Latent, Pick, drawing, given
from vael.objectives.base import Loss, Objective, value_at
from vael.schedules import Schedule
from vael.types import Batch

__all__ = ["ImportanceWeighted"]

LEAST_LOG_WEIGHT = -60.0  # far below float32's rounding of a sum of weights of 1, far above its smallest number


@dataclass(frozen=True)
class ImportanceWeighted(Objective):
    """Maximise log (1/K Σ_k w_k), tighter than the ELBO the larger K is; the mean over the batch.

    References: the bound, Burda et al. 2016, https://arxiv.org/abs/1509.00519; `stl` (sticking the landing: q is not
    differentiated at a fixed z; unbiased for K = 1 only), Roeder et al. 2017, https://arxiv.org/abs/1703.09194; `dreg`
    (doubly reparametrised: unbiased for every K), Tucker et al. 2019, https://arxiv.org/abs/1810.04152; groups, partial
    and mixed bounds (MIWAE, PIWAE, CIWAE), Rainforth et al. 2018, https://arxiv.org/abs/1802.04537.

    Arguments:
        num_samples: K ≥ 1 draws of z in one bound.
        num_groups: M ≥ 1 such bounds for each example, averaged (MIWAE).
        gradient: How the gradient of q is estimated: `plain`, `stl` or `dreg`.
        partial: Whether the generative model follows the one bound over all M·K draws while q follows the M bounds.
        elbo_share: Share in [0, 1] of the ELBO in a mean with the importance-weighted bound (CIWAE).
        num_resampled: n > 0 of all draws that the gradient goes through, drawn again by their weights: the same
            gradient in expectation, and the backward pass of n draws instead of all; 0 takes all.
        beta: The weight ≥ 0 of the log ratio of prior to posterior in log w: 1 is the bound, a schedule up to 1 its
            warm-up, without which fewer latents come to be used.
    """

    num_samples: int = 5
    num_groups: int = 1
    gradient: Literal["plain", "stl", "dreg"] = "plain"
    partial: bool = False
    elbo_share: float = 0.0
    num_resampled: int = 0
    beta: float | Schedule = 1.0

    def __post_init__(self) -> None:
        """Refuse numbers that make no bound."""
        if self.num_samples < 1 or self.num_groups < 1:
            raise VaelError(
                f"importance-weighted expects num_samples ≥ 1 and num_groups ≥ 1, "
                f"got {self.num_samples} and {self.num_groups}"
            )
        if not 0 <= self.elbo_share <= 1:
            raise VaelError(f"objective.elbo_share expects a number in [0, 1], got {self.elbo_share}")
        if self.partial and self.num_groups == 1:
            raise VaelError("objective.partial needs several groups, got num_groups = 1: try objective.num_groups=8")
        if self.num_resampled < 0:
            raise VaelError(f"objective.num_resampled expects a number ≥ 0, got {self.num_resampled}")
        if isinstance(self.beta, (int, float)) and self.beta < 0:
            raise VaelError(f"objective.beta expects a number ≥ 0, got {self.beta}")

    @property
    def needs_reparametrised(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Only the plain gradient keeps q's own derivative."""
        return self.gradient != "plain"

    def find_misfit(self, model: VAE) -> str:
        has_dropout = any(isinstance(part, nn.Dropout) and part.p for part in model.modules())
        if not has_dropout or (self.gradient == "plain" and not self.num_resampled):
            return ""
        what = f"gradient = '{self.gradient}'" if self.gradient != "plain" else "num_resampled"
        return f"{what} reads q twice, which dropout makes differ: use dropout=0, or gradient=plain and num_resampled=0"

    def __call__(self, model: VAE, batch: Batch, step: Tensor, critic: nn.Module | None = None) -> Loss:
        count = self.num_groups * self.num_samples
        beta = value_at(self.beta, step)
        if self.gradient != "plain" or self.partial or self.num_resampled:
            return self._weighted(model, batch, beta, model.infer_latents(batch, drawing(count)))
        inference = model.infer(batch, num_samples=count)
        log_w = inference.log_px - beta * sum(latent.log_ratio for latent in inference.latents)
        return Loss.of(-self._bound(log_w).mean(), model, inference, beta)

    def _weighted(self, model: VAE, batch: Batch, beta: Tensor, drawn: tuple[Latent, ...]) -> Loss:
        """Weigh the terms by constants, and the gradient that reaches z by others.

        Each layer's z is scaled on its way into the densities only: the layers drawn after it depend on z itself.
        """
        scale, is_plain = _GradientScale(), self.gradient == "plain"
        again = self._take_again(model, batch, beta, drawn) if self.num_resampled else None
        z = [scale(part) for part in (again.z if again else [latent.z for latent in drawn])]
        inference = model(batch, given(z))
        log_p = inference.log_px + beta * _log_prior(inference)
        if is_plain:
            log_q = beta * _log_q(model.infer_latents(batch, given(again.z)) if again else drawn)
        else:
            log_q = beta * _log_q(_frozen_latents(model, batch, z))
        log_w = again.log_w if again else (log_p - log_q).detach()
        log_a, log_c = (again.log_a, again.log_c) if again else self._constants(log_w, beta)
        scale.factors = torch.exp(log_c - log_a).unsqueeze(-1)
        a = torch.exp(log_a)
        weighted = (a * log_p - (torch.exp(log_c) if is_plain else a) * log_q).sum(0)
        bound = self._bound(log_w) + weighted - weighted.detach()
        return Loss.of(-bound.mean(), model, again.whole if again else inference, beta)

    def _take_again(self, model: VAE, batch: Batch, beta: Tensor, drawn: tuple[Latent, ...]) -> "_Again":
        """Weigh all draws without a gradient and take n of them by their weights."""
        z = [latent.z for latent in drawn]
        with torch.no_grad():
            whole = model(batch, given(z))
            log_w = whole.log_px + beta * (_log_prior(whole) - _log_q(drawn))
        log_a, log_c = self._constants(log_w, beta)
        index, log_n = _resample(log_a, self.num_resampled), math.log(self.num_resampled)
        taken = [part.gather(0, index.unsqueeze(-1).expand(-1, -1, part.shape[-1])) for part in z]
        even = torch.full_like(index, -log_n, dtype=log_a.dtype)
        return _Again(whole, log_w, even, (log_c - log_a).gather(0, index) - log_n, taken)

    def _constants(self, log_w: Tensor, beta: Tensor) -> tuple[Tensor, Tensor]:
        """Return log a and log c, `(M·K, B)` each."""
        log_a = self._log_weights(log_w, joint=self.partial).clamp(min=LEAST_LOG_WEIGHT)
        return log_a, self._log_weights(log_w, joint=False, dreg_beta=beta if self.gradient == "dreg" else None)

    def _bound(self, log_w: Tensor) -> Tensor:
        """Return the bound, `(B,)`, from log weights `(M·K, B)`; with `partial` the one over all draws."""
        grouped = self._grouped(log_w, joint=self.partial)
        bound = (torch.logsumexp(grouped, 1) - math.log(grouped.shape[1])).mean(0)
        return bound if not self.elbo_share else torch.lerp(bound, log_w.mean(0), self.elbo_share)

    def _log_weights(self, log_w: Tensor, *, joint: bool, dreg_beta: Tensor | None = None) -> Tensor:
        """Return the log of (share/K + (1 − share) w̃) / M, w̃ normalised within a group; `(M·K, B)`.

        With `dreg_beta` β the log of (share/K + (1 − share) ((1 − β) w̃ + β w̃²)) / M.
        """
        grouped = self._grouped(log_w, joint=joint)
        num_groups, num_samples, _ = grouped.shape
        log_weights = torch.log_softmax(grouped, 1)
        if dreg_beta is not None:
            log_weights = log_weights + torch.log1p(dreg_beta * torch.expm1(log_weights))
        if self.elbo_share:
            floor = torch.full_like(log_weights, math.log(self.elbo_share / num_samples))
            rest = math.log1p(-self.elbo_share) if self.elbo_share < 1 else -math.inf
            log_weights = torch.logaddexp(log_weights + rest, floor)
        return (log_weights - math.log(num_groups)).flatten(0, 1)

    def _grouped(self, log_w: Tensor, *, joint: bool) -> Tensor:
        return log_w.unflatten(0, (1, -1) if joint else (self.num_groups, self.num_samples))


@dataclass(frozen=True)
class _Again:
    """Hold n draws that were taken again by their weights.

    Arguments:
        whole: What was inferred with all draws, without a gradient.
        log_w: Of all draws, `(M·K, B)`.
        log_a: Of those taken, `(n, B)`.
        log_c: Of those taken, `(n, B)`.
        z: Of each layer, `(n, B, D)`.
    """

    whole: Inference
    log_w: Tensor
    log_a: Tensor
    log_c: Tensor
    z: list[Tensor]


def _resample(log_a: Tensor, count: int) -> Tensor:
    """Pick n draws by their weights `(M·K, B)`, evenly spread: draw k comes n a_k times, up or down; `(n, B)`."""
    ends = torch.exp(log_a).cumsum(0)
    marks = (torch.arange(count, device=log_a.device).unsqueeze(-1) + torch.rand_like(ends[:1])) / count * ends[-1]
    return (marks.unsqueeze(1) > ends).sum(1).clamp(max=len(log_a) - 1)


class _GradientScale:
    """Pass tensors `(K, B, D)` on as they are and multiply their gradient by factors that are known afterwards."""

    factors: Tensor

    def __call__(self, z: Tensor) -> Tensor:
        passed = z.view_as(z)
        if passed.requires_grad:
            passed.register_hook(lambda grad: grad * self.factors)
        return passed


def _log_prior(inference: Inference) -> Tensor:
    """Return log p(z) of all layers at their samples; nats, `(K, B)`."""
    return torch.stack([latent.p_z.log_prob(latent.z) for latent in inference.latents]).sum(0)


def _log_q(latents: tuple[Latent, ...]) -> Tensor:
    """Return log q of all layers at their samples; nats, `(K, B)`."""
    return torch.stack([latent.q_z.log_prob(latent.z) for latent in latents]).sum(0)


def _frozen_latents(model: VAE, batch: Batch, z: list[Tensor]) -> tuple[Latent, ...]:
    """Infer q at given latents with weights that are constants; running statistics stay as they are."""
    inner = _InferLatents(model)
    frozen = {name: param.detach() for name, param in inner.named_parameters()}
    frozen |= {name: buffer.clone() for name, buffer in inner.named_buffers()}
    return torch.func.functional_call(inner, frozen, (batch, given(z)))


class _InferLatents(nn.Module):
    """Make inference alone a module's forward, so that its weights can be swapped."""

    def __init__(self, model: VAE) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch, pick: Pick) -> tuple[Latent, ...]:
        return self.model.infer_latents(batch, pick)
