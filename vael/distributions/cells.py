"""What the single cells of x add to log p(x)."""

from typing import Any

from torch import Tensor
from torch.distributions import Distribution, Independent

from vael.errors import VaelError

__all__ = ["log_prob_per_cell"]


def log_prob_per_cell(law: Distribution, value: Tensor) -> Tensor:
    """Return the summands of log p(x) in nats, `(…, *event)`; numbers that are one event together have one summand.

    Raises:
        VaelError: The distribution does not factorise over cells.
    """
    if isinstance(law, Independent):
        return law.base_dist.log_prob(value)
    if not hasattr(law, "log_prob_per_cell"):
        raise VaelError(f"{type(law).__name__} gives no probability of single cells: use another model.likelihood")
    whole: Any = law
    return whole.log_prob_per_cell(value)
