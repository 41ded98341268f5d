"""Binary images pixel by pixel, each pixel's coin depending on the pixels before it."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.types import _size

__all__ = ["AutoregressiveBernoulli"]


class AutoregressiveBernoulli(Distribution):
    """Take P(x) = Π_d P(x_d | x_<d), all factors from one function of x.

    A draw with noise u is the x with x_d = 1[u_d < P(x_d = 1 | x_<d)] for every d. It is found by iterating that
    equation from zeros: after t rounds the first t pixels are right for good, so the fixed point is the one that
    drawing pixel after pixel gives, mostly after far fewer rounds than pixels (Song et al. 2021, "Accelerating
    feedforward computation via parallel nonlinear equation solving", https://arxiv.org/abs/2002.03629).

    Arguments:
        logits_of: x `(…, *event_shape)` → the logits of each pixel, `(…, *event_shape)`, each a function of the pixels
            before it alone.
        batch_shape: `(…)`.
        event_shape: The shape of one x.
        device: Where x lies.
    """

    has_rsample = False

    def __init__(
        self, logits_of: Callable[[Tensor], Tensor], batch_shape: _size, event_shape: _size, device: torch.device
    ) -> None:
        self.logits_of = logits_of
        self.device = device
        super().__init__(torch.Size(batch_shape), torch.Size(event_shape), validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """What torch asks of a distribution that prints itself: nothing here."""
        return {}

    @property
    def mean(self) -> Tensor:
        """The chance of each pixel to be 1 if every pixel before it is the likelier of the two, `(…, *event_shape)`.

        The mean itself has no formula: it would take averaging over all images. This is what to show.
        """
        with torch.no_grad():
            half = torch.full(self._extended_shape(), 0.5, device=self.device)
            return torch.sigmoid(self.logits_of(self._solve(half)))

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log P(x) in nats for x in {0, 1}, `(…)`."""
        return self.log_prob_per_cell(value).flatten(-len(self.event_shape)).sum(-1)

    def log_prob_per_cell(self, value: Tensor) -> Tensor:
        """Return what each pixel adds to log P(x), given those before it, `(…, *event_shape)`."""
        x = value.expand(*torch.broadcast_shapes(value.shape, self._extended_shape()))
        return -F.binary_cross_entropy_with_logits(self.logits_of(x), x, reduction="none")

    def sample(self, sample_shape: _size = ()) -> Tensor:
        """Draw images, float `(*sample_shape, …, *event_shape)`."""
        with torch.no_grad():
            return self._solve(torch.rand(self._extended_shape(torch.Size(sample_shape)), device=self.device))

    def _solve(self, noise: Tensor) -> Tensor:
        """Return the x that drawing pixel after pixel with this noise gives."""
        x = torch.zeros_like(noise)
        for _ in range(self.event_shape.numel()):
            after = (noise < torch.sigmoid(self.logits_of(x))).to(x.dtype)
            if torch.equal(after, x):
                break
            x = after
        return x
