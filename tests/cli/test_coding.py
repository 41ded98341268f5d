"""`vael compress` and `vael decompress`, as a person types them."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vael
from vael.cli import main
from vael.errors import VaelError
from vael.experiments import write_pixels
from vael.recipe import parse_settings


def run(*words: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert not stopped.value.code


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    return capsys.readouterr().err


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a short training on levels and one on black and white."""
    folder = tmp_path_factory.mktemp("desk")
    for name, words in {
        "levels": ["data.treatment=levels", "model.likelihood=discretized-logistic"],
        "binary": ["data.treatment=rounded", "model.likelihood=bernoulli"],
    }.items():
        settings = parse_settings([*words, "training.epochs=2", "training.snapshots=0"])
        vael.train("digits", settings=settings, name=name, runs=folder)
    return folder


@pytest.fixture(autouse=True)
def at_the_desk(desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAEL_RUNS", str(desk))
    monkeypatch.chdir(tmp_path)


def test_the_runs_own_data_come_back(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("compress", "levels", "--output", "test.vael")
    said = capsys.readouterr().out
    assert "180 images" in said
    assert "decoded again and compared: the same" in said
    run("decompress", "levels", "test.vael", "-o", "test.npy")
    expected = vael.load(desk / "levels").data("test").raw.numpy()
    np.testing.assert_array_equal(np.load("test.npy"), expected[:, 0])
    run("decompress", "levels", "test.vael", "-o", "pictures", "--json")
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"output": "pictures", "count": 180}
    with Image.open("pictures/007.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), expected[6, 0])


def test_a_folder_comes_back_by_name_and_pixel(capsys: pytest.CaptureFixture[str]) -> None:
    generator = np.random.Generator(np.random.PCG64(0))
    images = {name: generator.integers(0, 17, (8, 8)).astype(np.uint8) for name in ("b/one.png", "a.png", "ü.bmp")}
    for name, image in images.items():
        Path("in", name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(Path("in", name))
    run("compress", "levels", "in", "-o", "set.vael", "--json")
    numbers = json.loads(capsys.readouterr().out)
    assert numbers["count"] == 3
    assert numbers["bytes"] == Path("set.vael").stat().st_size
    run("decompress", "levels", "set.vael", "-o", "out")
    run("decompress", "levels", "set.vael", "-o", "out.zip")
    run("compress", "levels", "out.zip", "-o", "again.vael")
    for name, image in images.items():
        with Image.open(Path("out", name).with_suffix(".png")) as picture:
            np.testing.assert_array_equal(np.asarray(picture), image)
    assert "holds files already" in refused(capsys, "decompress", "levels", "set.vael", "-o", "out")


def test_an_array_is_coded_whole_and_black_and_white_stays_so() -> None:
    x = np.random.Generator(np.random.PCG64(0)).integers(0, 2, (40, 8, 8)).astype(np.uint8)
    np.save("x.npy", x)
    run("compress", "binary", "x.npy", "-o", "x.vael", "--no-verify")
    run("decompress", "binary", "x.vael", "-o", "y.npz")
    np.testing.assert_array_equal(np.load("y.npz")["x"], x)
    run("decompress", "binary", "x.vael", "-o", "y")
    run("compress", "binary", "y", "-o", "z.vael")
    run("decompress", "binary", "z.vael", "-o", "z.npy")
    np.testing.assert_array_equal(np.load("z.npy"), x)


def test_what_does_not_fit_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("in").mkdir()
    forms = {"9 × 8 L": (9, 8, "L"), "8 × 8 RGBA": (8, 8, "RGBA"), "8 × 8 RGB": (8, 8, "RGB")}
    for form, (width, height, mode) in forms.items():
        Image.new(mode, (width, height)).save("in/a.png")
        assert f"a.png is {form}, the model codes 8 × 8 L" in refused(
            capsys, "compress", "levels", "in", "-o", "s.vael"
        )
    Image.new("L", (8, 8), 100).save("in/a.png")
    assert "shades of grey" in refused(capsys, "compress", "binary", "in", "-o", "s.vael")
    assert "levels 0 … 16, got 100" in refused(capsys, "compress", "levels", "in", "-o", "s.vael")
    assert "treatment=levels" in refused(capsys, "compress", "binary", "-o", "s.vael")
    assert "unknown split" in refused(capsys, "compress", "levels", "--split", "tset", "-o", "s.vael")
    assert not Path("s.vael").exists()
    run("compress", "levels", "-o", "test.vael")
    capsys.readouterr()
    assert "was written with the model" in refused(capsys, "decompress", "binary", "test.vael", "-o", "t.npy")
    assert "cannot be read" in refused(capsys, "decompress", "levels", "missing.vael", "-o", "t.npy")
    Path("cut.vael").write_bytes(Path("test.vael").read_bytes()[:-1])
    assert "damaged or cut off" in refused(capsys, "decompress", "levels", "cut.vael", "-o", "t.npy")
    assert not Path("t.npy").exists()


@pytest.mark.parametrize("name", ["/etc/a.png", "../a.png", "a/../../b.png", "a\\..\\b.png"])
def test_no_name_leads_out_of_the_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(VaelError, match="leads out of the folder"):
        write_pixels(tmp_path / "out", np.zeros((1, 1, 2, 2), np.uint8), [name], is_binary=False)
    assert not (tmp_path / "out").exists()


def test_two_names_that_differ_in_the_ending_alone_stay_two(tmp_path: Path) -> None:
    write_pixels(tmp_path / "out", np.zeros((2, 1, 2, 2), np.uint8), ["a.png", "a.jpg"], is_binary=False)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.jpg.png", "a.png"]
    with pytest.raises(VaelError, match="the same name as PNG"):
        write_pixels(
            tmp_path / "more", np.zeros((3, 1, 2, 2), np.uint8), ["a.png", "a.jpg", "a.jpg.png"], is_binary=False
        )
