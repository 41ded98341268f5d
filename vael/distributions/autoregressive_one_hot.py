"""Categorical variables that depend on those before them."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.types import _size

from vael.distributions.pieces import in_pieces

__all__ = ["AutoregressiveOneHot"]


class AutoregressiveOneHot(Distribution):
    """Give N one-hot vectors of C classes, side by side in one row, the probability Π_n p(z_n | z_<n).

        p(z_n | z_<n) = softmax(b_n + R_n tanh(h₀ + Σ_{m<n} S_m z_m)).

    Sums run over whole prefixes, so that they are kept in float32 also under autocast. A relaxed row (numbers between 0
    and 1) gets its cross-entropy, which is linear in each z_n but for what the others make of it.

    Arguments:
        said: S `(N − 1, C, H)`, what each class of each variable but the last says to those after it.
        start: h₀ `(H,)`.
        read: R `(N, C, H)`.
        bias: b `(N, C)`.
    """

    has_rsample = False

    def __init__(self, said: Tensor, start: Tensor, read: Tensor, bias: Tensor) -> None:
        self.said = said
        self.start = start
        self.read = read
        self.bias = bias
        super().__init__(event_shape=torch.Size((bias.numel(),)), validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """What torch asks of a distribution that prints itself."""
        return {}

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log p(z) in nats, `(…)`, for rows `(…, N·C)`."""
        rows = value.reshape(-1, *self.bias.shape)
        cells = self.bias.numel() + len(self.bias) * len(self.start)
        return in_pieces(self._log_density, rows, cells).reshape(value.shape[:-1])

    def _log_density(self, rows: Tensor) -> Tensor:
        """Log-probabilities `(R,)` of `(R, N, C)`."""
        with torch.autocast(rows.device.type, enabled=False):
            said = torch.einsum("rnc,nch->rnh", rows[:, :-1].float(), self.said)
            hidden = torch.cat([self.start.expand(len(rows), 1, -1), said], 1).cumsum(1)
            logits = self.bias + torch.einsum("rnh,nch->rnc", torch.tanh(hidden), self.read)
            return (rows * torch.log_softmax(logits, -1)).sum((-2, -1))

    def sample(self, sample_shape: _size = ()) -> Tensor:
        """Draw one-hot rows, `(*sample_shape, N·C)`, one variable after the other."""
        hidden = self.start.expand(math.prod(sample_shape), -1)
        drawn: list[Tensor] = []
        with torch.no_grad():
            for n, (read, bias) in enumerate(zip(self.read, self.bias, strict=True)):
                hidden = hidden + (self.said[n - 1][drawn[-1]] if n else 0)
                probs = torch.softmax(bias + torch.tanh(hidden) @ read.T, -1)
                drawn.append(torch.multinomial(probs, 1).squeeze(-1))
        return F.one_hot(torch.stack(drawn, -1), self.bias.shape[1]).float().reshape(*sample_shape, -1)
