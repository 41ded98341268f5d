import numpy as np
import pytest
from gallery import pixels

from vael.errors import VaelError
from vael.figures import draw_clusters
from vael.figures.images import GAP


def test_a_row_is_its_centre_a_gap_and_its_members():
    centers, members = pixels(2, 28, 28), [pixels(3, 28, 28)[::-1], pixels(0, 28, 28)]
    figure = draw_clusters(centers, members, labels=["0 · 3", "1 · 0"])
    shown, step = np.asarray(figure.axes[0].images[0].get_array()), 112 + GAP
    cells = [[shown[y : y + 112 : 4, x : x + 112 : 4] for x in range(0, 5 * step, step)] for y in (0, step)]
    for row, center in zip(cells, centers, strict=True):
        np.testing.assert_array_equal(row[0], center)
        assert (row[1] == 255).all()
    np.testing.assert_array_equal(cells[0][2:], members[0])
    assert (np.array(cells[1][2:]) == 255).all()
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["0 · 3", "1 · 0"]


def test_clusters_without_their_members_or_of_other_images_are_refused():
    with pytest.raises(VaelError, match="one for each cluster, 2, got 1"):
        draw_clusters(pixels(2, 8, 8), [pixels(3, 8, 8)])
    with pytest.raises(VaelError, match="images expects"):
        draw_clusters(pixels(1, 8, 8), [pixels(3, 9, 8)])
