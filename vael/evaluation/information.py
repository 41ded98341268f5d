"""What the latents know of x, and how far all posteriors together are from the prior.

    E_x KL(q(z|x) ‖ p(z)) = I_q(x; z) + KL(q(z) ‖ p(z)),   q(z) = 1/N Σ_n q(z | x_n)

The rate is paid for two things: what z says of x (worth paying for) and the misfit of prior and aggregated posterior
(a loss, which a better prior removes). Reference: "ELBO surgery: yet another way to carve up the variational evidence
lower bound", Hoffman & Johnson 2016, http://approximateinference.org/accepted/HoffmanJohnson2016.pdf.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution

from vael.data.batches import DeviceData
from vael.errors import VaelError
from vael.evaluation.examples import BATCH_SIZE, CELLS_AT_ONCE, choose_examples, mean_and_error, measuring
from vael.models import VAE, drawing

__all__ = ["Information", "measure_information"]


@dataclass(frozen=True)
class Information:
    """Hold the parts of the rate; nats an example.

    Over the N examples at hand, rate = information + marginal divergence holds exactly, and the information cannot
    exceed log N. As a statement about all x it is a lower bound; the one that leaves the example itself out of q(z) is
    an upper bound (Poole et al. 2019, https://arxiv.org/abs/1905.06922, sections 2.1 and 2.2). Where the two are far
    apart, more examples are needed.

    Arguments:
        num_examples: N.
        rate_nats: The mean of log q(z | x) − log p(z) at one draw each.
        information_nats: I_q(x; z), the lower bound.
        information_upper_nats: The upper bound; infinite information is possible where q is narrow and N small.
        ceiling_nats: log N, what the lower bound cannot exceed.
        marginal_kl_nats: KL(q(z) ‖ p(z)) of the N examples: an upper bound of that of all x.
    """

    num_examples: int
    rate_nats: float
    rate_nats_se: float
    information_nats: float
    information_nats_se: float
    information_upper_nats: float
    information_upper_nats_se: float
    ceiling_nats: float
    marginal_kl_nats: float
    marginal_kl_nats_se: float

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers by name, as JSON holds them."""
        return asdict(self)


@torch.inference_mode()
def measure_information(model: VAE, data: DeviceData, *, num_examples: int | None = 5000, seed: int = 0) -> Information:
    """Split the rate into mutual information and the divergence of the aggregated posterior from the prior.

    Arguments:
        model: The model; it is put into evaluation mode.
        data: The examples.
        num_examples: N ≥ 2, how many to draw of them; None takes all. The work grows as N².
        seed: Seed of every draw.

    Raises:
        VaelError: The model has several layers, no density or a condition; fewer than two examples.
    """
    if len(model.latent_dims) != 1 or not model.has_density or model.context_dim:
        raise VaelError(
            "the information expects a model with one stochastic layer, a posterior with a density and no condition: "
            "use evaluate, which gives the rate of every model"
        )
    chosen = choose_examples(data, num_examples, seed)
    if len(chosen) < 2:
        raise VaelError(f"the information expects two examples or more, got {len(chosen)}")
    posteriors, z, own, log_pz = [], [], [], []
    with measuring(model, seed):
        for batch in chosen.in_order(BATCH_SIZE):
            latent = model.infer_latents(batch, drawing(1))[0]
            posteriors.append(latent.q_z)
            z.append(latent.z[0])
            own.append(latent.q_z.log_prob(latent.z)[0].double())
            log_pz.append(latent.p_z.log_prob(latent.z)[0].double())
        others = _log_sum_of_others(posteriors, torch.cat(z))
    return _summarise(torch.cat(own), torch.cat(log_pz), others)


def _log_sum_of_others(posteriors: list[Distribution], z: Tensor) -> Tensor:
    """Return log Σ_{m ≠ n} q(z_n | x_m), `(N,)` in float64, in pieces of the matrix of all pairs."""
    total = torch.full((len(z),), -math.inf, dtype=torch.float64, device=z.device)
    first = 0
    for q_z in posteriors:
        count = q_z.batch_shape[0]
        for rows in torch.arange(len(z), device=z.device).split(max(1, CELLS_AT_ONCE // (count * z.shape[1]))):
            log_q = q_z.log_prob(z[rows].unsqueeze(1)).double()
            is_own = rows.unsqueeze(1) == torch.arange(first, first + count, device=z.device)
            log_q = log_q.masked_fill(is_own, -math.inf)
            total[rows] = torch.logaddexp(total[rows], torch.logsumexp(log_q, 1))
        first += count
    return total


def _summarise(own: Tensor, log_pz: Tensor, others: Tensor) -> Information:
    count = len(own)
    log_qz = torch.logaddexp(own, others) - math.log(count)
    columns = {
        "rate": own - log_pz,
        "information": own - log_qz,
        "information_upper": own - others + math.log(count - 1),
        "marginal_kl": log_qz - log_pz,
    }
    found = {name: mean_and_error(column.cpu().numpy()) for name, column in columns.items()}
    return Information(
        count,
        *found["rate"],
        *found["information"],
        *found["information_upper"],
        math.log(count),
        *found["marginal_kl"],
    )
