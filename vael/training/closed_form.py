"""The linear Gaussian VAE has an exact optimum, and it is probabilistic PCA: no gradient needed.

    p(x|z) = N(Wz + m, σ²I),  p(z) = N(0, I):   W = U_D (Λ_D − σ²I)^½,  σ² = mean of the F − D smallest eigenvalues,
    q(z|x) = p(z|x) = N(M⁻¹Wᵀ(x − m), σ²M⁻¹),   M = WᵀW + σ²I = Λ_D, diagonal.

The ELBO then equals the evidence. Reference: "Probabilistic principal component analysis", Tipping & Bishop 1999,
https://doi.org/10.1111/1467-9868.00196; "Don't blame the ELBO!", Lucas et al. 2019, https://arxiv.org/abs/1911.02469.
"""

import time

import torch
from torch import Tensor, nn

from vael.data.batches import DeviceData
from vael.errors import VaelError
from vael.likelihoods.gaussian import Gaussian
from vael.models import VAE, OneLayerVAE
from vael.networks.mlp import MLPDecoder, MLPEncoder
from vael.posteriors.normal import DiagonalNormal
from vael.priors.standard_normal import StandardNormal
from vael.runs import Record
from vael.training.state import TrainingState

__all__ = ["solve_pca"]

BATCH_SIZE = 1000
MIN_VARIANCE = 1e-6  # data on a lower-dimensional plane have no noise left; a density needs some


@torch.no_grad()
def solve_pca(state: TrainingState, data: DeviceData) -> Record:
    """Write the exact optimum into a linear Gaussian VAE.

    Arguments:
        state: Its model must have linear networks, a Gaussian likelihood with shared variance and identity link, and a
            diagonal normal posterior.
        data: The training examples.

    Raises:
        VaelError: The model is no linear Gaussian VAE, or has as many latents as the data have numbers.
    """
    began = time.perf_counter()
    encoder_head, decoder_out, likelihood = _linear_parts(state.model)
    mean, covariance = _moments(data)
    num_dims, latent_dim = len(mean), state.model.latent_dim
    if latent_dim >= num_dims:
        raise VaelError(f"pca expects model.latent_dim < {num_dims}, the numbers of x, got {latent_dim}")
    eigenvalues, eigenvectors = torch.linalg.eigh(covariance)
    variance = eigenvalues[:-latent_dim].mean().clamp(min=MIN_VARIANCE)
    top = eigenvalues[-latent_dim:].flip(0).clamp(min=variance)
    weights = eigenvectors[:, -latent_dim:].flip(1) * (top - variance).sqrt()
    inverse = weights.T / top.unsqueeze(-1)
    decoder_out.weight.copy_(weights)
    decoder_out.bias.copy_(mean)
    encoder_head.weight.copy_(torch.cat([inverse, torch.zeros_like(inverse)]))
    encoder_head.bias.copy_(torch.cat([-inverse @ mean, torch.log(variance / top)]))
    likelihood.log_sigma.copy_(0.5 * torch.log(variance))
    state.step = state.epoch = 1
    evidence = _mean_evidence(eigenvalues, top, variance)
    return Record("train", 1, 1, {"elbo_nats": evidence}, time.perf_counter() - began, len(data))


def _linear_parts(model: VAE) -> tuple[nn.Linear, nn.Linear, Gaussian]:
    if isinstance(model, OneLayerVAE) and isinstance(model.prior, StandardNormal) and model.context_dim == 0:
        encoder, decoder, likelihood, posterior = model.encoder, model.decoder, model.likelihood, model.posterior
        if (
            isinstance(encoder, MLPEncoder)
            and isinstance(decoder, MLPDecoder)
            and isinstance(likelihood, Gaussian)
            and isinstance(posterior, DiagonalNormal)
            and len(encoder.layers) == len(decoder.layers) == likelihood.log_sigma.dim() == 0
            and not likelihood.location.is_logistic
        ):
            return posterior.head, decoder.out, likelihood
    raise VaelError(
        "method = 'pca' expects a linear Gaussian VAE: mlp networks with hidden_features = [], likelihood gaussian "
        "with variance = 'shared' and link = 'identity', posterior diagonal-normal, prior standard-normal, no "
        "condition; see the recipe 'pca'"
    )


def _moments(data: DeviceData) -> tuple[Tensor, Tensor]:
    """Return mean `(F,)` and covariance `(F, F)` of the examples, in float64."""
    total = sum(batch.x.flatten(1).double().sum(0) for batch in data.in_order(BATCH_SIZE))
    mean = torch.as_tensor(total) / len(data)
    scatter = torch.zeros(len(mean), len(mean), dtype=torch.float64, device=mean.device)
    for batch in data.in_order(BATCH_SIZE):
        centered = batch.x.flatten(1).double() - mean
        scatter += centered.T @ centered
    return mean, scatter / len(data)


def _mean_evidence(eigenvalues: Tensor, top: Tensor, variance: Tensor) -> float:
    """Return the mean log p(x) of the training examples: −½ (F log 2π + log|C| + tr(C⁻¹S)), nats."""
    num_dims, latent_dim = len(eigenvalues), len(top)
    log_det = torch.log(top).sum() + (num_dims - latent_dim) * torch.log(variance)
    trace = (eigenvalues[-latent_dim:].flip(0) / top).sum() + eigenvalues[:-latent_dim].sum() / variance
    return float(-0.5 * (num_dims * torch.log(torch.tensor(2 * torch.pi)) + log_det + trace))
