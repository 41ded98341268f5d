"""The categorical posterior: latents that are choices out of a few."""

from torch import Tensor, nn
from torch.distributions import Distribution

from vael.distributions.one_hot import OneHot
from vael.errors import VaelError
from vael.posteriors.base import Posterior

__all__ = ["Categorical"]


class Categorical(Posterior):
    """Take q(z | x) = Π_n Cat(z_n; softmax(logits_n(x))), N variables of C categories as one-hot vectors.

    While training, draws carry a gradient by the Gumbel-softmax relaxation at a temperature τ: small ones follow the
    discrete draw closely, at the price of a noisy gradient. In evaluation draws are exact. The rate against a
    factorised prior is exact always.
    References: "Categorical reparameterization with Gumbel-softmax", Jang et al. 2017,
    https://arxiv.org/abs/1611.01144; "The concrete distribution", Maddison et al. 2017,
    https://arxiv.org/abs/1611.00712.

    Arguments:
        in_features: H.
        latent_dim: D = N·C.
        num_categories: C ≥ 2, which divides D.
        temperature: τ > 0.
        hard: Whether draws in training are one-hot too (straight-through) or lie between the categories.

    Raises:
        VaelError: C does not divide D, or a number out of range.
    """

    support = "one-hot"
    is_reparametrised = False

    def __init__(
        self,
        in_features: int,
        latent_dim: int,
        *,
        num_categories: int = 10,
        temperature: float = 1.0,
        hard: bool = True,
    ) -> None:
        super().__init__(in_features, latent_dim)
        if num_categories < 2 or latent_dim % num_categories:
            raise VaelError(
                "posterior 'categorical' cuts D numbers into variables of num_categories ≥ 2, got "
                f"model.latent_dim={latent_dim} and num_categories={num_categories}: use a multiple, "
                f"model.latent_dim={10 * num_categories}"
            )
        if temperature <= 0:
            raise VaelError(f"model.posterior.temperature expects a number > 0, got {temperature}")
        self.num_categories = num_categories
        self.temperature = temperature
        self.hard = hard
        self.head = nn.Linear(in_features, latent_dim)

    def forward(self, features: Tensor) -> Distribution:
        logits = self.head(features).float().unflatten(-1, (-1, self.num_categories))
        return OneHot(logits, temperature=self.temperature if self.training else None, hard=self.hard)
