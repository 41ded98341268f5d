"""Which cells are to blame, in colours."""

import numpy as np

from vael.figures import find_theme, heat_colours, heat_shares


def test_the_cells_that_cost_most_are_the_brightest() -> None:
    nats = np.random.default_rng(0).uniform(0, 1, (2, 3, 10, 10))
    nats[1, 0, 4, 5] = 50
    colours = heat_colours(nats)
    assert colours.shape == (2, 10, 10, 3)
    assert np.unravel_index(colours.sum(-1).argmax(), (2, 10, 10)) == (1, 4, 5)
    assert find_theme("light").sequential == find_theme("dark").sequential  # the studio asks for one of them alone


def test_one_scale_for_all_of_which_the_extremes_are_cut() -> None:
    nats = np.concatenate([np.linspace(0, 1, 999), [1e6]]).reshape(10, 100)
    shares = heat_shares(nats)
    assert (shares.min(), shares.max()) == (0, 1)
    assert 0.45 < shares[5, 0] < 0.55
    assert heat_shares(np.ones((2, 3))).tolist() == [[0, 0, 0], [0, 0, 0]]
