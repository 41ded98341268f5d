"""Which latent dimensions a model uses."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["find_active"]

ACTIVE_VARIANCE = 0.01  # Burda et al. 2016, section 5.2


def find_active(mean: NDArray) -> NDArray[np.bool_]:
    """Return `(D,)` bool: whether Var_x(E[z_d | x]) > 0.01 over posterior means `(N, D)`.

    An inactive dimension says the same of every example: its posterior has fallen back on the prior (Burda et al. 2016,
    https://arxiv.org/abs/1509.00519).
    """
    return mean.var(0, ddof=min(1, len(mean) - 1)) > ACTIVE_VARIANCE
