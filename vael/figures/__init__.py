"""Figures: numpy arrays → pictures. They know no model and no torch.

Next: `experiments` and `cli`, which save them into a run's `figures/`.
"""

from vael.figures.grid import as_pixels, image_grid, pair_grid, save_image

__all__ = ["as_pixels", "image_grid", "pair_grid", "save_image"]
