"""Every figure on every shape of run, in both themes; and every way to ask for one that makes no sense."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

import vael
from vael.errors import VaelError
from vael.figures import Figure, figure_pixels
from vael.views import VIEWS, kinds_for, save_figures
from vael.views.base import Look
from vael.views.rates import describe_noise, rate_of_noise

Make = Callable[[str], vael.Run]
IMAGES = set(VIEWS)
REFUSED = {
    "digits": set(),
    "plane": set(),
    "line": {"manifold", "embeddings"},
    "full": {"dimensions", "history"},
    "autoencoder": {"rates", "dimensions", "history", "plane"},
    "still": {"progress", "history"},
    "table": set(),
}


def words_on(figure: Figure) -> list[str]:
    """Return every text of a figure, once."""
    return list(dict.fromkeys(text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", REFUSED)
def test_every_figure_that_makes_sense_is_drawn(name: str, theme: str, make_run: Make) -> None:
    run = make_run(name)
    assert set(kinds_for(run)) == set(VIEWS) - REFUSED[name]
    for kind in kinds_for(run):
        pixels = figure_pixels(vael.draw(run, kind, theme=theme))
        assert pixels.std() > 3, kind  # something is on it
        corner = int(pixels[0, 0].mean())
        assert corner > 200 if theme == "light" else corner < 50


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("line", "manifold", "needs two latent dimensions, and this model has one; use curves, samples, "),
        ("autoencoder", "rates", "needs a rate, and a plain autoencoder has none"),
        ("full", "dimensions", "needs a posterior whose dimensions factorise"),
        ("still", "progress", "needs snapshots, and the training kept none"),
        ("still", "history", "needs snapshots, and the training kept none"),
        ("full", "history", "needs snapshots with the rate of each dimension"),
        ("autoencoder", "history", "needs a rate, and a plain autoencoder has none"),
        ("digits", "manifolds", "did you mean 'manifold'"),
    ],
)
def test_a_figure_that_makes_no_sense_is_refused_with_those_that_do(
    name: str, kind: str, message: str, make_run: Make
) -> None:
    with pytest.raises(VaelError, match=message) as caught:
        vael.draw(make_run(name), kind)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "kind", "options", "message"),
    [
        ("digits", "manifold", {"dims": [0]}, "expects two dimensions, got 1"),
        ("digits", "manifold", {"dims": [0, 8]}, "expects two different dimensions of 0 … 7"),
        ("digits", "traversals", {"dims": [9]}, "expects dimensions of 0 … 7"),
        ("digits", "traversals", {"examples": [1, 2]}, "starts from one example, got 2"),
        ("digits", "interpolation", {"examples": [1]}, "expects two examples, got 1"),
        ("digits", "reconstructions", {"examples": [999]}, "expects 0 … 179, got 999"),
        ("digits", "reconstructions", {"split": "tset"}, "did you mean 'test'"),
        ("digits", "embeddings", {"method": "direct"}, "does not fit a latent of 8 dimensions"),
        ("digits", "embeddings", {"method": "pac"}, "did you mean 'pca'"),
        ("digits", "samples", {"theme": "drak"}, "did you mean 'dark'"),
        ("digits", "samples", {"dims": [1]}, "'samples' does not use dims: it takes theme, num_samples, seed, split"),
        ("digits", "samples", {"colour": "rate"}, "did you mean 'color'"),
        ("table", "embeddings", {"color": "label"}, "has no labels to colour by: use color rate or none"),
        ("autoencoder", "embeddings", {"color": "rate"}, "has no rate to colour by"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(
    name: str, kind: str, options: dict, message: str, make_run: Make
) -> None:
    with pytest.raises(VaelError, match=message) as caught:
        vael.draw(make_run(name), kind, **options)
    assert "\n" not in str(caught.value)


def test_options_reach_the_figure(make_run: Make) -> None:
    run = make_run("digits")
    shown = set(words_on(vael.draw(run, "rates", examples=[3, 8])))
    labels = run.labels()
    assert labels is not None
    assert {f"test 3 ({labels[3]})", f"test 8 ({labels[8]})"} <= {text.split("\n")[0] for text in shown}
    rows = words_on(vael.draw(run, "traversals", dims=[5, 0]))
    assert any(row.startswith("z5") for row in rows)
    assert not any(row.startswith("z3") for row in rows)


def test_traversals_are_ordered_by_rate(make_run: Make) -> None:
    run = make_run("digits")
    figure = vael.draw(run, "traversals")
    words = [text.split() for text in words_on(figure)]
    rates = [float(word[1]) for word in words if len(word) == 3 and word[0].startswith("z")]
    assert len(rates) == 8
    assert rates == sorted(rates, reverse=True)


def test_several_runs_share_one_figure(make_run: Make) -> None:
    runs = [make_run("digits"), make_run("plane")]
    assert kinds_for(runs) == ["curves", "plane"]
    names = set(words_on(vael.draw(runs, "plane")))
    assert {"digits", "plane"} <= names
    with pytest.raises(VaelError, match="shows one run, got 2: curves and plane compare several"):
        vael.draw(runs, "samples")


def test_only_comparable_neighbours_enter_the_plane(make_run: Make) -> None:
    """The autoencoder has no rate, the table other data: beside `digits` neither is drawn, and the note says so."""
    for name in ("plane", "autoencoder", "table"):
        make_run(name)
    words = " ".join(words_on(vael.draw(make_run("digits"), "plane")))
    assert "plane" in words
    assert "autoencoder" not in words
    assert "table" not in words
    assert "left out" in words


def test_figures_go_into_the_run_and_repeat_to_the_byte(make_run: Make, tmp_path: Path) -> None:
    run = make_run("plane")
    paths = save_figures(run, Look(theme="dark"))
    assert paths[0] == run.path / "figures" / "curves-dark.png"
    assert {path.stem.removesuffix("-dark") for path in paths} == set(kinds_for(run))
    first = [save_figures(run, kinds=["manifold"], output=tmp_path / f"{i}.svg")[0].read_bytes() for i in (1, 2)]
    assert first[0] == first[1]
    assert b"<text" in first[0]
    (pdf,) = save_figures(run, kinds=["rates"], output=tmp_path / "here", format="pdf")
    assert pdf == tmp_path / "here" / "rates.pdf"
    assert pdf.read_bytes().startswith(b"%PDF")
    with Image.open(paths[1]) as picture:
        assert picture.width > 700


def test_outputs_that_cannot_be_are_refused(make_run: Make, tmp_path: Path) -> None:
    run = make_run("plane")
    with pytest.raises(VaelError, match=r"one file: name one kind with --kind, or give a folder"):
        save_figures(run, output=tmp_path / "all.png")
    with pytest.raises(VaelError, match="did you mean 'png'"):
        save_figures(run, format="pgn")
    with pytest.raises(VaelError, match=r"expects \.png, \.svg or \.pdf"):
        save_figures(run, kinds=["rates"], output=tmp_path / "rates.doc")
    (tmp_path / "file").write_text("")
    with pytest.raises(VaelError, match=r"cannot write .*file"):
        save_figures(run, kinds=["rates"], output=tmp_path / "file" / "rates.png")


@pytest.mark.parametrize(
    ("noise", "ending"),
    [
        (50.0, "the rate finds it."),
        (29.0, "does not stand out by the rate."),
        (9.0, "a small rate is the strange one."),
    ],
)
def test_the_words_about_noise_follow_the_measurement(noise: float, ending: str) -> None:
    rates = np.random.default_rng(0).normal(30, 4.5, 10_000)
    text = describe_noise(rates, np.full(5, noise))
    assert text.endswith(ending)
    assert f"{noise:.1f} to {noise:.1f} nats" in text


def test_binary_mnist_tells_noise_from_digits(vael_data: Path, tmp_path: Path) -> None:
    """One epoch of the real recipe is enough for noise to stand out."""
    run = vael.train("mnist", recipe="binary-20", settings={"training.epochs": 1}, runs=tmp_path, data_root=vael_data)
    rates, noise = run.embed("train").rate_nats, rate_of_noise(run)
    texts = [text.replace("\n", " ") for text in words_on(vael.draw(run, "rates"))]
    assert describe_noise(rates, noise) in texts
    assert (rates > np.median(noise)).mean() < 0.01
