"""The figure of a sweep: the course of the best bound, and what mattered."""

import numpy as np
import pytest

from vael.errors import VaelError
from vael.figures.search import draw_search

NUMBERS = np.arange(5)
ELBO = np.array([-110.0, -111.0, -108.0, -500.0, -109.0])
FINISHED = np.array([True, True, True, False, True])


def test_the_line_is_the_best_so_far_of_the_finished_trials() -> None:
    figure = draw_search(NUMBERS, ELBO, FINISHED, importance={"lr": 0.2, "width": 0.8})
    trials, shares = figure.axes
    dots, crosses, best = (np.asarray(line.get_ydata()) for line in trials.lines)
    assert best.tolist() == [-110, -110, -108, -108, -108]
    assert dots.tolist() == ELBO[FINISHED].tolist()
    low, high = trials.get_ylim()
    assert low < crosses[0] < -111 < -108 < high  # far below, drawn at the edge
    assert [label.get_text() for label in shares.get_yticklabels()] == ["width", "lr"]


def test_without_importance_there_is_one_panel() -> None:
    assert len(draw_search(NUMBERS, ELBO, FINISHED, theme="dark").axes) == 1


@pytest.mark.parametrize(
    ("elbo", "finished"), [(ELBO, np.zeros(5, bool)), (np.full(5, np.nan), FINISHED), (ELBO[:3], FINISHED)]
)
def test_what_cannot_be_drawn_is_refused(elbo: np.ndarray, finished: np.ndarray) -> None:
    with pytest.raises(VaelError, match="expects"):
        draw_search(NUMBERS, elbo, finished)
