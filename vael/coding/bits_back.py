"""Lossless coding with a latent-variable model: bits back.

To push x: pop z under q(z | x), which takes −log q bits off the message; push x under p(x | z); push z under p(z). The
message grows by −log p(x, z) + log q(z | x), on average the negative ELBO. To pop: z under p(z), x under p(x | z), and
push z back under q(z | x), which restores the bits. "Practical lossless compression with latent variables using bits
back coding", Townsend et al. 2019, https://arxiv.org/abs/1901.04866; several layers as there and in "HiLLoC", Townsend
et al. 2020, https://arxiv.org/abs/1912.09953.

The model is run by `exact.exactly`, so that both ends see the same distributions.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal

from vael.coding.exact import exactly, in_double
from vael.coding.message import Message
from vael.coding.normals import NormalCodec
from vael.coding.observations import pop_x, push_x
from vael.errors import VaelError
from vael.models import VAE
from vael.types import Batch

__all__ = ["BitsBack"]


class BitsBack:
    """Push and pop batches of observations with a trained model.

    Arguments:
        model: The model; a copy of it in float64 is used.
        step: Between two places of the latents' grid, a power of two. A coarse one needs fewer bits to start with; one
            far finer than σ of the posterior gains nothing.

    Raises:
        VaelError: A model that cannot code: no latents with normal distributions, conditions, no density.
    """

    def __init__(self, model: VAE, *, step: float = 2.0**-8) -> None:
        if model.context_dim:
            raise VaelError("lossless coding expects a model without a condition, this one is given labels")
        if not model.has_density:
            raise VaelError("lossless coding expects a posterior with a density: a point posterior has no bits back")
        self.model = in_double(model)
        self.shape = model.observation.shape
        self.step = step

    @torch.no_grad()
    def push(self, message: Message, x: Tensor) -> int:
        """Push observations `(B, *shape)` in their domain; return the fewest words that the message had meanwhile."""
        x = x.double()

        def pop(layer: int, q_z: Distribution) -> Tensor:
            codec, shape = self._codec_of(q_z, len(x), is_cut=True)
            return self._numbers(codec.pop(message), shape)

        with exactly():
            latents, p_x = self.model.infer_decoded(Batch(x), pop)
            fewest = message.num_words
            push_x(message, p_x, x.unsqueeze(0))
        for latent in latents:
            codec, _ = self._codec_of(latent.p_z, len(x), is_cut=False)
            codec.push(message, self._places(latent.z))
        return fewest

    @torch.no_grad()
    def pop(self, message: Message, count: int) -> Tensor:
        """Pop B = `count` observations, `(B, *shape)`; those pushed last come first, batch by batch."""

        def pop(layer: int, p_z: Distribution) -> Tensor:
            codec, shape = self._codec_of(p_z, count, is_cut=False)
            return self._numbers(codec.pop(message), shape)

        pushes: list[Callable[[], None]] = []
        with exactly():
            zs = self.model.generate(pop)
            p_x = self.model.decode(torch.cat(zs, -1))
            x = pop_x(message, p_x, self.shape)[0]

            def push(layer: int, q_z: Distribution) -> Tensor:
                codec, _ = self._codec_of(q_z, count, is_cut=True)
                pushes.append(lambda: codec.push(message, self._places(zs[layer])))
                return zs[layer]

            self.model.infer_latents(Batch(x), push)
        for push_back in reversed(pushes):
            push_back()
        return x

    def _codec_of(self, distribution: Distribution, count: int, *, is_cut: bool) -> tuple[NormalCodec, torch.Size]:
        """Return the code of a layer's latents and their shape `(1, B, D)`."""
        if not (isinstance(distribution, Independent) and isinstance(distribution.base_dist, Normal)):
            raise VaelError(
                f"lossless coding expects independent normal latents, got {type(distribution).__name__}: use the "
                "posterior diagonal-normal and the prior standard-normal"
            )
        normal = distribution.base_dist
        shape = torch.Size((1, count, normal.mean.shape[-1]))
        mean, scale = (part.expand(shape).reshape(-1).numpy() / self.step for part in (normal.loc, normal.scale))
        return NormalCodec(mean, scale, is_cut=is_cut), shape

    def _numbers(self, places: NDArray[np.int64], shape: torch.Size) -> Tensor:
        """Return the middle of places on the grid."""
        return torch.from_numpy((places + 0.5) * self.step).view(shape)

    def _places(self, z: Tensor) -> NDArray[np.int64]:
        return np.floor(z.reshape(-1).numpy() / self.step).astype(np.int64)
