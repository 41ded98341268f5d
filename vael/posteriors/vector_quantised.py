"""The vector-quantised posterior: the encoder's vectors are replaced by their nearest entries in a codebook."""

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from vael.distributions.quantised import Quantised
from vael.errors import VaelError
from vael.posteriors.base import Posterior

__all__ = ["VectorQuantised"]

DEAD_SHARE = 0.1  # of the average use: an entry that is chosen less often is placed anew
SMOOTHING = 1e-5  # keeps an entry that was never chosen from dividing by zero


class VectorQuantised(Posterior):
    """Cut the encoder's D numbers into N vectors and round each to a codebook of C entries.

    The decoder reads the entries; the prior speaks of which they are, so that the rate is −log p(codes): N·S·log C
    under `uniform-categorical`. With S > 1 stages (a codebook each) what one stage leaves over is rounded by the next.
    The gradient passes straight through the rounding. The entries are moving averages of the vectors that chose them,
    updated at every step of a training; those that are hardly ever chosen (all of them, at the first step) are placed
    on vectors of the batch.
    References: "Neural discrete representation learning", van den Oord et al. 2017, https://arxiv.org/abs/1711.00937;
    stages, "Autoregressive image generation using residual quantization", Lee et al. 2022,
    https://arxiv.org/abs/2203.01941; placing anew, "Jukebox", Dhariwal et al. 2020, https://arxiv.org/abs/2005.00341.

    Arguments:
        in_features: H.
        latent_dim: D, which N divides.
        num_vectors: N.
        codebook_size: C ≥ 2.
        num_stages: S ≥ 1.
        commitment: The weight of Σ |vector − entry|², which keeps the encoder close to the codebook.
        decay: Of the moving averages, a step.

    Raises:
        VaelError: N does not divide D, or a number out of range.
    """

    support = "one-hot"
    is_reparametrised = False
    codebook: Tensor
    counts: Tensor
    sums: Tensor

    def __init__(
        self,
        in_features: int,
        latent_dim: int,
        *,
        num_vectors: int = 4,
        codebook_size: int = 64,
        num_stages: int = 1,
        commitment: float = 0.25,
        decay: float = 0.99,
    ) -> None:
        super().__init__(in_features, latent_dim)
        if num_vectors < 1 or latent_dim % num_vectors:
            raise VaelError(
                f"posterior 'vector-quantised' cuts D numbers into num_vectors of them, got model.latent_dim="
                f"{latent_dim} and num_vectors={num_vectors}: use a multiple, model.latent_dim={4 * num_vectors}"
            )
        if codebook_size < 2 or num_stages < 1 or commitment < 0 or not 0 <= decay < 1:
            raise VaelError(
                "posterior 'vector-quantised' expects codebook_size ≥ 2, num_stages ≥ 1, commitment ≥ 0 and decay "
                f"in [0, 1), got {codebook_size}, {num_stages}, {commitment} and {decay}"
            )
        self.num_vectors = num_vectors
        self.codebook_size = codebook_size
        self.commitment = commitment
        self.decay = decay
        self.code_dim = num_vectors * num_stages * codebook_size
        width = latent_dim // num_vectors
        self.head = nn.Linear(in_features, latent_dim)
        self.register_buffer("codebook", torch.randn(num_stages, codebook_size, width))
        self.register_buffer("counts", torch.zeros(num_stages, codebook_size))
        self.register_buffer("sums", torch.zeros(num_stages, codebook_size, width))

    def forward(self, features: Tensor) -> Distribution:
        flat = self.head(features).float()
        vectors = flat.unflatten(-1, (self.num_vectors, -1))
        with torch.autocast(flat.device.type, enabled=False):
            rest, codes, distances = vectors, [], []
            for stage in range(len(self.codebook)):
                chosen, entry = self._round(rest.detach(), stage)
                distances.append((rest - entry).square().sum((-2, -1)))
                rest = rest - entry
                codes.append(chosen)
        entries = (vectors - rest).detach()
        point = entries.flatten(-2) + (flat - flat.detach())  # the bracket is exactly zero
        penalty = self.commitment * torch.stack(distances).sum(0)
        return Quantised(point, torch.stack(codes, -2).flatten(-3), penalty)

    def place(self, code: Tensor) -> Tensor:
        """Return the entries `(…, D)` that one-hot codes `(…, N·S·C)` stand for, the stages added up."""
        num_stages = len(self.codebook)
        chosen = code.unflatten(-1, (self.num_vectors, num_stages, self.codebook_size))
        return torch.einsum("...nsc,sce->...ne", chosen, self.codebook).flatten(-2)

    @torch.no_grad()
    def _round(self, vectors: Tensor, stage: int) -> tuple[Tensor, Tensor]:
        """Return the nearest entries of vectors `(B, N, E)`: one-hot `(B, N, C)`, and themselves `(B, N, E)`."""
        codebook = self.codebook[stage].clone()  # the update below must not change what was looked up
        distance = codebook.square().sum(-1) - 2 * vectors @ codebook.T  # without |vector|², the same for every entry
        index = distance.argmin(-1)
        chosen = (index.unsqueeze(-1) == torch.arange(self.codebook_size, device=index.device)).float()
        if self.training:
            self._follow(vectors.flatten(0, 1), chosen.flatten(0, 1), stage)
        return chosen, codebook[index]

    def _follow(self, vectors: Tensor, chosen: Tensor, stage: int) -> None:
        """Move the entries of a stage towards the vectors `(M, E)` that chose them, `(M, C)`."""
        counts, sums = self.counts[stage], self.sums[stage]
        counts.lerp_(chosen.sum(0), 1 - self.decay)
        sums.lerp_(chosen.T @ vectors, 1 - self.decay)
        average = len(vectors) / self.codebook_size
        is_dead = counts < DEAD_SHARE * average
        others = vectors[torch.randint(len(vectors), (self.codebook_size,), device=vectors.device)]
        counts.copy_(torch.where(is_dead, average, counts))
        sums.copy_(torch.where(is_dead.unsqueeze(-1), average * others, sums))
        self.codebook[stage].copy_(sums / (counts + SMOOTHING).unsqueeze(-1))
