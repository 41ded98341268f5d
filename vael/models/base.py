"""What every model offers: infer the latents of a batch, decode latents, draw latents from the prior.

The *code* of an example is its latents of all stochastic layers in one row of D numbers, lowest layer first; whoever
only wants to encode, walk and decode need not know how many layers there are.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from vael.errors import VaelError
from vael.likelihoods.base import Likelihood
from vael.models.inference import Inference, Latent
from vael.types import Batch, Observation

__all__ = ["VAE", "Pick", "at_mean", "beside", "drawing", "given"]

Pick = Callable[[int, Distribution], Tensor]
"""Choose the latents `(K, B, D_i)` of layer i, 0 the lowest, once its posterior is known: by a draw, its mean, …"""


def drawing(num_samples: int) -> Pick:
    """Draw K = `num_samples` latents for each example, with gradient where the posterior can be reparametrised."""

    def pick(layer: int, q_z: Distribution) -> Tensor:
        has_samples = len(q_z.batch_shape) == 2  # given a layer that was drawn before: one draw for each of its
        return q_z.rsample() if has_samples else q_z.rsample(torch.Size((num_samples,)))

    return pick


def at_mean(layer: int, q_z: Distribution) -> Tensor:
    """Take the posterior's mean, K = 1: the same x always gives the same latents."""
    mean = q_z.mean
    return mean if mean.dim() == 3 else mean.unsqueeze(0)


def given(z: Sequence[Tensor]) -> Pick:
    """Take latents that are there already, one tensor `(K, B, D_i)` a layer."""
    return lambda layer, q_z: z[layer]


class VAE(nn.Module, ABC):
    """Hold p(x, z) = p(z) p(x | z) and q(z | x), z of one stochastic layer or several.

    Reference: "Auto-encoding variational Bayes", Kingma & Welling 2014, https://arxiv.org/abs/1312.6114.

    Arguments:
        likelihood: Decoder features → p(x | z).
        latent_dims: The dimensions of each stochastic layer, lowest (nearest to x) first.
        context_dim: Y, how many numbers condition the model (the classes of a label); 0 for none.
    """

    has_density: bool
    """Whether q has a density, so that a rate and a bound exist."""

    def __init__(self, likelihood: Likelihood, latent_dims: tuple[int, ...], context_dim: int = 0) -> None:
        super().__init__()
        self.likelihood = likelihood
        self.latent_dims = latent_dims
        self.context_dim = context_dim

    @property
    def observation(self) -> Observation:
        """What x is."""
        return self.likelihood.observation

    @property
    def latent_dim(self) -> int:
        """D, the dimensions of the code: of all layers together."""
        return sum(self.latent_dims)

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return next(self.parameters()).device

    @abstractmethod
    def infer_latents(self, batch: Batch, pick: Pick) -> tuple[Latent, ...]:
        """Infer q(z | x), lowest layer first, and decode nothing."""

    @abstractmethod
    def infer_decoded(self, batch: Batch, pick: Pick) -> tuple[tuple[Latent, ...], Distribution]:
        """Infer q(z | x), lowest layer first, and p(x | z), batch shape `(K, B)`, at the latents picked."""

    @abstractmethod
    def decode(self, z: Tensor, context: Tensor | None = None) -> Distribution:
        """Return p(x | z), batch shape `(…)`, for codes `(…, D)` and conditions `(…, Y)`."""

    @abstractmethod
    def generate(self, pick: Pick, context: Tensor | None = None) -> tuple[Tensor, ...]:
        """Walk down without x: let `pick` choose the latents of each layer, `(…, D_l)`, from the top, by p(z_l | z_>l).

        Return them lowest first. A prior without batch axes leaves them to `pick`; conditions are `(…, Y)`.
        """

    def draw(self, num_samples: int, context: Tensor | None = None) -> Tensor:
        """Draw N = `num_samples` codes `(N, D)` from the prior, given conditions `(N, Y)`."""

        def pick(layer: int, p_z: Distribution) -> Tensor:
            return p_z.sample(torch.Size(() if p_z.batch_shape else (num_samples,)))

        return torch.cat(self.generate(pick, context), -1)

    def forward(self, batch: Batch, pick: Pick) -> Inference:
        """Infer the terms of the bound at the latents that `pick` chooses."""
        latents, p_x = self.infer_decoded(batch, pick)
        return Inference(batch.x, p_x, latents)

    def infer(self, batch: Batch, *, num_samples: int = 1) -> Inference:
        """Infer the terms of the bound with K = `num_samples` draws of z for each example."""
        return self(batch, drawing(num_samples))

    def decode_latents(self, latents: Sequence[Latent], context: Tensor | None) -> Distribution:
        """Return p(x | z), batch shape `(K, B)`, at latents that were inferred, given conditions `(B, Y)`."""
        code = torch.cat([latent.z for latent in latents], -1)
        return self.decode(code, None if context is None else context.expand(len(code), *context.shape))

    def split(self, code: Tensor) -> tuple[Tensor, ...]:
        """Cut codes `(…, D)` into the latents of the layers, `(…, D_i)` each."""
        return code.split(self.latent_dims, -1)

    def check_context(self, context: Tensor | None) -> None:
        """Refuse a model that is asked without its condition, or with one that it does not know.

        Raises:
            VaelError: The condition is missing, superfluous, or of another width.
        """
        width = 0 if context is None else context.shape[-1]
        if width != self.context_dim:
            wanted = f"labels of {self.context_dim} classes" if self.context_dim else "no label"
            raise VaelError(f"this model expects {wanted}, got {f'{width} classes' if width else 'none'}")


def beside(z: Tensor, context: Tensor | None) -> Tensor:
    """Put conditions `(…, Y)` beside latents `(…, D)`, repeated along the leading axes that they lack."""
    return z if context is None else torch.cat([z, context.expand(*z.shape[:-1], context.shape[-1])], -1)
