import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_hex

from vael.errors import VaelError
from vael.figures import Figure, draw_dimension_history


def mesh_of(figure: Figure) -> QuadMesh:
    (mesh,) = [item for item in figure.axes[0].collections if isinstance(item, QuadMesh)]
    return mesh


def test_rows_are_sorted_by_the_last_rate_and_columns_stand_at_the_logarithm_of_the_step():
    rate = np.array([[0.0, 0.0, 0.0], [1.0, 0.5, 0.0], [0.2, 0.9, 2.0], [0.1, 1.0, 3.0]])  # (S, D)
    figure = draw_dimension_history(np.array([0, 1, 10, 100]), rate, steps_per_epoch=50)
    axes, mesh = figure.axes[0], mesh_of(figure)
    np.testing.assert_array_equal(np.reshape(mesh.get_array(), (3, 4)), rate.T[[2, 1, 0]])
    assert [text.get_text() for text in axes.get_yticklabels()] == ["z2", "z1", "z0"]
    assert axes.get_ylim() == (2.5, -0.5)  # the largest on top
    edges = mesh.get_coordinates()[0, :, 0]
    np.testing.assert_allclose(np.diff(edges), np.log(10))  # from 0 to 1 as from 1 to 10
    assert figure.get_suptitle() == "4.1 nats at epoch 2, over 0.01 in 3 of 3 dimensions"


def test_epochs_are_named_where_they_lie():
    steps = np.array([0, *2 ** np.arange(11)])  # … 1024
    axes = draw_dimension_history(steps, np.ones((12, 4)), steps_per_epoch=100).axes[0]
    names = [text.get_text() for text in axes.get_xticklabels()]
    places = dict(zip(names, axes.get_xticks(), strict=True))
    assert {"0", "0.1", "1", "10.2"} <= set(names)
    assert "10" not in names  # it would lie on the end
    assert places["1"] - places["0.1"] == pytest.approx(np.log(10))
    assert places["10.2"] == pytest.approx(np.log(1024))


def test_an_early_flare_does_not_darken_the_rest_and_the_colour_bar_says_so():
    rate = np.array([[0.0, 0.0], [90.0, 90.0], [1.0, 0.0], [4.0, 0.0]])
    steps = np.array([0, 1, 2, 3])
    figure = draw_dimension_history(steps, rate, steps_per_epoch=1)
    assert mesh_of(figure).get_clim() == (0, 4.0)
    assert mesh_of(figure).get_cmap().colorbar_extend == "max"
    calm = draw_dimension_history(steps, np.minimum(rate, 4), steps_per_epoch=1)
    assert mesh_of(calm).get_cmap().colorbar_extend == "neither"


def test_a_silent_model_stays_dark():
    figure = draw_dimension_history(np.array([0, 1]), np.full((2, 3), 0.004), steps_per_epoch=1)
    figure.draw_without_rendering()
    shades = {to_hex(colour) for colour in mesh_of(figure).get_facecolors()}
    assert all(int(shade[1:3], 16) < 16 for shade in shades)  # cividis: the darker, the less red
    assert "over 0.01 in 0 of 3 dimensions" in figure.get_suptitle()


@pytest.mark.parametrize(("count", "is_named"), [(1, True), (32, True), (33, False), (512, False)])
def test_many_dimensions_have_thin_rows_without_names(count: int, is_named: bool):
    figure = draw_dimension_history(np.array([0, 5]), np.ones((2, count)), steps_per_epoch=5)
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert ("z0" in names) == is_named
    assert figure.axes[0].get_ylabel() == ("" if is_named else f"{count} latent dimensions, sorted")
    assert figure.get_figheight() < 6


@pytest.mark.parametrize(
    ("steps", "rate", "message"),
    [
        ([0, 1], np.zeros((3, 2)), r"steps expects an array \(3\), got \(2,\)"),
        ([1, 1], np.zeros((2, 2)), "expects numbers ≥ 0 that rise, got"),
        ([-1, 1], np.zeros((2, 2)), "expects numbers ≥ 0 that rise, got"),
        ([0, 1], np.full((2, 2), np.nan), "finite rates, got NaN or infinity: leave those snapshots out"),
        ([], np.zeros((0, 2)), "there is nothing to draw"),
    ],
)
def test_mistakes_are_errors_of_one_line(steps: list[int], rate: np.ndarray, message: str):
    with pytest.raises(VaelError, match=message) as caught:
        draw_dimension_history(np.array(steps), rate, steps_per_epoch=1)
    assert "\n" not in str(caught.value)
