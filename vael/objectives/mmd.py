"""Match the aggregated posterior to the prior by their samples: InfoVAE and the Wasserstein autoencoders."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from vael.errors import VaelError
from vael.models import VAE
from vael.objectives.base import Loss, Objective, code_of, value_at
from vael.schedules import Schedule
from vael.types import Batch

__all__ = ["MMD", "mmd_squared", "sliced_wasserstein_squared"]


@dataclass(frozen=True)
class MMD(Objective):
    """Minimise distortion + β · rate + λ · divergence(q(z), p(z)) between codes of the batch and draws of the prior.

    β = 0 is the Wasserstein autoencoder, and works with posteriors that have no density; the InfoVAE has β = 1 − α and
    α − 1 more in λ. The draws of the prior carry no gradient: with β = 0 a prior that learns would stay as it is.
    References: InfoVAE, Zhao et al. 2019, https://arxiv.org/abs/1706.02262; Wasserstein autoencoders, Tolstikhin et al.
    2018, https://arxiv.org/abs/1711.01558; the sliced distance, Kolouri et al. 2018, https://arxiv.org/abs/1804.01947.

    Arguments:
        weight: λ ≥ 0: a number or a schedule.
        beta: The weight of the rate: a number ≥ 0 or a schedule.
        divergence: `mmd`, the squared maximum mean discrepancy, or `sliced-wasserstein`, the squared distance.
        kernel: Of the mmd: `imq`, 1/(1 + r²/2Ds), or `rbf`, exp(−r²/2Ds), with r = |z − z'| and s the scale.
        scales: s > 0; the mean over several kernels.
        num_projections: Random directions of the sliced distance.
    """

    needs_reparametrised = True

    weight: float | Schedule = 100.0
    beta: float | Schedule = 0.0
    divergence: Literal["mmd", "sliced-wasserstein"] = "mmd"
    kernel: Literal["imq", "rbf"] = "imq"
    scales: tuple[float, ...] = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
    num_projections: int = 50

    def __post_init__(self) -> None:
        """Refuse weights that make no sense."""
        if any(isinstance(weight, (int, float)) and weight < 0 for weight in (self.weight, self.beta)):
            raise VaelError(f"mmd expects weight ≥ 0 and beta ≥ 0, got {self.weight} and {self.beta}")
        if min(self.scales, default=0.0) <= 0 or self.num_projections < 1:
            raise VaelError(
                f"mmd expects scales such as [1.0], each > 0, and num_projections ≥ 1, "
                f"got {list(self.scales)} and {self.num_projections}"
            )

    @property
    def needs_density(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Without a weight the rate is not read."""
        return self.beta != 0

    def __call__(self, model: VAE, batch: Batch, step: Tensor, critic: nn.Module | None = None) -> Loss:
        inference = model.infer(batch)
        z = code_of(inference)
        with torch.no_grad():
            drawn = model.draw(len(z), batch.context)
        value = inference.distortion.mean() + value_at(self.weight, step) * self._between(z, drawn)
        beta = value_at(self.beta, step)
        if self.needs_density:
            value = value + beta * inference.rate.mean()
        return Loss.of(value, model, inference, beta)

    def _between(self, z: Tensor, drawn: Tensor) -> Tensor:
        if self.divergence == "mmd":
            return mmd_squared(z, drawn, KERNELS[self.kernel], self.scales)
        directions = torch.randn(z.shape[-1], self.num_projections, device=z.device)
        return sliced_wasserstein_squared(z, drawn, directions / directions.norm(dim=0))


def mmd_squared(first: Tensor, second: Tensor, kernel: Callable[[Tensor], Tensor], scales: tuple[float, ...]) -> Tensor:
    """Estimate E k(z, z') + E k(y, y') − 2 E k(z, y) without bias (so below 0 at times), `()`.

    Reference: "A kernel two-sample test", Gretton et al. 2012, lemma 6, https://jmlr.org/papers/v13/gretton12a.html.

    Arguments:
        first: z, `(B, D)`.
        second: y, `(B, D)`.
        kernel: r²/2Ds ↦ k.
        scales: s.
    """
    count, latent_dim = first.shape
    is_other = 1 - torch.eye(count, device=first.device)
    total = torch.zeros((), device=first.device)
    pairs = [
        _squared_distances(a, b) / (2 * latent_dim) for a, b in ((first, first), (second, second), (first, second))
    ]
    for scale in scales:
        within, beyond, across = (kernel(distance / scale) for distance in pairs)
        inside = ((within + beyond) * is_other).sum() / max(count * (count - 1), 1)
        total = total + inside - 2 * across.mean()
    return total / len(scales)


KERNELS: dict[str, Callable[[Tensor], Tensor]] = {"imq": lambda t: 1 / (1 + t), "rbf": lambda t: torch.exp(-t)}


def sliced_wasserstein_squared(first: Tensor, second: Tensor, directions: Tensor) -> Tensor:
    """Return the mean over directions `(D, P)` of W₂² between the projected rows `(B, D)`, `()`."""
    return (torch.sort(first @ directions, 0).values - torch.sort(second @ directions, 0).values).square().mean()


def _squared_distances(first: Tensor, second: Tensor) -> Tensor:
    """Return |a − b|² for every pair, `(A, B)`; by differences, so that none is negative or loses digits."""
    return (first.unsqueeze(1) - second.unsqueeze(0)).square().sum(-1)
