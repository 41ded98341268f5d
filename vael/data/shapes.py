"""Pictures whose causes are known: a shape, its scale, orientation and place; drawn here, no download.

The factors of dSprites (Matthey et al. 2017, https://github.com/google-deepmind/dsprites-dataset) on a coarser grid:
3 shapes × 5 scales × 8 orientations × 10 places across × 10 places down = 12,000 binary images, 32×32. Orientations
span a quarter turn only, since a square that is turned further repeats itself; all but 16 images then differ from all
others.
"""

import numpy as np
from numpy.typing import NDArray

from vael.data.base import Dataset, ReadOptions, Source, Split

__all__ = ["FACTORS", "Shapes", "draw_shapes", "list_factors"]

SIDE = 32
CLASSES = ("square", "ellipse", "heart")
FACTORS: dict[str, int] = {"shape": 3, "scale": 5, "orientation": 8, "x": 10, "y": 10}
"""How many values each factor takes."""

RADII = np.linspace(5.6, 9.4, FACTORS["scale"])  # pixels, half the height of a shape
PLACES = np.linspace(10.37, 20.63, FACTORS["x"])  # pixels: every shape stays inside the picture
TURNS = np.arange(FACTORS["orientation"]) * (np.pi / 2 / FACTORS["orientation"])  # radians


class Shapes(Source):
    """Squares, ellipses and hearts; `labels` are the shapes."""

    summary = "squares, ellipses and hearts with known factors, 32×32 binary, 12,000, drawn here"

    def locate(self, options: ReadOptions) -> str:
        return "drawn when asked for"

    def read(self, options: ReadOptions) -> Dataset:
        return Dataset("shapes", {"all": Split(draw_shapes(), list_factors()[:, 0])}, 2, CLASSES)


def list_factors() -> NDArray[np.int64]:
    """Return the number of each factor's value, `(12000, 5)`, in the order of `FACTORS`, the last running fastest."""
    return np.indices(tuple(FACTORS.values())).reshape(len(FACTORS), -1).T.astype(np.int64)


def draw_shapes() -> NDArray[np.uint8]:
    """Draw every combination of factors: `(12000, 1, 32, 32)` uint8, 1 inside the shape, as `list_factors`."""
    offset = np.arange(SIDE) - PLACES[:, None]  # (places, pixels)
    across, down = offset[:, None, None, :], offset[None, :, :, None]  # to (x, y, H, W)
    images = np.empty((*FACTORS.values(), SIDE, SIDE), np.uint8)
    for scale, radius in enumerate(RADII):
        for turn, angle in enumerate(TURNS):
            u = (across * np.cos(angle) + down * np.sin(angle)) / radius
            v = (down * np.cos(angle) - across * np.sin(angle)) / radius
            for shape, is_inside in enumerate((_square(u, v), _ellipse(u, v), _heart(u, v))):
                images[shape, scale, turn] = is_inside
    return images.reshape(-1, 1, SIDE, SIDE)


def _square(u: NDArray, v: NDArray) -> NDArray[np.bool_]:
    return np.maximum(np.abs(u), np.abs(v)) <= 0.7


def _ellipse(u: NDArray, v: NDArray) -> NDArray[np.bool_]:
    return u**2 + (v / 0.55) ** 2 <= 1


def _heart(u: NDArray, v: NDArray) -> NDArray[np.bool_]:
    """(a² + b² − 1)³ ≤ a² b³, the usual sextic, scaled into the unit circle."""
    a, b = 1.25 * u, 0.1 - 1.25 * v
    return (a**2 + b**2 - 1) ** 3 <= a**2 * b**3
