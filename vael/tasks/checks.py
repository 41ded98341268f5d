"""What tasks refuse: arrays of points that are not as wide as the space, or not finite."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vael.errors import VaelError

__all__ = ["check_points"]


def check_points(points: ArrayLike, width: int, *, what: str = "a latent") -> NDArray[np.float32]:
    """Return points `(…, width)` as finite float32.

    Arguments:
        points: Anything that NumPy takes for an array.
        width: How many numbers one point has.
        what: What a point is, in words.

    Raises:
        VaelError: Another width, NaN, infinity, or no numbers at all.

    >>> check_points([[0, 1]], 2)
    array([[0., 1.]], dtype=float32)
    """
    try:
        with np.errstate(over="ignore"):  # too large for float32: becomes infinite and is refused below
            found = np.asarray(points, np.float32)
    except (TypeError, ValueError):
        raise VaelError(f"{what} expects {width} finite numbers, got no array of numbers") from None
    if found.ndim == 0 or found.shape[-1] != width:
        raise VaelError(f"{what} expects {width} finite numbers, got {found.shape[-1] if found.ndim else 'one'}")
    if not np.isfinite(found).all():
        count = int(np.count_nonzero(~np.isfinite(found)))
        raise VaelError(f"{what} expects {width} finite numbers, got {count} NaN or infinite")
    return found
