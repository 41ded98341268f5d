"""The regularised autoencoder: a deterministic code, and a smooth decoder in place of noise."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from vael.errors import VaelError
from vael.models import VAE, Inference, OneLayerVAE
from vael.objectives.base import Loss, Objective, code_of
from vael.types import Batch

__all__ = ["Regularised"]


@dataclass(frozen=True)
class Regularised(Objective):
    """Minimise distortion + λ_z · ½|z|² + λ · R, R a regulariser of the decoder g.

    R is the sum of the squares of its weights (`l2`), or ½ |∂g/∂z|²_F at the codes (`gradient-penalty`), g the mean of
    p(x | z). The Frobenius norm is estimated without bias by one random vector of signs v an example: E |vᵀ ∂g/∂z|².
    Fit a distribution to the codes afterwards to draw samples.
    Reference: "From variational to deterministic autoencoders", Ghosh et al. 2020, https://arxiv.org/abs/1903.12436.

    Arguments:
        regulariser: `l2`, `gradient-penalty` or `none`.
        latent_weight: λ_z ≥ 0.
        decoder_weight: λ ≥ 0.
    """

    needs_density = False

    regulariser: Literal["l2", "gradient-penalty", "none"] = "l2"
    latent_weight: float = 1e-2
    decoder_weight: float = 1e-4

    def __post_init__(self) -> None:
        """Refuse weights that make no sense."""
        if min(self.latent_weight, self.decoder_weight) < 0:
            raise VaelError(
                f"regularised expects latent_weight ≥ 0 and decoder_weight ≥ 0, "
                f"got {self.latent_weight} and {self.decoder_weight}"
            )

    def find_misfit(self, model: VAE) -> str:
        if model.has_density:
            return "regularised puts a regulariser in place of noise, this posterior draws z"
        is_fine = isinstance(model, OneLayerVAE)
        return "" if is_fine else "regularised expects one stochastic layer, this model has several"

    def __call__(self, model: VAE, batch: Batch, step: Tensor, critic: nn.Module | None = None) -> Loss:
        inference = model.infer(batch)
        value = inference.distortion.mean() + 0.5 * self.latent_weight * code_of(inference).square().sum(1).mean()
        if self.regulariser == "l2" and isinstance(model, OneLayerVAE):
            squares = [param.square().sum() for param in model.decoder.parameters()]
            value = value + self.decoder_weight * torch.stack(squares).sum()
        if self.regulariser == "gradient-penalty":
            value = value + self.decoder_weight * gradient_penalty(inference)
        return Loss.of(value, model, inference, torch.zeros_like(step))


def gradient_penalty(inference: Inference) -> Tensor:
    """Estimate the batch mean of ½ |∂ mean of p(x | z) / ∂z|²_F by random signs, `()`, with gradient."""
    z, mean = inference.latents[0].z, inference.p_x.mean
    signs = torch.where(torch.rand(mean.shape, device=mean.device) < 0.5, -1.0, 1.0)
    (slope,) = torch.autograd.grad((mean * signs).sum(), z, create_graph=True)
    return 0.5 * slope.square().sum(-1).mean()
