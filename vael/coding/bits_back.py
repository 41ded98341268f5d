"""Lossless coding with a latent-variable model: bits back.

To push x: pop z under q(z | x), which takes −log q bits off the message; push x under p(x | z); push z under p(z). The
message grows by −log p(x, z) + log q(z | x), on average the negative ELBO. To pop: z under p(z), x under p(x | z), and
push z back under q(z | x), which restores the bits. "Practical lossless compression with latent variables using bits
back coding", Townsend et al. 2019, https://arxiv.org/abs/1901.04866; several layers as there and in "HiLLoC", Townsend
et al. 2020, https://arxiv.org/abs/1912.09953.

The model is run by `exact.exactly`, so that both ends see the same distributions.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal

from vael.coding.exact import exactly, in_double
from vael.coding.integers import Products
from vael.coding.message import Message
from vael.coding.normals import NormalCodec
from vael.coding.observations import Answer, Chances, Flags, answer_all, ask_all, push_answers
from vael.coding.team import Meet, Team
from vael.errors import VaelError
from vael.models import VAE
from vael.types import Batch

__all__ = ["BitsBack"]

LEAST_PART = 8  # observations: with fewer a thread is not worth its start

Places = NDArray[np.int64]
Normals = tuple[NDArray[np.float64], NDArray[np.float64]]
"""μ and σ of latents on the grid, in steps, `(n,)` each."""


class BitsBack:
    """Push and pop batches of observations with a trained model.

    A batch is cut into parts, one for each thread of a team. The message is one: where the parts need it they meet, and
    what it holds does not depend on how many they are.

    Arguments:
        model: The model; a copy of it in float64 is used.
        team: Who computes.
        step: Between two places of the latents' grid, a power of two. A coarse one needs fewer bits to start with; one
            far finer than σ of the posterior gains nothing.

    Raises:
        VaelError: A model that cannot code: no latents with normal distributions, conditions, no density.
    """

    def __init__(self, model: VAE, team: Team, *, step: float = 2.0**-8) -> None:
        if model.context_dim:
            raise VaelError("lossless coding expects a model without a condition, this one is given labels")
        if not model.has_density:
            raise VaelError("lossless coding expects a posterior with a density: a point posterior has no bits back")
        self.model = in_double(model)
        self.products = Products(self.model)
        self.team = team
        self.shape = model.observation.shape
        self.step = step

    def push(self, message: Message, x: Tensor) -> int:
        """Push observations `(B, *shape)` in their domain; return the fewest words that the message had meanwhile."""
        parts = x.double().tensor_split(self._num_parts(len(x)))

        @torch.no_grad()
        def infer(i: int, meet: Meet) -> tuple[list[tuple[Normals, Places]], list[list[Answer]]]:
            def pop(layer: int, q_z: Distribution) -> Tensor:
                return self._numbers(meet(self._normals(q_z, len(parts[i])), pop_all), len(parts[i]))

            with exactly(self.products):
                latents, p_x = self.model.infer_decoded(Batch(parts[i]), pop)
                answers = answer_all(p_x, parts[i].unsqueeze(0))
            return [(self._normals(latent.p_z, len(parts[i])), self._places(latent.z)) for latent in latents], answers

        def pop_all(normals: list[Normals]) -> list[Places]:
            places = _codec(normals, is_cut=True).pop(message)
            return _split(places, [len(mean) for mean, _ in normals])

        found = self.team.work(infer, len(parts))
        fewest = message.num_words
        push_answers(message, [answers for _, answers in found])
        for layer in zip(*(latents for latents, _ in found), strict=True):
            _push(message, layer, is_cut=False)
        return fewest

    def pop(self, message: Message, count: int) -> Tensor:
        """Pop B = `count` observations, `(B, *shape)`; those pushed last come first, batch by batch."""
        counts = [len(part) for part in torch.empty(count).tensor_split(self._num_parts(count))]

        @torch.no_grad()
        def generate(i: int, meet: Meet) -> tuple[Tensor, list[tuple[Normals, Places]]]:
            def pop(layer: int, p_z: Distribution) -> Tensor:
                return self._numbers(meet(self._normals(p_z, counts[i]), pop_all), counts[i])

            pushes: list[tuple[Normals, Places]] = []

            def push(layer: int, q_z: Distribution) -> Tensor:
                pushes.append((self._normals(q_z, counts[i]), self._places(zs[layer])))
                return zs[layer]

            with exactly(self.products):
                zs = self.model.generate(pop)
                p_x = self.model.decode(torch.cat(zs, -1))
                x = ask_all(p_x, self.shape, lambda chances: meet(chances, pop_flags))[0]
                self.model.infer_latents(Batch(x), push)
            return x, pushes

        def pop_all(normals: list[Normals]) -> list[Places]:
            places = _codec(normals, is_cut=False).pop(message)
            return _split(places, [len(mean) for mean, _ in normals])

        def pop_flags(chances: list[Chances]) -> Sequence[Flags | None]:
            if not any(map(len, chances)):
                return [None] * len(chances)
            return _split(message.pop_flags(np.concatenate(chances)), list(map(len, chances)))

        found = self.team.work(generate, len(counts))
        for layer in reversed(list(zip(*(pushes for _, pushes in found), strict=True))):
            _push(message, layer, is_cut=True)
        return torch.cat([x for x, _ in found])

    def _num_parts(self, count: int) -> int:
        return max(1, min(self.team.size, count // LEAST_PART))

    def _normals(self, distribution: Distribution, count: int) -> Normals:
        """Return the normals of a layer's latents, of `count` observations one after the other."""
        if not (isinstance(distribution, Independent) and isinstance(distribution.base_dist, Normal)):
            raise VaelError(
                f"lossless coding expects independent normal latents, got {type(distribution).__name__}: use the "
                "posterior diagonal-normal and the prior standard-normal"
            )
        normal = distribution.base_dist
        shape = (1, count, normal.mean.shape[-1])
        mean, scale = (part.expand(shape).reshape(-1).numpy() / self.step for part in (normal.loc, normal.scale))
        return mean, scale

    def _numbers(self, places: Places, count: int) -> Tensor:
        """Return the middle of places on the grid, `(1, B, D)`."""
        return torch.from_numpy((places + 0.5) * self.step).view(1, count, -1)

    def _places(self, z: Tensor) -> Places:
        return np.floor(z.reshape(-1).numpy() / self.step).astype(np.int64)


def _codec(normals: Sequence[Normals], *, is_cut: bool) -> NormalCodec:
    mean, scale = (np.concatenate(side) for side in zip(*normals, strict=True))
    return NormalCodec(mean, scale, is_cut=is_cut)


def _push(message: Message, parts: Sequence[tuple[Normals, Places]], *, is_cut: bool) -> None:
    codec = _codec([normals for normals, _ in parts], is_cut=is_cut)
    codec.push(message, np.concatenate([places for _, places in parts]))


def _split(values: NDArray[Any], sizes: list[int]) -> list[NDArray[Any]]:
    return np.split(values, np.cumsum(sizes)[:-1])
