import numpy as np
import pytest
from gallery import NAMES, table

from vael.errors import VaelError
from vael.figures import draw_agreement, draw_columns, draw_effects, draw_paths, find_theme


def heights(axes) -> list[float]:
    return [bar.get_height() for bar in axes.patches[:-1]]


def test_data_and_samples_are_shares_in_the_same_bins():
    data = np.random.default_rng(0).normal(size=(4000, 1))
    axes = draw_columns(data, data[:100], columns=["a"]).axes[0]
    assert 0.99 < sum(heights(axes)) <= 1
    outline = axes.patches[-1].get_path().vertices
    edges = [bar.get_x() for bar in axes.patches[:-1]]
    assert set(np.round(edges, 6)) <= set(np.round(outline[:, 0], 6))


def test_few_values_have_a_bin_each():
    data = np.repeat([[0.0], [1.0], [4.0]], [50, 30, 20], axis=0)
    axes = draw_columns(data, data, columns=["bedrooms"]).axes[0]
    assert heights(axes) == pytest.approx([0.5, 0.3, 0.2])


def test_gaps_constants_and_far_away_values_do_no_harm():
    data = np.array([[1.0, 5.0, np.nan]] * 500 + [[1e9, 5.0, 2.0]]) + np.random.default_rng(0).normal(size=(501, 1)) * [
        1,
        0,
        0,
    ]
    figure = draw_columns(data, data[:9] * 1.0, columns=["a", "b", "c"])
    assert figure.axes[0].get_xlim()[1] < 100
    assert len(figure.axes) == 3


@pytest.mark.parametrize("draw", [draw_columns, draw_agreement])
def test_more_than_twenty_columns_are_left_out_and_said_so(draw):
    figure = draw(table(40, 23), table(40, 23), columns=NAMES[:23])
    assert len(figure.axes) == 20
    assert figure.get_supxlabel() == "3 more columns are not shown"


def test_r2_is_the_share_of_the_variance_that_survives():
    x = np.random.default_rng(0).normal(size=(1000, 4))
    guess = np.stack([x[:, 0], np.full(1000, x[:, 1].mean()), x[:, 2] / 2 + x[:, 2].mean() / 2, -x[:, 3]], axis=1)
    titles = [axes.get_title(loc="left") for axes in draw_agreement(x, guess, columns=list("abcd")).axes]
    assert titles == ["a\nR² 1.00", "b\nR² 0.00", "c\nR² 0.75", "d\nR² −3.00"]


def test_agreement_has_equal_axes_and_the_diagonal():
    axes = draw_agreement(np.arange(9.0)[:, None], np.arange(9.0)[:, None] * 3, columns=["a"]).axes[0]
    assert axes.get_xlim() == axes.get_ylim()
    assert axes.get_aspect() == 1
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), axes.lines[0].get_ydata())


def test_a_walk_has_a_line_a_path_between_its_ends():
    t, walk = np.linspace(0, 1, 5), np.arange(10.0).reshape(5, 2)
    figure = draw_paths(t, {"straight": walk, "spherical": walk**2}, columns=["a", "b"], ends=("row 1", "row 2"))
    np.testing.assert_array_equal(figure.axes[1].lines[1].get_ydata(), walk[:, 1] ** 2)
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["row 1", "row 2"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["straight", "spherical"]
    assert figure.axes[0].lines[0].get_linestyle() != figure.axes[0].lines[1].get_linestyle()


def test_effects_are_symmetric_about_zero_and_written_in_their_cells():
    values = np.array([[2.0, -1.0], [0.0, -0.04]])
    figure = draw_effects(values, rows=["z0", "z1"], columns=["a", "b"])
    assert [text.get_text() for text in figure.axes[0].texts] == ["2.0", "−1.0", "0.0", "0.0"]
    assert figure.axes[1].get_xlim() == (-2, 2)
    assert figure.axes[1].get_xlabel() == "change (standard deviations)"


def test_muted_effects_fade_towards_the_background():
    values = np.array([[2.0, -1.0]] * 2)
    figure = draw_effects(values, rows=["z0", "z1"], columns=["a", "b"], muted=[False, True])
    clear, faded = np.asarray(figure.axes[0].images[0].get_array())
    np.testing.assert_allclose(faded, 0.3 * clear + 0.7, atol=1e-6)
    assert figure.axes[0].get_yticklabels()[1].get_color() == find_theme("light").muted


def test_many_effects_are_not_written():
    figure = draw_effects(np.ones((3, 40)), rows=["z0", "z1", "z2"], columns=[f"column {i}" for i in range(40)])
    assert not figure.axes[0].texts


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda x: draw_columns(x, x[:, :1], columns=["a", "b"]), r"samples expects an array \(M, 2\), got \(5, 1\)"),
        (lambda x: draw_columns(x, x, columns=["a"]), "columns expects one for each column of the table, 2, got 1"),
        (
            lambda x: draw_agreement(x, x[:3], columns=["a", "b"]),
            r"reconstruction expects an array \(5, 2\), got \(3, 2\)",
        ),
        (lambda x: draw_paths(x[:, 0], {}, columns=["a"]), "draw_paths expects at least one path, got none"),
        (lambda x: draw_paths(x[:, 0], {"straight": x}, columns=["a"]), r"path 'straight' expects an array \(5, 1\)"),
        (lambda x: draw_effects(x, rows=["z0"], columns=["a", "b"]), "rows expects one for each dimension, 5, got 1"),
        (lambda x: draw_effects(x * np.nan, rows=list("abcde"), columns=["a", "b"]), "finite numbers, got NaN"),
    ],
)
def test_mistakes_are_errors_of_one_line(draw, message: str):
    with pytest.raises(VaelError, match=message):
        draw(np.ones((5, 2)))
