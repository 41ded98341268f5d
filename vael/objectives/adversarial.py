"""Adversaries: a critic on codes (the adversarial autoencoder), and one on observations (the VAE-GAN)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vael.errors import VaelError
from vael.models import VAE
from vael.networks.base import Encoder
from vael.networks.conv import ConvEncoder
from vael.networks.mlp import MLPEncoder
from vael.objectives.base import Loss, Objective, code_of, probe, value_at
from vael.objectives.critics import CodeCritic, ObservationCritic, fooling_loss, judging_loss, the_critic
from vael.schedules import Schedule
from vael.types import Batch

__all__ = ["Adversarial", "AdversarialImages"]


@dataclass(frozen=True)
class Adversarial(Objective):
    """Minimise distortion + λ · E −log P_critic(z is of the prior): q(z) is led to p(z) by a critic on codes.

    Works with posteriors that have no density. The draws of the prior carry no gradient.
    Reference: "Adversarial autoencoders", Makhzani et al. 2016, https://arxiv.org/abs/1511.05644.

    Arguments:
        weight: λ ≥ 0: a number or a schedule.
        hidden_features: The width of each hidden layer of the critic.
    """

    has_critic = True
    needs_density = False
    needs_reparametrised = True

    weight: float | Schedule = 1.0
    hidden_features: tuple[int, ...] = (256, 256)

    def __post_init__(self) -> None:
        """Refuse a weight that makes no sense."""
        if isinstance(self.weight, (int, float)) and self.weight < 0:
            raise VaelError(f"adversarial expects weight ≥ 0, got {self.weight}")

    def build_critic(self, model: VAE) -> nn.Module:
        return CodeCritic(model.latent_dim, self.hidden_features)

    def __call__(self, model: VAE, batch: Batch, step: Tensor, critic: nn.Module | None = None) -> Loss:
        critic = the_critic(critic, "adversarial")
        inference = model.infer(batch)
        z = code_of(inference)
        with torch.no_grad():
            drawn = model.draw(len(z), batch.context)
        value = inference.distortion.mean() + value_at(self.weight, step) * fooling_loss(critic(z))
        adversary = judging_loss(critic(drawn), critic(z.detach()))
        return Loss.of(value, model, inference, torch.zeros_like(step), adversary=adversary)


@dataclass(frozen=True)
class AdversarialImages(Objective):
    """Minimise λ_f · ½|f(x) − f(x̂)|² + β · rate + λ_a · E −log P_critic(x̂ is data) + λ_d · distortion.

    f are the features that a critic tells data from reconstructions x̂ and samples by; x̂ is the mean of p(x | z). The
    critic's verdict moves the decoder alone (the codes it judges carry no gradient). With λ_f > 0 the sum is no bound.
    Reference: "Autoencoding beyond pixels using a learned similarity metric", Larsen et al. 2016,
    https://arxiv.org/abs/1512.09300, algorithm 1 (λ_a is its 1/γ).

    Arguments:
        feature_weight: λ_f ≥ 0.
        adversarial_weight: λ_a ≥ 0.
        distortion_weight: λ_d ≥ 0; the paper has 0.
        beta: The weight of the rate: a number ≥ 0 or a schedule.
        channels: Feature maps of each convolution of the critic, for images; none makes it dense.
        hidden_features: The width of each dense layer of the critic; the last (else the maps) are the features.
    """

    has_critic = True

    feature_weight: float = 1.0
    adversarial_weight: float = 1.0
    distortion_weight: float = 0.0
    beta: float | Schedule = 1.0
    channels: tuple[int, ...] = ()
    hidden_features: tuple[int, ...] = (256, 256)

    def __post_init__(self) -> None:
        """Refuse weights that make no sense."""
        weights = (self.feature_weight, self.adversarial_weight, self.distortion_weight, self.beta)
        if any(isinstance(weight, (int, float)) and weight < 0 for weight in weights):
            raise VaelError(f"adversarial-images expects weights ≥ 0, got {list(weights)}")
        if not self.channels and not self.hidden_features:
            raise VaelError("adversarial-images expects a critic with features: set hidden_features=[256] or channels")

    def build_critic(self, model: VAE) -> nn.Module:
        shape = model.observation.shape
        features: Encoder = MLPEncoder(shape, hidden_features=self.hidden_features)
        if self.channels:
            features = ConvEncoder(shape, channels=self.channels, hidden_features=self.hidden_features)
        return ObservationCritic(features)

    def find_misfit(self, model: VAE) -> str:
        return find_blind_mean(model, "adversarial-images")

    def __call__(self, model: VAE, batch: Batch, step: Tensor, critic: nn.Module | None = None) -> Loss:
        critic = the_critic(critic, "adversarial-images")
        inference = model.infer(batch)
        rebuilt = inference.p_x.mean[0]
        with torch.no_grad():
            drawn = model.draw(len(rebuilt), batch.context)
        codes = torch.stack([code_of(inference).detach(), drawn])
        context = None if batch.context is None else batch.context.expand(2, *batch.context.shape)
        as_input = model.observation.as_input
        made = as_input(model.decode(codes, context).mean.flatten(0, 1))
        x = as_input(batch.x)
        with torch.no_grad():
            wanted = critic(x)[1]
        features = critic(as_input(rebuilt))[1]
        beta = value_at(self.beta, step)
        value = 0.5 * self.feature_weight * (features - wanted).square().sum(1).mean()
        value = value + beta * inference.rate.mean() + self.distortion_weight * inference.distortion.mean()
        value = value + self.adversarial_weight * fooling_loss(critic(made)[0])
        adversary = judging_loss(critic(x)[0], critic(made.detach())[0])
        return Loss.of(value, model, inference, beta, adversary=adversary)


def find_blind_mean(model: VAE, name: str) -> str:
    """Say so if the mean of p(x | z) does not follow z, as that of a likelihood that rounds to levels does not."""
    code = code_of(probe(model)).detach().requires_grad_()
    context = torch.zeros(2, model.context_dim, device=code.device) if model.context_dim else None
    mean = model.decode(code, context).mean
    if mean.requires_grad:
        (grad,) = torch.autograd.grad(mean.sum(), code, allow_unused=True)
        if grad is not None and bool((grad != 0).any()):
            return ""
    return (
        f"{name} compares x with the mean of p(x | z), which has no gradient here: "
        "use data.treatment=grey with model.likelihood=gaussian"
    )
