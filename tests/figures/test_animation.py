import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vael.errors import VaelError
from vael.figures import captioned, save_animation
from vael.figures.grid import Pixels


def film(count: int = 4, height: int = 30, width: int = 41, *, is_grey: bool = False) -> list[Pixels]:
    """Return smooth frames, each another."""
    y, x = np.mgrid[:height, :width]
    waves = [
        np.stack([np.sin(x / 9 + i + c), np.cos(y / 7 + c), np.sin((x + y) / 11 - i)], -1)
        for i in range(count)
        for c in (1,)
    ]
    frames = [np.rint(127 * (wave + 1)).astype(np.uint8) for wave in waves]
    return [frame[..., :1].repeat(3, -1) for frame in frames] if is_grey else frames


def read(path: Path) -> tuple[list[Pixels], list[int], int]:
    frames, times = [], []
    with Image.open(path) as picture:
        for i in range(picture.n_frames):
            picture.seek(i)
            picture.load()
            frames.append(np.asarray(picture.convert("RGB")))
            times.append(picture.info["duration"])
        return frames, times, picture.info["loop"]


@pytest.mark.parametrize("ending", ["gif", "webp"])
@pytest.mark.parametrize("is_grey", [True, False])
def test_an_animation_is_read_back(tmp_path: Path, ending: str, is_grey: bool):
    frames, path = film(is_grey=is_grey), tmp_path / "new" / f"film.{ending}"
    save_animation(path, frames, milliseconds=[600, 100, 100, 1000])
    found, times, loop = read(path)
    assert (times, loop) == ([600, 100, 100, 1000], 0)
    for frame, original in zip(found, frames, strict=True):
        assert frame.shape == original.shape
        assert np.abs(frame.astype(int) - original).mean() < 12


def test_one_time_holds_for_all_frames_and_one_frame_is_enough(tmp_path: Path):
    save_animation(tmp_path / "film.gif", film(3), milliseconds=50)
    assert read(tmp_path / "film.gif")[1] == [50, 50, 50]
    save_animation(tmp_path / "still.webp", film(1))
    with Image.open(tmp_path / "still.webp") as picture:
        assert picture.size == (41, 30)


@pytest.mark.parametrize("with_caption", [False, True])
def test_grey_frames_take_few_colours_also_under_a_caption(tmp_path: Path, with_caption: bool):
    frames = film(3, 300, 300, is_grey=True)
    if with_caption:
        frames = [captioned(frame, text="epoch 3", progress=0.5, theme="dark") for frame in frames]
    save_animation(tmp_path / "film.gif", frames)
    found, _, _ = read(tmp_path / "film.gif")
    colours = np.unique(np.concatenate([frame.reshape(-1, 3) for frame in found]), axis=0)
    assert len(colours) <= 64
    worst = max(np.abs(frame.astype(int) - original).max() for frame, original in zip(found, frames, strict=True))
    assert worst <= 12  # the bar's blue is still blue


def test_a_large_plane_of_digits_stays_small(tmp_path: Path):
    y, x = np.mgrid[:28, :28] - 13.5
    angles = np.linspace(0, np.pi, 400)[:, None, None] + np.zeros((1, 28, 28))
    frames = []
    for t in np.linspace(0, 1, 33):
        strokes = np.exp(-((x * np.sin(angles * t) + y * np.cos(angles * t)) ** 2) / 4 - (x**2 + y**2) / 90)
        plane = strokes.reshape(20, 20, 28, 28).transpose(0, 2, 1, 3).reshape(560, 560, 1)
        frames.append(np.rint(255 * plane).astype(np.uint8).repeat(3, -1))
    save_animation(tmp_path / "film.webp", frames)
    save_animation(tmp_path / "film.gif", frames)
    assert (tmp_path / "film.webp").stat().st_size < 500_000
    assert (tmp_path / "film.gif").stat().st_size < 5_000_000


def test_mp4_without_ffmpeg_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        VaelError, match=r"^mp4 needs ffmpeg, which is not on this machine: install it, or use .gif or .webp$"
    ):
        save_animation(tmp_path / "film.mp4", film())


def test_mp4_gives_ffmpeg_every_frame_as_long_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    program = tmp_path / "ffmpeg"
    program.write_text('#!/bin/sh\necho "$@" > "$(dirname "$0")/said"\ncat > "$(dirname "$0")/raw"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    frames = film(3)
    save_animation(tmp_path / "film.mp4", frames, milliseconds=[100, 50, 150])
    said = (tmp_path / "said").read_text()
    assert "-s 41x30 -r 1000/50" in said
    assert "libx264 -pix_fmt yuv420p" in said
    raw = np.frombuffer((tmp_path / "raw").read_bytes(), np.uint8).reshape(6, 30, 41, 3)
    np.testing.assert_array_equal(raw, np.stack([frames[i] for i in (0, 0, 1, 2, 2, 2)]))


def test_what_ffmpeg_refuses_is_an_error_of_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\ncat > /dev/null\necho much >&2\necho 'Unknown encoder libx264' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(VaelError, match=r"^cannot write .*film\.mp4: ffmpeg says: Unknown encoder libx264$"):
        save_animation(tmp_path / "film.mp4", film())


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg on this machine")
def test_ffmpeg_itself_writes_an_mp4_of_odd_sizes(tmp_path: Path):
    save_animation(tmp_path / "film.mp4", film())
    assert (tmp_path / "film.mp4").read_bytes()[4:8] == b"ftyp"


@pytest.mark.parametrize(
    ("name", "frames", "milliseconds", "message"),
    [
        ("film.avi", film(), 100, "an animation expects .gif, .webp or .mp4, got 'film.avi'"),
        ("film.gif", [], 100, "expects at least one frame, got none"),
        ("film.gif", [film()[0], film()[0][1:]], 100, r"images expects an array \(30, 41, 3\), got \(29, 41, 3\)"),
        ("film.gif", [np.zeros((4, 4, 3))], 100, "images expects uint8 pixels, got float64"),
        ("film.gif", film(), [100], "milliseconds expects one for each frame, 4, got 1"),
        ("film.webp", film(), 3, "milliseconds expects at least 10 a frame, got 3"),
    ],
)
def test_mistakes_are_errors_of_one_line(tmp_path: Path, name: str, frames: list, milliseconds, message: str):
    with pytest.raises(VaelError, match=message):
        save_animation(tmp_path / name, frames, milliseconds=milliseconds)


def test_an_animation_that_cannot_be_written_is_an_error_of_one_line(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(VaelError, match=r"^cannot write .*film\.gif: [^\n]+$"):
        save_animation(tmp_path / "file" / "film.gif", film())


@pytest.mark.parametrize(("progress", "length"), [(0, 0), (0.25, 50), (1, 200)])
def test_a_caption_tells_how_far_the_film_is(progress: float, length: int):
    image = film(1, 60, 200)[0]
    found = captioned(image, text="epoch 7   β = 0.5   ELBO −105 nats", progress=progress)
    strip, below = found[:-60], found[-60:]
    np.testing.assert_array_equal(below, image)
    assert found.shape[1] == 200
    assert (strip[-1] == [0x34, 0x94, 0xE1]).all(axis=-1).sum() == length
    assert (strip[:-3] < 100).any()  # there are letters


def test_a_long_caption_is_cut_and_an_empty_one_is_empty():
    image = film(1, 40, 100)[0]
    found = captioned(image, text="epoch " * 90, progress=0.5)
    assert found.shape == captioned(image, text="", progress=0.5).shape
    assert (captioned(image, text="", progress=0.5)[:15] == 255).all()
    assert (found[:15, 97:] == 255).all()


@pytest.mark.parametrize("progress", [-0.1, 1.1, float("nan")])
def test_progress_is_a_share(progress: float):
    with pytest.raises(VaelError, match=r"progress expects a number in \[0, 1\], got"):
        captioned(film(1)[0], text="", progress=progress)
