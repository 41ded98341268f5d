import io
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from vael import data
from vael.data.foreign import read_image, read_rows
from vael.data.idx import read_idx
from vael.errors import VaelError

GREY = {"shape": (1, 28, 28), "num_levels": 256}


def noise(height: int, width: int, mode: str = "RGB", seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels).convert(mode)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def drawing(height: int = 300, width: int = 400) -> np.ndarray:
    """Draw a lopsided shape, white on black, away from the middle."""
    pixels = np.zeros((height, width), np.uint8)
    pixels[40:160, 60:100] = 255
    pixels[130:160, 60:120] = 255
    return pixels


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize(("color", "size"), [("grey", (9, 7)), ("rgb", (16, 16)), ("rgb", (40, 90))])
def test_an_image_is_fitted_as_one_of_a_folder_is(kind: str, color: str, size: tuple[int, int], tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6  # lies on its side
    for number in range(3):
        content = encoded(noise(120, 90, seed=number), kind, exif=turned if number else Image.Exif())
        (tmp_path / f"{number}.{kind.lower()}").write_bytes(content)
    folder = data.load(str(tmp_path), size=size, color=color, valid_fraction=0.0, test_fraction=0.0)
    shape = ({"grey": 1, "rgb": 3}[color], *size)
    rows = {row.tobytes() for row in folder.splits["train"].x}
    for path in tmp_path.iterdir():
        found = read_image(path.read_bytes(), shape=shape, num_levels=256)
        assert found.shape == (1, *shape)
        assert found.dtype == np.uint8
        assert found.tobytes() in rows


def test_the_negative_is_255_minus_x() -> None:
    content = encoded(noise(28, 28, "L"))
    np.testing.assert_array_equal(read_image(content, **GREY, invert=True), 255 - read_image(content, **GREY))


@pytest.mark.parametrize("num_levels", [2, 17])
def test_fewer_levels_are_rounded_to(num_levels: int) -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    found = read_image(encoded(Image.fromarray(ramp)), shape=(1, 16, 16), num_levels=num_levels)
    assert found.max() == num_levels - 1
    np.testing.assert_array_equal(found[0, 0], np.rint(ramp / 255 * (num_levels - 1)))


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_what_is_transparent_lies_upon_black(mode: str) -> None:
    pixels = np.full((4, 4, len(mode)), 200, np.uint8)
    pixels[..., -1] = np.linspace(0, 255, 4).astype(np.uint8)
    found = read_image(encoded(Image.fromarray(pixels)), shape=(1, 4, 4), num_levels=256)
    np.testing.assert_allclose(found[0, 0], 200.0 * pixels[..., -1] / 255, atol=1)


def test_a_palettes_transparent_colour_is_black_too() -> None:
    picture = Image.fromarray(np.full((4, 4), 1, np.uint8))
    picture.putpalette([0, 0, 0, 250, 250, 250])
    assert read_image(encoded(picture), shape=(1, 4, 4), num_levels=256).max() == 250
    assert read_image(encoded(picture, transparency=1), shape=(1, 4, 4), num_levels=256).max() == 0


def test_the_first_frame_of_an_animation_is_read() -> None:
    frames = [Image.fromarray(np.full((4, 4), level, np.uint8)) for level in (10, 200)]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert (read_image(content, shape=(1, 4, 4), num_levels=256) == 10).all()


@pytest.mark.parametrize("side", [28, 56])
@pytest.mark.parametrize("invert", [False, True])
def test_a_drawing_is_scaled_and_placed_as_lecun_did(side: int, invert: bool) -> None:
    pixels = 255 - drawing() if invert else drawing()
    options = {"shape": (1, side, side), "num_levels": 256}
    found = read_image(encoded(Image.fromarray(pixels)), **options, invert=invert, center=True)[0, 0]
    rows, columns = np.flatnonzero(found.any(1)), np.flatnonzero(found.any(0))
    assert np.ptp(rows) + 1 == side * 20 // 28
    assert np.ptp(columns) + 1 == pytest.approx(side * 20 / 28 * 60 / 120, abs=1)  # the aspect is kept
    np.testing.assert_allclose(ndimage.center_of_mass(found), side / 2, atol=0.5)


def test_a_centred_digit_of_mnist_comes_back(vael_data: Path) -> None:
    images = read_idx(vael_data / "mnist" / "t10k-images-idx3-ubyte.gz", num_axes=3)[:50]
    for digit in images:
        canvas = np.zeros((500, 460), np.uint8)
        canvas[30:310, 150:430] = np.kron(digit, np.ones((10, 10), np.uint8))
        found = read_image(encoded(Image.fromarray(canvas)), **GREY, center=True)[0, 0]
        assert np.abs(found.astype(float) - digit).mean() < 6  # of 255; a shift by one pixel gives 15 to 40


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 20, 10)])
def test_an_empty_drawing_stays_empty(shape: tuple[int, ...]) -> None:
    content = encoded(Image.new("L", (300, 200), 255))
    assert not read_image(content, shape=shape, num_levels=256, invert=True, center=True).any()


def test_a_drawing_of_one_dot_and_one_as_thin_as_a_line_stay_inside() -> None:
    for box in (np.s_[0:1, 0:1], np.s_[299:300, 0:400], np.s_[:, 399:400]):
        pixels = np.zeros((300, 400), np.uint8)
        pixels[box] = 255
        assert read_image(encoded(Image.fromarray(pixels)), **GREY, center=True).any()


def without_pixels(width: int, height: int) -> bytes:
    """Return a PNG of any size whose header alone is there."""
    header = encoded(Image.new("L", (1, 1)))
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return header[:8] + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)) + header[33:]


BROKEN = {
    "empty": (b"", "drawing is empty: expected an image"),
    "foreign": (b"a,b\n1,2\n", "drawing is broken (not an image)"),
    "cut": (encoded(noise(50, 50))[:2000], "drawing is broken ("),
    "large": (without_pixels(8000, 6000), "drawing has 48 megapixels (8000 x 6000), expected at most 40"),
    "larger": (without_pixels(12000, 9000), "drawing has 108 megapixels"),
    "largest": (without_pixels(60000, 60000), "drawing is broken (Image size (3600000000 pixels) exceeds limit"),
    "deep": (encoded(Image.fromarray(np.zeros((4, 4), np.uint16))), "expected 8 bits a channel"),
    "program": (encoded(noise(4, 4), "EPS"), "drawing is an EPS file"),
}


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_image_is_one_clear_line(case: str, center: bool) -> None:
    content, message = BROKEN[case]
    with pytest.raises(VaelError, match=re.escape(message)) as caught:
        read_image(content, **GREY, center=center, name="drawing")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP"])
def test_damaged_files_are_refused_or_read(kind: str) -> None:
    chance, whole = np.random.default_rng(0), encoded(noise(30, 40), kind)
    for _ in range(40):
        damaged = bytearray(whole[: chance.integers(1, len(whole) + 1)])
        damaged[chance.integers(len(damaged))] = chance.integers(256)
        try:
            assert read_image(bytes(damaged), **GREY).shape == (1, 1, 28, 28)
        except VaelError:
            continue


COLUMNS = ("height", "body weight")
FACTS = {"standardised": {"columns": list(COLUMNS), "mean": [170.0, 70.0], "scale": [10.0, 5.0]}}
ROWS = [[180.0, 65.5], [150.0, 70.0]]


@pytest.mark.parametrize(
    "text",
    [
        "height,body weight\n180,65.5\n150,70\n",
        "name;body weight;height\nAda;65.5;180\nBob;70;150\n",
        "height\tbody weight\r\n180\t65.5\r\n\r\n150\t70\r\n",
        '\ufeff"body weight" , height\n65.5,180\n7e1, 150',
        "180,65.5\n150,70\n",
        "\n180;65.5\n150;70\n",
    ],
    ids=["header", "other-order", "tab", "quoted", "no-header", "semicolon"],
)
def test_rows_are_found_and_put_on_the_runs_scale(text: str) -> None:
    found = read_rows(text.encode(), columns=COLUMNS, facts=FACTS)
    np.testing.assert_allclose(found, (np.array(ROWS) - [170, 70]) / [10, 5], rtol=1e-6)
    assert found.dtype == np.float32


def test_rows_of_the_tables_own_file_are_the_tables_own(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="tables need pyarrow")
    chance = np.random.default_rng(0)
    path = tmp_path / "table.csv"
    path.write_text("a,word,b\n" + "".join(f"{a},x,{b}\n" for a, b in chance.normal(5, 3, (40, 2)).tolist()))
    table = data.load(str(path), valid_fraction=0.0, test_fraction=0.0)
    found = read_rows(path.read_bytes(), columns=table.columns, facts=table.facts)
    order, own = np.lexsort(found.T), table.splits["train"].x
    np.testing.assert_array_equal(found[order], own[np.lexsort(own.T)])


def test_columns_called_by_numbers_need_all_their_names_for_a_header() -> None:
    facts = {"standardised": {"mean": [0.0, 0.0], "scale": [1.0, 1.0]}}
    assert read_rows(b"1,0\n7,8", columns=("0", "1"), facts=facts).tolist() == [[8.0, 7.0]]
    assert read_rows(b"1,5\n7,8", columns=("0", "1"), facts=facts).tolist() == [[1.0, 5.0], [7.0, 8.0]]


def test_a_binary_table_takes_zeros_and_ones() -> None:
    assert read_rows(b"0,1\n1,1", columns=("a", "b"), facts={}).tolist() == [[0.0, 1.0], [1.0, 1.0]]
    with pytest.raises(VaelError, match="cells that are 0 or 1, as the run's table has, got 3"):
        read_rows(b"0,3", columns=("a", "b"), facts={})


WRONG = {
    "empty": ("", "rows.csv is empty: expected rows of the columns height, body weight"),
    "blank": ("\n \n", "rows.csv is empty"),
    "header-only": ("height,body weight\n", "expects 1 to 3 rows, got 0"),
    "too-many": ("1,2\n" * 4, "expects 1 to 3 rows, got 4"),
    "missing": ("height,name\n1,2\n", "rows.csv lacks the columns body weight: it has height, name"),
    "foreign": ("a,b\n1,2\n", "or the header height, body weight, got the first row a, b"),
    "twice": ("height,height,body weight\n1,2,3\n", "more than one column called height"),
    "word": ("height,body weight\n1,2\n3,tall\n", "row 2, column 'body weight' expects a finite number, got 'tall'"),
    "nan": ("1,2\nnan,4\n", "row 2, column 'height' expects a finite number, got 'nan'"),
    "cell": ("1,\n", "row 1, column 'body weight' expects a finite number, got ''"),
    "infinite": ("1,1e999\n", "row 1, column 'body weight' expects a finite number"),
    "too-large": ("1,1e300\n", "row 1, column 'body weight' expects a number near those of the data, got 1e+300"),
    "ragged": ("1,2\n3\n", "row 2 expects 2 cells (height, body weight), got 1"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_rows_are_named_in_one_clear_line(case: str) -> None:
    text, message = WRONG[case]
    with pytest.raises(VaelError, match=re.escape(message)) as caught:
        read_rows(text.encode(), columns=COLUMNS, facts=FACTS, limit=3, name="rows.csv")
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(VaelError, match=r"rows\.csv expects text in UTF-8"):
        read_rows(encoded(noise(4, 4)), columns=COLUMNS, facts=FACTS, name="rows.csv")
