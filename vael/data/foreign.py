"""Material from outside for a trained model: an image or rows of a table, from bytes, checked, in the run's own units.

An image is fitted exactly as one of an image folder is (`picture`). Drawn digits can be brought into MNIST's form:
scaled into a box of 20 of 28 pixels and moved so that the centre of mass is the centre of the field ("Gradient-based
learning applied to document recognition", LeCun, Bottou, Bengio, Haffner, 1998).
"""

import csv
import io
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vael.data.cells import check_cells
from vael.data.picture import Form, fit_image, open_image, upright
from vael.data.pixels import COLORS
from vael.data.standardise import standardise_rows
from vael.data.tables import MISSING, is_numeral, split_line
from vael.errors import VaelError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["put_on_scale", "read_image", "read_rows"]

LARGEST_IMAGE = 40_000_000  # pixels: about 120 MB decoded
INK = 25  # of 255: what is fainter (a smear of JPEG, of a pen's edge) does not count as drawn
INK_BOX = 20 / 28  # the side of the box that MNIST's digits were scaled into, in sides of the field


def read_image(
    content: bytes,
    *,
    shape: tuple[int, ...],
    num_levels: int,
    invert: bool = False,
    center: bool = False,
    name: str = "the image",
) -> NDArray[np.uint8]:
    """Return an image from outside as one of a data set's files would hold it, `(1, C, H, W)` uint8.

    Its first frame, turned as its EXIF tag says, over black where it is transparent.

    Arguments:
        content: The file, of any format that Pillow reads (EPS, which is a program, excepted).
        shape: `(C, H, W)` of the data; the aspect is not kept.
        num_levels: How many levels the data's files have; the pixels are 0 … num_levels − 1.
        invert: Take 255 − x: for ink on paper where the data are white on black.
        center: Scale and place what is drawn as MNIST does; a drawing without ink stays as it is.
        name: What to call it in an error.

    Raises:
        VaelError: An empty, broken or foreign file, more than 40 megapixels, or more than 8 bits a channel.
    """
    if not content:
        raise VaelError(f"{name} is empty: expected an image (PNG, JPEG, WebP, …)")
    channels, height, width = shape
    form = Form((height, width), next(color for color, count in COLORS.items() if count == channels))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of large images, which are refused here
        with open_image(content, name) as image:
            _check_size(image, name)
            opaque = _over_black(image, name)
            pixels = _center(opaque, form, name, invert=invert) if center else fit_image(opaque, form, name)
    if invert and not center:
        pixels = 255 - pixels
    if num_levels != 256:
        pixels = np.rint(pixels * ((num_levels - 1) / 255)).astype(np.uint8)
    return pixels[None].copy()


def _check_size(image: "Image", name: str) -> None:
    """Refuse, from the header alone, what is too large or would be run."""
    width, height = image.size
    if width * height > LARGEST_IMAGE:
        raise VaelError(
            f"{name} has {width * height / 1e6:.0f} megapixels ({width} x {height}), expected at most "
            f"{LARGEST_IMAGE / 1e6:.0f}: make it smaller"
        )
    if image.format == "EPS":
        raise VaelError(f"{name} is an EPS file, which is a program to be run: save it as PNG")


def _over_black(image: "Image", name: str) -> "Image":
    """Return the image upon black where it is transparent."""
    from PIL import Image

    if not image.has_transparency_data:
        return image
    turned = upright(image, name).convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", turned.size, (0, 0, 0, 255)), turned).convert("RGB")


def _center(image: "Image", form: Form, name: str, *, invert: bool) -> NDArray[np.uint8]:
    """Scale the ink's bounding box to 20/28 of the field and put its centre of mass in the middle, `(C, H, W)`."""
    from PIL import ImageOps

    drawn = upright(image, name).convert(form.mode)
    drawn = ImageOps.invert(drawn) if invert else drawn
    box = drawn.convert("L").point([int(level > INK) for level in range(256)]).getbbox()
    if box is None:
        return fit_image(drawn, form, name)
    (height, width), (box_height, box_width) = form.size, (box[3] - box[1], box[2] - box[0])
    scale = INK_BOX * min(height / box_height, width / box_width)
    size = max(1, round(box_height * scale)), max(1, round(box_width * scale))
    ink = fit_image(drawn.crop(box), Form(size, form.color), name)
    field = np.zeros(form.shape, np.uint8)
    top, left = (_offset(ink.sum((0, 2 - axis)), form.size[axis]) for axis in (0, 1))
    field[:, top : top + size[0], left : left + size[1]] = ink
    return field


def _offset(mass: NDArray, side: int) -> int:
    """Return where ink with this mass along one axis begins, its centre of mass on pixel side / 2, all of it inside."""
    total = float(mass.sum())
    middle = float(mass @ np.arange(len(mass))) / total if total else (len(mass) - 1) / 2
    return min(max(round(side / 2 - middle), 0), side - len(mass))


def read_rows(
    content: bytes,
    *,
    columns: Sequence[str],
    facts: Mapping[str, Any],
    limit: int = 1000,
    may_miss: bool = False,
    name: str = "the table",
) -> NDArray[np.float32]:
    """Return rows of a CSV file as the model sees a table's, `(M, F)` float32: on the scale of its training split.

    Counts and positive numbers, which have no scale, keep their values. With a header the columns are found by name and
    others are left out; without one, every row holds exactly the F numbers. The delimiter is a comma, a semicolon, a
    tab or a bar.

    Arguments:
        content: The file, in UTF-8.
        columns: The names of the F columns.
        facts: `Dataset.facts`, also as read back from run.json: the columns' means and scales, or what the cells are.
        limit: How many rows are taken; more are refused.
        may_miss: Whether cells may be missing (empty, "?", "NA", …): they become NaN.
        name: What to call it in an error.

    Raises:
        VaelError: No text, no rows, too many rows, missing columns, or a cell that is no finite number.
    """
    rows = _cells(content, columns, name)
    places = _find_columns(rows[0], columns, name)
    body = rows if places is None else rows[1:]
    if not 1 <= len(body) <= limit:
        raise VaelError(f"{name} expects 1 to {limit:,} rows, got {len(body):,}")
    width = len(columns) if places is None else len(rows[0])
    values = np.empty((len(body), len(columns)))
    for number, row in enumerate(body, 1):
        if len(row) != width:
            raise VaelError(f"{name}: row {number} expects {width} cells ({', '.join(columns)}), got {len(row)}")
        for place, column in enumerate(columns):
            cell = row[place if places is None else places[place]]
            is_hole = may_miss and cell in MISSING
            values[number - 1, place] = np.nan if is_hole else _number(cell, f"{name}: row {number}, column '{column}'")
    holes = np.isnan(values)
    found = put_on_scale(np.where(holes, 1.0, values), columns, facts, name)  # 1 is a cell of every kind of table
    found[holes] = np.nan
    return found


def _cells(content: bytes, columns: Sequence[str], name: str) -> list[list[str]]:
    """Return the cells of each row that is not blank, at least one row."""
    try:
        text = content.decode("utf-8-sig").lstrip()
        delimiter = _find_delimiter(text.split("\n", 1)[0], columns)
        rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text), delimiter=delimiter)]
    except UnicodeDecodeError as error:
        raise VaelError(f"{name} expects text in UTF-8 ({error.reason} at byte {error.start}): convert it") from None
    except csv.Error as error:
        raise VaelError(f"{name} is no CSV file ({error}): save it as one") from None
    found = [row for row in rows if row not in ([], [""])]
    if not found:
        raise VaelError(f"{name} is empty: expected rows of the columns {', '.join(columns)}")
    return found


def _find_delimiter(line: str, columns: Sequence[str]) -> str:
    """Return the delimiter that gives the most names of columns, else the right number of cells, else most cells."""
    rows = split_line(line)

    def fitness(delimiter: str) -> tuple[int, bool, int]:
        cells = {cell.strip() for cell in rows[delimiter]}
        return len(cells & set(columns)), len(rows[delimiter]) == len(columns), len(rows[delimiter])

    return max(rows, key=fitness)


def _find_columns(first: list[str], columns: Sequence[str], name: str) -> list[int] | None:
    """Return where each column stands according to the header, or None where the first row holds numbers."""
    has_words = any(not is_numeral(cell) and cell not in MISSING for cell in first)
    if not has_words and not set(columns) <= set(first):
        return None
    missing = [column for column in columns if column not in first]
    if len(missing) == len(columns) == len(first):
        raise VaelError(
            f"{name} expects numbers or the header {', '.join(columns)}, got the first row {', '.join(first)}"
        )
    if missing:
        raise VaelError(f"{name} lacks the columns {', '.join(missing)}: it has {', '.join(first)}")
    twice = [column for column in columns if first.count(column) > 1]
    if twice:
        raise VaelError(f"{name} has more than one column called {', '.join(twice)}: rename them")
    return [first.index(column) for column in columns]


def _number(cell: str, where: str) -> float:
    if not is_numeral(cell) or not np.isfinite(float(cell)):
        raise VaelError(f"{where} expects a finite number, got '{cell[:40]}'")
    return float(cell)


def put_on_scale(
    values: NDArray[np.float64], columns: Sequence[str], facts: Mapping[str, Any], name: str
) -> NDArray[np.float32]:
    """Standardise, and refuse what that makes infinite; without scales, cells are what the facts say, or binary."""
    if "cells" in facts:
        check_cells(values, facts["cells"], columns, name)
    elif "standardised" not in facts and not np.isin(values, (0, 1)).all():
        raise VaelError(f"{name} expects cells that are 0 or 1, as the run's table has, got {values.max():g}")
    with np.errstate(over="ignore"):
        rows = standardise_rows(values, facts)
    if not np.isfinite(rows).all():
        row, place = np.argwhere(~np.isfinite(rows))[0]
        where = f"{name}: row {row + 1}, column '{columns[place]}'"
        raise VaelError(f"{where} expects a number near those of the data, got {values[row, place]:g}")
    return rows
