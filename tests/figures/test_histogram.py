import numpy as np
import pytest

from vael.errors import VaelError
from vael.figures import draw_rates
from vael.figures.histogram import stagger

RATES = np.random.default_rng(0).gamma(20, size=1000)


def test_every_example_is_counted():
    axes = draw_rates(RATES, split="valid").axes[0]
    assert sum(bar.get_height() for bar in axes.patches) == 1000
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("rate (nats)", "valid examples")


def test_noise_lies_in_the_same_bins_with_the_same_area():
    noise = np.full(10, 90.0)
    figure = draw_rates(RATES, noise=noise)
    assert figure.axes[0].get_xlim()[1] > 90
    outline = figure.axes[0].patches[-1].get_path().vertices
    assert outline[:, 1].max() == pytest.approx(1000)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["train examples", "pure noise"]


def test_marks_are_lines_with_names_and_widen_the_axis():
    axes = draw_rates(RATES, marks=[("blank", 1.0), ("shirt", 99.0)]).axes[0]
    assert [line.get_xdata()[0] for line in axes.lines] == [1, 99]
    assert {"blank", "shirt"} <= {text.get_text() for text in axes.texts}
    low, high = axes.get_xlim()
    assert low < 1
    assert high > 99


@pytest.mark.parametrize("seed", range(20))
def test_names_never_touch(seed: int):
    chance = np.random.default_rng(seed)
    places, widths = chance.uniform(0, 200, 10).tolist(), chance.uniform(10, 90, 10).tolist()
    rows = stagger(places, widths, 200)
    spans = [(p - w, p) if left else (p, p + w) for p, w, (_, left) in zip(places, widths, rows, strict=True)]
    for i in range(10):
        assert spans[i][1] <= 200 or places[i] <= widths[i]
        for j in range(i):
            if rows[i][0] == rows[j][0]:
                assert spans[i][1] <= spans[j][0] or spans[j][1] <= spans[i][0]


def test_marks_far_apart_need_one_row():
    assert stagger([10, 60, 110], [40, 40, 40], 200) == [(0, False), (0, False), (0, False)]
    assert stagger([10, 20, 190], [40, 40, 40], 200) == [(1, False), (0, False), (0, True)]


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: draw_rates(np.zeros(0)), "rates expects an array .N., got .0,.: there is nothing to draw"),
        (
            lambda: draw_rates(np.array([1, np.nan])),
            "rates expects finite nats, got 1 of 2 that are not: has the model",
        ),
        (lambda: draw_rates(RATES, noise=np.array([np.inf])), "noise expects finite nats, got 1 of 1"),
        (lambda: draw_rates(RATES, marks=[("a", float("nan"))]), "marks expects finite nats, got 1 of 1"),
    ],
)
def test_mistakes_are_errors_of_one_line(draw, message: str):
    with pytest.raises(VaelError, match=message):
        draw()
