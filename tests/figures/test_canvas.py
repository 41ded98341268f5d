import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from gallery import GALLERY
from PIL import Image

from vael.errors import VaelError
from vael.figures import figure_pixels, save_figure

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", ["curves", "embedding", "image rows", "plane", "rates"])
@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_the_same_figure_is_saved_as_the_same_bytes(tmp_path: Path, name: str, ending: str):
    paths = [tmp_path / "new" / "folder" / f"{i}.{ending}" for i in range(2)]
    for path in paths:
        save_figure(GALLERY[name]("light"), path)
    one, other = (path.read_bytes() for path in paths)
    assert one == other
    assert one.startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[ending])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("curves", {"ELBO (nats)", "epoch", "train", "valid", "best", "−105", "0.001"}),
        ("embedding", {"Digits", "z0", "z1", "7"}),
        ("traversals", {"z127  3.1 nats"}),
        ("plane", {"run number 11", "rate (nats)", "Test split.", "β sweep", "ELBO −40"}),
        ("rates", {"example 9", "pure noise", "train examples"}),
        ("columns", {"US$ income", "data", "samples"}),
    ],
)
def test_text_stays_text_in_svg(tmp_path: Path, name: str, words: set[str]):
    path = tmp_path / "figure.svg"
    save_figure(GALLERY[name]("light"), path)
    found = {"".join(element.itertext()).strip() for element in ElementTree.parse(path).iter(f"{SVG}text")}
    assert words <= found
    assert "<dc:date>" not in path.read_text()


def test_ten_thousand_points_are_one_picture_in_svg(tmp_path: Path):
    path = tmp_path / "figure.svg"
    save_figure(GALLERY["embedding"]("light"), path)
    assert len(list(ElementTree.parse(path).iter(f"{SVG}image"))) == 1
    assert path.stat().st_size < 300_000


def test_a_png_has_the_figures_size(tmp_path: Path):
    figure, path = GALLERY["one curve"]("dark"), tmp_path / "figure.png"
    save_figure(figure, path)
    with Image.open(path) as picture:
        assert picture.size == tuple((figure.get_size_inches() * 220).astype(int))
        assert picture.convert("RGB").getpixel((0, 0)) == (0x14, 0x16, 0x1A)


@pytest.mark.parametrize("dpi", [50, 120])
def test_frames_have_a_fixed_size(dpi: int):
    shapes = {figure_pixels(GALLERY[name]("light"), dpi=dpi).shape for name in ("one curve", "one column")}
    assert shapes == {(int(2.4 * dpi), int(3.5 * dpi), 3)}


def test_a_figure_shows_itself_in_notebooks():
    assert GALLERY["one curve"]("light")._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["figure.jpg", "figure"])
def test_another_ending_is_refused(tmp_path: Path, name: str):
    with pytest.raises(VaelError, match=f"a figure expects .png, .svg or .pdf, got '{name}'"):
        save_figure(GALLERY["one curve"]("light"), tmp_path / name)


def test_a_figure_that_cannot_be_written_is_an_error_of_one_line(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(VaelError, match=r"^cannot write .*figure\.svg: [^\n]+$"):
        save_figure(GALLERY["one curve"]("light"), tmp_path / "file" / "figure.svg")


def test_the_room_loads_matplotlib_only_when_something_is_drawn():
    code = (
        "import sys, vael.figures; assert 'matplotlib' not in sys.modules; vael.figures.draw_curves;"
        "assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_name_of_the_room_is_there():
    import vael.figures as room

    assert all(getattr(room, name) is not None for name in room.__all__)
    with pytest.raises(AttributeError, match="no attribute 'draw_nothing'"):
        _ = room.draw_nothing  # type: ignore[attr-defined]
    assert np.isfinite(figure_pixels(GALLERY["one curve"]("light"))).all()
