"""Fit q(z) to single examples by gradient steps, from what the encoder says of them."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal

from vael.errors import VaelError

__all__ = ["climb"]


def climb(
    q_z: Distribution, bound: Callable[[Distribution], Tensor], *, num_steps: int, learning_rate: float
) -> tuple[Distribution, Tensor]:
    """Move a diagonal normal q(z), batch shape `(B,)`, up a bound `(B,)` by Adam, each example on its own.

    Arguments:
        q_z: Where to start.
        bound: What to climb, differentiable in the mean and the standard deviations of q.
        num_steps: Steps of the optimizer; 0 stays at the start.
        learning_rate: Of the mean and of the logarithm of the standard deviations.

    Returns:
        The last q, and the largest bound that each example met on the way, the start's included, `(B,)` float64.

    Raises:
        VaelError: Another kind of posterior.
    """
    if not (isinstance(q_z, Independent) and type(q_z.base_dist) is Normal):
        raise VaelError("fitting a posterior to single examples expects model.posterior=diagonal-normal")
    mu = q_z.mean.detach().clone().requires_grad_()
    log_sigma = q_z.stddev.detach().log().requires_grad_()

    def present() -> Distribution:
        return Independent(Normal(mu, log_sigma.exp(), validate_args=False), 1, validate_args=False)

    with torch.no_grad():
        best = bound(present()).double()
    optimizer = torch.optim.Adam([mu, log_sigma], lr=learning_rate, betas=(0.9, 0.98))
    with torch.enable_grad():
        for _ in range(num_steps):
            value = bound(present())
            best = torch.maximum(best, value.detach().double())
            mu.grad, log_sigma.grad = torch.autograd.grad(-value.sum(), [mu, log_sigma])
            optimizer.step()
    with torch.no_grad():
        return Independent(Normal(mu.detach(), log_sigma.exp(), validate_args=False), 1, validate_args=False), best
