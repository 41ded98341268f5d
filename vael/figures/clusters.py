"""Clusters of images: each one's centre, and its members beside it."""

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import to_rgb

from vael.figures.canvas import Figure, themed
from vael.figures.checks import expect_length, expect_pixels
from vael.figures.grid import Pixels
from vael.figures.images import draw_image_rows
from vael.figures.theme import find_theme

__all__ = ["draw_clusters"]


@themed
def draw_clusters(
    centers: Pixels,
    members: Sequence[Pixels],
    *,
    labels: Sequence[str] = (),
    title: str = "",
    note: str = "",
    theme: str = "light",
) -> Figure:
    """Draw a row for each cluster: its centre, a gap, and its members.

    Arguments:
        centers: `(C, H, W, 3)` uint8.
        members: For each cluster its images, `(m, H, W, 3)` uint8; m may differ and be 0.
        labels: C words, one beside each row, or none.
        title: Above all.
        note: Below all, small.
        theme: "light" or "dark".

    Raises:
        VaelError: No clusters, images of another shape, not one label for each cluster, or an unknown theme.
    """
    look, sizes = find_theme(theme), expect_pixels(centers, "C", "H", "W")
    expect_length("members", members, sizes["C"], "cluster")
    widest = max(1, *(len(images) for images in members))
    paper = np.rint(255 * np.array(to_rgb(look.background))).astype(np.uint8)
    rows = np.empty((sizes["C"], 2 + widest, *centers.shape[1:]), np.uint8)
    rows[:] = paper
    rows[:, 0] = centers
    for row, images in zip(rows, members, strict=True):
        if len(images):
            expect_pixels(images, len(images), sizes["H"], sizes["W"])
            row[2 : 2 + len(images)] = images
    return draw_image_rows(rows, row_labels=labels, title=title, note=note, theme=theme)
