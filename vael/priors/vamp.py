"""The mixture of the model's own posteriors."""

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from vael.distributions.mixture import mix
from vael.errors import VaelError
from vael.priors.base import Encode, Prior
from vael.priors.gaussian_mixture import check_components
from vael.types import Observation

__all__ = ["Vamp"]

START = (-1.0, 2.0)
"""Mean and standard deviation of the pseudo-inputs' logits at the start: dark rather than bright, and all different."""


class Vamp(Prior):
    """Take p(z) = Σ_c w_c q(z | u_c), the posteriors of C learned pseudo-inputs u_c: a stand-in for the aggregate one.

    The u_c live where x lives: free numbers for real x, sigmoids for pixels in [0, 1], sigmoids times the highest
    level for levels. The density is exact; each step encodes the C pseudo-inputs besides the batch.
    Reference: "VAE with a VampPrior", Tomczak & Welling 2018, https://arxiv.org/abs/1705.07120.

    Arguments:
        latent_dim: D.
        observation: What x is, and so what a pseudo-input is.
        context_dim: 0: a pseudo-input has no label.
        num_components: C ≥ 1.
        learned_weights: Whether the w_c are learned; else they are all 1/C, as in the paper.
    """

    def __init__(
        self,
        latent_dim: int,
        observation: Observation,
        context_dim: int = 0,
        *,
        num_components: int = 500,
        learned_weights: bool = False,
    ) -> None:
        super().__init__(latent_dim, observation, context_dim)
        check_components(num_components)
        if context_dim:
            raise VaelError(
                "model.prior 'vamp' expects a model without labels, got model.condition = 'label': "
                "use model.prior=conditional-normal|flow"
            )
        mean, stddev = (0.0, 1.0) if observation.domain == "real" else START
        self.pseudo_inputs = nn.Parameter(mean + stddev * torch.randn(num_components, *observation.shape))
        self.log_weights = nn.Parameter(torch.zeros(num_components), requires_grad=learned_weights)

    def forward(self, encode: Encode, context: Tensor | None) -> Distribution:
        return mix(self.log_weights, encode(self.as_observations()))

    def as_observations(self) -> Tensor:
        """Return the pseudo-inputs `(C, *shape)` in the domain of x."""
        if self.observation.domain == "real":
            return self.pseudo_inputs
        return torch.sigmoid(self.pseudo_inputs) * self.observation.scale
