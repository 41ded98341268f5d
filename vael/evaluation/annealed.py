"""Annealed importance sampling: log p(x) by walking from an easy distribution of z to p(z) p(x | z).

    f_β(z) = p_0(z)^(1−β) [p(z) p(x|z)]^β,   log w = Σ_t (β_t − β_{t−1}) [log p(z) p(x|z) − log p_0(z)] at z_{t−1},

where z_t comes from z_{t−1} by Hamiltonian Monte Carlo that leaves f_{β_t} as it is. The mean of w is p(x) whatever the
number of steps, so log mean w is a lower bound of log p(x) in expectation, far tighter than importance sampling where
the posterior is a poor proposal. Step sizes are found by a pilot run of its own: were they adapted on the way, the
weights would lose their meaning.

References: "Annealed importance sampling", Neal 2001, https://arxiv.org/abs/physics/9803008; "On the quantitative
analysis of decoder-based generative models", Wu et al. 2017, https://arxiv.org/abs/1611.04273.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Distribution

from vael.data.batches import DeviceData
from vael.errors import VaelError
from vael.evaluation.examples import BATCH_SIZE, CELLS_AT_ONCE, choose_examples, mean_and_error, measuring
from vael.models import VAE, OneLayerVAE
from vael.types import Batch

__all__ = ["Annealed", "check_evidence", "estimate_annealed"]

Start = Literal["prior", "posterior"]

SHARPNESS = 4.0  # of the sigmoid schedule, as in Wu et al.: small steps near β = 0 and β = 1
ACCEPTANCE = 0.65  # the share of accepted proposals that the pilot steers to (Neal 2011, section 5.4.4)
ADAPTATION = 0.2  # by how much the pilot moves log step size for each unit of missed acceptance
FIRST_STEP_SIZE = 0.2


@dataclass(frozen=True)
class Annealed:
    """Hold estimates of log p(x); nats an example.

    Arguments:
        num_examples: N, how many examples were looked at.
        num_chains: K, independent chains for each.
        num_steps: T, temperatures.
        start: Where the chains start: p(z) or q(z | x).
        log_px_nats: The mean over examples of log mean w ≤ log p(x) in expectation.
        log_px_nats_se: Its standard error over examples.
        chain_nats_se: The part of it that is due to chains: what more chains or steps would remove.
        effective_chains: The mean over examples of (Σw)² / Σw², between 1 and K; near 1 the estimate is too low.
        acceptance: The share of accepted proposals, 0 to 1.
    """

    num_examples: int
    num_chains: int
    num_steps: int
    start: Start
    log_px_nats: float
    log_px_nats_se: float
    chain_nats_se: float
    effective_chains: float
    acceptance: float

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers by name, as JSON holds them."""
        return asdict(self)


def check_evidence(model: VAE, measure: str) -> OneLayerVAE:
    """Return the model where log p(x) is an integral over one layer of real latents.

    Raises:
        VaelError: It has several layers, latents on another space, or a likelihood that is no density.
    """
    if not isinstance(model, OneLayerVAE):
        raise VaelError(
            f"{measure} expects a model with one stochastic layer, got {len(model.latent_dims)}: use evaluate"
        )
    supports = {model.prior.support, model.posterior.support} - {"real"}
    if supports:
        raise VaelError(f"{measure} expects real latents, got the support '{supports.pop()}': use evaluate")
    if model.observation.domain not in model.likelihood.densities:
        raise VaelError(
            f"{measure} expects a likelihood that is a density, got one that is none on the domain "
            f"'{model.observation.domain}': use treatment = 'rounded' or another likelihood"
        )
    return model


def estimate_annealed(
    model: VAE,
    data: DeviceData,
    *,
    num_examples: int | None = 100,
    num_chains: int = 8,
    num_steps: int = 200,
    num_leapfrogs: int = 5,
    start: Start = "posterior",
    seed: int = 0,
) -> Annealed:
    """Estimate log p(x) by annealed importance sampling.

    Arguments:
        model: The model; it is put into evaluation mode.
        data: The examples.
        num_examples: How many to draw of them; None takes all.
        num_chains: K ≥ 1 chains for each.
        num_steps: T ≥ 1 temperatures.
        num_leapfrogs: Leapfrog steps of one proposal, ≥ 1.
        start: Draw the first z from p(z) or from q(z | x).
        seed: Seed of every draw.

    Raises:
        VaelError: The model has several layers, no real latents or no density; a count < 1.
    """
    sampled = check_evidence(model, "annealed importance sampling")
    if min(num_chains, num_steps, num_leapfrogs) < 1:
        raise VaelError(f"chains, steps and leapfrogs expect ≥ 1, got {num_chains}, {num_steps} and {num_leapfrogs}")
    if start == "posterior" and not model.has_density:
        raise VaelError("annealing from the posterior expects one with a density, got none: use start = 'prior'")
    chosen = choose_examples(data, num_examples, seed)
    batch_size = min(BATCH_SIZE, max(1, CELLS_AT_ONCE // (num_chains * model.observation.num_dims)))
    log_w, accepted = [], []
    with measuring(model, seed):
        for batch in chosen.in_order(batch_size):
            path = _Path.of(sampled, batch, start)
            sizes = _adapt(path, max(2, num_chains // 4), num_steps, num_leapfrogs)
            weights, acceptance = _anneal(path, sizes, num_chains, num_leapfrogs)
            log_w.append(weights.cpu())
            accepted.append(acceptance)
    return _summarise(torch.cat(log_w, 1), float(np.mean(accepted)), num_steps, start)


def _summarise(log_w: Tensor, acceptance: float, num_steps: int, start: Start) -> Annealed:
    num_chains, num_examples = log_w.shape
    log_px = torch.logsumexp(log_w, 0) - math.log(num_chains)
    share = torch.softmax(log_w, 0)  # of each chain in its example's estimate
    effective = 1 / share.square().sum(0)
    variance = (share - 1 / num_chains).square().sum(0) * num_chains / max(num_chains - 1, 1)
    chain_error = math.sqrt(float(variance.sum())) / num_examples
    mean, error = mean_and_error(log_px.numpy())
    return Annealed(
        num_examples,
        num_chains,
        num_steps,
        start,
        mean,
        error,
        chain_error,
        float(effective.mean()),
        acceptance,
    )


@dataclass(frozen=True)
class _Path:
    """Hold both ends of the path for a batch: p_0(z) and p(z) p(x | z)."""

    model: OneLayerVAE
    batch: Batch
    p_z: Distribution
    p_0: Distribution

    @classmethod
    @torch.no_grad()
    def of(cls, model: OneLayerVAE, batch: Batch, start: Start) -> "_Path":
        p_z = model.prior(model.encode, batch.context)
        return cls(model, batch, p_z, p_z if start == "prior" else model.encode(batch.x, batch.context))

    def draw(self, num_chains: int) -> Tensor:
        """Draw the first z, `(K, B, D)`."""
        with torch.no_grad():
            count = (num_chains,) if self.p_0.batch_shape else (num_chains, len(self.batch.x))
            return self.p_0.sample(torch.Size(count))

    def evaluate(self, z: Tensor, beta: float) -> tuple[Tensor, Tensor, Tensor]:
        """Return log f_β `(K, B)`, its gradient `(K, B, D)` and what the weights read, log f_1 − log f_0 `(K, B)`."""
        z = z.detach().requires_grad_()
        context = self.batch.context
        context = None if context is None else context.expand(len(z), *context.shape)
        log_px = self.model.decode(z, context).log_prob(self.batch.x)
        log_pz, log_p0 = self.p_z.log_prob(z), self.p_0.log_prob(z)
        rise = log_px if self.p_0 is self.p_z else log_px + log_pz - log_p0
        log_f = log_p0 + beta * rise
        (gradient,) = torch.autograd.grad(log_f.sum(), z)
        return log_f.detach(), gradient, rise.detach()


def _schedule(num_steps: int) -> list[float]:
    """Return β_0 = 0 < … < β_T = 1."""
    steps = torch.linspace(-SHARPNESS, SHARPNESS, num_steps + 1, dtype=torch.float64)
    heights = torch.sigmoid(steps)
    return ((heights - heights[0]) / (heights[-1] - heights[0])).tolist()


def _adapt(path: _Path, num_chains: int, num_steps: int, num_leapfrogs: int) -> Tensor:
    """Walk the path once to find the step size of each temperature and example, `(T, B)`."""
    log_size = torch.full((len(path.batch.x),), math.log(FIRST_STEP_SIZE), device=path.batch.x.device)
    z, sizes = path.draw(num_chains), []
    for beta in _schedule(num_steps)[1:]:
        log_f, gradient, _ = path.evaluate(z, beta)
        sizes.append(torch.exp(log_size))
        z, probability = _move(path, z, beta, (log_f, gradient), sizes[-1], num_leapfrogs)
        log_size = log_size + ADAPTATION * (probability.mean(0) - ACCEPTANCE)
    return torch.stack(sizes)


def _anneal(path: _Path, sizes: Tensor, num_chains: int, num_leapfrogs: int) -> tuple[Tensor, float]:
    """Return log w `(K, B)` in float64 and the mean acceptance."""
    betas, z = _schedule(len(sizes)), path.draw(num_chains)
    log_w, accepted = torch.zeros(z.shape[:2], dtype=torch.float64, device=z.device), 0.0
    for step, size in enumerate(sizes):
        log_f, gradient, rise = path.evaluate(z, betas[step + 1])
        log_w += (betas[step + 1] - betas[step]) * rise.double()
        z, probability = _move(path, z, betas[step + 1], (log_f, gradient), size, num_leapfrogs)
        accepted += float(probability.mean()) / len(sizes)
    return log_w, accepted


def _move(
    path: _Path, z: Tensor, beta: float, here: tuple[Tensor, Tensor], size: Tensor, num_leapfrogs: int
) -> tuple[Tensor, Tensor]:
    """Propose by leapfrogs with fresh momentum and accept or refuse; return z and the acceptance probability."""
    log_f, gradient = here
    step = (size * (0.8 + 0.4 * torch.rand_like(size))).unsqueeze(-1)  # jitter, lest a trajectory close on itself
    momentum = torch.randn_like(z)
    before = log_f - 0.5 * momentum.square().sum(-1)
    there, new_log_f = z, log_f
    for _ in range(num_leapfrogs):
        momentum = momentum + 0.5 * step * gradient
        there = there + step * momentum
        new_log_f, gradient, _ = path.evaluate(there, beta)
        momentum = momentum + 0.5 * step * gradient
    after = new_log_f - 0.5 * momentum.square().sum(-1)
    probability = torch.exp((after - before).clamp(max=0)).nan_to_num(0.0)  # a trajectory that diverged is refused
    is_accepted = torch.rand_like(probability) < probability
    return torch.where(is_accepted.unsqueeze(-1), there, z), probability
