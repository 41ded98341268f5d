"""Figures: numpy arrays → pictures. They know no model and no torch.

Grids of exact pixels are made at once (`image_grid`); whatever has axes or words is a `Figure` of matplotlib's, in a
light and a dark theme, which `save_figure` writes; frames become films with `save_animation`. What needs matplotlib is
imported when first used, so that a command line that draws nothing does not wait for it.

Next: `experiments` and `cli`, which save them into a run's `figures/`.
"""

import importlib
from typing import TYPE_CHECKING, Any

from vael.figures.grid import as_pixels, image_grid, pair_grid, save_image

if TYPE_CHECKING:
    from vael.figures.animation import captioned, save_animation
    from vael.figures.blame import draw_blamed_cells, draw_blamed_images, heat_colours, heat_shares
    from vael.figures.canvas import Figure, figure_pixels, save_figure
    from vael.figures.clusters import draw_clusters
    from vael.figures.columns import draw_agreement, draw_columns, draw_paths
    from vael.figures.curves import draw_curves
    from vael.figures.dimensions import draw_dimensions
    from vael.figures.effects import draw_effects
    from vael.figures.histogram import draw_rates
    from vael.figures.history import draw_dimension_history
    from vael.figures.images import draw_image_rows, draw_images
    from vael.figures.manifold import draw_manifold, draw_surfaces
    from vael.figures.plane import draw_plane
    from vael.figures.scatter import draw_amounts, draw_embedding
    from vael.figures.search import draw_search
    from vael.figures.theme import THEMES, Theme, find_theme

_FILES = {
    "animation": ("captioned", "save_animation"),
    "blame": ("draw_blamed_cells", "draw_blamed_images", "heat_colours", "heat_shares"),
    "canvas": ("Figure", "figure_pixels", "save_figure"),
    "clusters": ("draw_clusters",),
    "columns": ("draw_agreement", "draw_columns", "draw_paths"),
    "curves": ("draw_curves",),
    "dimensions": ("draw_dimensions",),
    "effects": ("draw_effects",),
    "histogram": ("draw_rates",),
    "history": ("draw_dimension_history",),
    "images": ("draw_image_rows", "draw_images"),
    "manifold": ("draw_manifold", "draw_surfaces"),
    "plane": ("draw_plane",),
    "search": ("draw_search",),
    "scatter": ("draw_amounts", "draw_embedding"),
    "theme": ("THEMES", "Theme", "find_theme"),
}
_HOMES = {name: f"vael.figures.{file}" for file, names in _FILES.items() for name in names}

__all__ = [
    "THEMES",
    "Figure",
    "Theme",
    "as_pixels",
    "captioned",
    "draw_agreement",
    "draw_amounts",
    "draw_blamed_cells",
    "draw_blamed_images",
    "draw_clusters",
    "draw_columns",
    "draw_curves",
    "draw_dimension_history",
    "draw_dimensions",
    "draw_effects",
    "draw_embedding",
    "draw_image_rows",
    "draw_images",
    "draw_manifold",
    "draw_paths",
    "draw_plane",
    "draw_rates",
    "draw_search",
    "draw_surfaces",
    "figure_pixels",
    "find_theme",
    "heat_colours",
    "heat_shares",
    "image_grid",
    "pair_grid",
    "save_animation",
    "save_figure",
    "save_image",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'vael.figures' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)
