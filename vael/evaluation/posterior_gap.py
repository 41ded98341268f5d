"""Why the bound is loose: the encoder's fault, or its family's.

    log p(x) − L[q] = (log p(x) − L[q*])  +  (L[q*] − L[q])
                       approximation gap      amortisation gap

with q* the best member of the posterior's family for this x alone, found by gradient steps from what the encoder says.
A large amortisation gap asks for a larger encoder, a large approximation gap for a richer posterior.
Reference: "Inference suboptimality in variational autoencoders", Cremer et al. 2018, https://arxiv.org/abs/1801.03558.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal

from vael.data.batches import DeviceData
from vael.errors import VaelError
from vael.evaluation.annealed import check_evidence
from vael.evaluation.examples import BATCH_SIZE, CELLS_AT_ONCE, choose_examples, mean_and_error, measuring
from vael.models import VAE, Inference, Latent, OneLayerVAE
from vael.random import seeded
from vael.types import Batch

__all__ = ["PosteriorGap", "measure_gap"]

Family = Literal["diagonal-normal", "full-normal"]
Best = Callable[[], Distribution]

LEARNING_RATE = 0.02
DRAWS_PER_STEP = 8


@dataclass(frozen=True)
class PosteriorGap:
    """Hold the parts of log p(x) − ELBO; nats an example.

    Arguments:
        num_examples: N, how many examples were looked at.
        num_samples: K, draws for each bound.
        family: That of the encoder's posterior.
        elbo_nats: L[q] of the encoder.
        diagonal_elbo_nats: L of the best normal with independent latents.
        full_elbo_nats: L of the best normal with its full covariance.
        log_px_nats: log p(x), importance-weighted with the best full normal: a lower bound in expectation.
        amortisation_gap_nats: L[q*] − L[q], q* the best of the encoder's own family.
        approximation_gap_nats: log p(x) − L[q*].
    """

    num_examples: int
    num_samples: int
    family: Family
    elbo_nats: float
    elbo_nats_se: float
    diagonal_elbo_nats: float
    diagonal_elbo_nats_se: float
    full_elbo_nats: float
    full_elbo_nats_se: float
    log_px_nats: float
    log_px_nats_se: float
    amortisation_gap_nats: float
    amortisation_gap_nats_se: float
    approximation_gap_nats: float
    approximation_gap_nats_se: float

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers by name, as JSON holds them."""
        return asdict(self)


def measure_gap(
    model: VAE,
    data: DeviceData,
    *,
    num_examples: int | None = 100,
    num_steps: int = 600,
    num_samples: int = 1000,
    seed: int = 0,
) -> PosteriorGap:
    """Split log p(x) − ELBO into approximation gap and amortisation gap.

    Arguments:
        model: The model; it is put into evaluation mode.
        data: The examples.
        num_examples: How many to draw of them; None takes all.
        num_steps: Gradient steps for each family.
        num_samples: K draws for each bound and for log p(x), none of which the gradient steps saw.
        seed: Seed of every draw.

    Raises:
        VaelError: The model has several layers, no real latents or no density, or its posterior is not normal.
    """
    if min(num_samples, num_steps) < 1:
        raise VaelError(f"the posterior gap expects samples and steps ≥ 1, got {num_samples} and {num_steps}")
    fitted, parts = check_evidence(model, "the posterior gap"), []
    family: Family = "diagonal-normal"
    with measuring(model, seed):
        for number, batch in enumerate(choose_examples(data, num_examples, seed).in_order(BATCH_SIZE)):
            fit = _Fit.of(fitted, batch)
            family = fit.family
            diagonal = fit.improve(_diagonal_from(fit.q_z), num_steps)
            full = fit.improve(_full_from(diagonal if family == "diagonal-normal" else fit.q_z), num_steps)
            bounds = [fit.bounds(q, num_samples, seed + number) for q in (fit.q_z, diagonal, full)]
            parts.append(torch.stack([bounds[0][0], bounds[1][0], bounds[2][0], bounds[2][1]]))
    return _summarise(torch.cat(parts, 1), family, num_samples)


def _summarise(values: Tensor, family: Family, num_samples: int) -> PosteriorGap:
    elbo, diagonal, full, log_px = values.cpu().numpy()
    best = full if family == "full-normal" else diagonal
    columns = [elbo, diagonal, full, log_px, best - elbo, log_px - best]
    numbers = [number for column in columns for number in mean_and_error(column)]
    return PosteriorGap(len(elbo), num_samples, family, *numbers)


@dataclass(frozen=True)
class _Fit:
    """Hold what a batch's bounds are made of, the model's weights fixed."""

    model: OneLayerVAE
    batch: Batch
    p_z: Distribution
    q_z: Distribution

    @classmethod
    @torch.no_grad()
    def of(cls, model: OneLayerVAE, batch: Batch) -> "_Fit":
        q_z = model.encode(batch.x, batch.context)
        is_diagonal = isinstance(q_z, Independent) and type(q_z.base_dist) is Normal
        if not is_diagonal and type(q_z) is not MultivariateNormal:
            raise VaelError(
                "the posterior gap expects a normal posterior, whose best member can be found: "
                "use model.posterior=diagonal-normal|full-normal"
            )
        return cls(model, batch, model.prior(model.encode, batch.context), q_z)

    @property
    def family(self) -> Family:
        return "full-normal" if isinstance(self.q_z, MultivariateNormal) else "diagonal-normal"

    def infer(self, q_z: Distribution, num_samples: int) -> Inference:
        z, context = q_z.rsample(torch.Size((num_samples,))), self.batch.context
        context = None if context is None else context.expand(len(z), *context.shape)
        return Inference(self.batch.x, self.model.decode(z, context), (Latent(z, q_z, self.p_z),))

    def improve(self, start: tuple[Best, list[Tensor]], num_steps: int) -> Distribution:
        """Climb the bound by Adam, each example on its own, with a learning rate that falls to zero."""
        best, parameters = start
        optimizer = torch.optim.Adam(parameters, lr=LEARNING_RATE, betas=(0.9, 0.98))  # soon forgets the steep start
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, num_steps)
        for _ in range(num_steps):
            loss = -self.infer(best(), DRAWS_PER_STEP).elbo.sum()
            for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
                parameter.grad = gradient
            optimizer.step()
            schedule.step()
        with torch.no_grad():
            return best()

    @torch.no_grad()
    def bounds(self, q_z: Distribution, num_samples: int, seed: int) -> tuple[Tensor, Tensor]:
        """Return the ELBO and the importance-weighted bound, `(B,)` each in float64; one seed gives one noise."""
        at_once = max(1, CELLS_AT_ONCE // self.batch.x.numel())
        log_px, log_w, rate = [], [], None
        with seeded(seed):
            for done in range(0, num_samples, at_once):
                inference = self.infer(q_z, min(at_once, num_samples - done))
                log_px.append(inference.log_px.double())
                log_w.append(inference.log_w.double())
                rate = inference.latents[0].exact_rate
        weights, mean_log_px = torch.cat(log_w), torch.cat(log_px).mean(0)
        elbo = weights.mean(0) if rate is None else mean_log_px - rate.double()
        return elbo, torch.logsumexp(weights, 0) - math.log(num_samples)


def _diagonal_from(q_z: Distribution) -> tuple[Best, list[Tensor]]:
    mu, log_sigma = q_z.mean.detach().clone().requires_grad_(), q_z.stddev.detach().log().requires_grad_()
    return lambda: Independent(Normal(mu, log_sigma.exp(), validate_args=False), 1, validate_args=False), [
        mu,
        log_sigma,
    ]


def _full_from(q_z: Distribution) -> tuple[Best, list[Tensor]]:
    lower = (q_z.scale_tril if isinstance(q_z, MultivariateNormal) else torch.diag_embed(q_z.stddev)).detach()
    mu = q_z.mean.detach().clone().requires_grad_()
    log_diagonal = lower.diagonal(dim1=-2, dim2=-1).log().requires_grad_()
    scale = lower.diagonal(dim1=-2, dim2=-1).unsqueeze(-1).clone()  # rows in units of what they start with
    below = (lower.tril(-1) / scale).requires_grad_()

    def best() -> Distribution:
        tril = torch.diag_embed(log_diagonal.exp()) + scale * below.tril(-1)
        return MultivariateNormal(mu, scale_tril=tril, validate_args=False)

    return best, [mu, log_diagonal, below]
