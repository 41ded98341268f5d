"""Tables: the numeric columns of CSV and Parquet files.

A CSV file has a header if some column's first cell is no number while all its others are. Columns that are not numbers
are left out and listed in the facts; a missing or infinite cell in a column of numbers is refused.
"""

import csv
import gzip
import io
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vael.data.base import Dataset, ReadOptions, Source, Split
from vael.errors import VaelError

if TYPE_CHECKING:
    from pyarrow import Table

__all__ = ["MISSING", "Tables", "is_numeral", "split_line"]

DELIMITERS = ",;\t|"
MISSING = ("", "?", "NA", "N/A", "#N/A", "n/a", "NULL", "null", "NaN", "nan", "None")
LARGEST_BLOCK = 2**31 - 1


class Tables(Source):
    """Any CSV or Parquet file."""

    summary = "FILE.csv, .csv.gz or .parquet: its numeric columns, standardised"
    takes_path = True

    def locate(self, options: ReadOptions) -> str:
        return options.path if Path(options.path).expanduser().is_file() else ""

    def read(self, options: ReadOptions) -> Dataset:
        path = Path(options.path).expanduser()
        if not path.is_file():
            raise VaelError(f"there is no file {path}: give a path that exists")
        table = _read_parquet(path) if path.suffix == ".parquet" else _read_csv(path)
        names = _unique(path, table.column_names)
        kept = [number for number, kind in enumerate(table.schema.types) if _is_number(kind)]
        if not kept or not table.num_rows:
            raise VaelError(
                f"{path} expects at least one row and one column of numbers, got {table.num_rows} rows "
                f"and the columns {', '.join(names)}: typed tables come later"
            )
        x = np.empty((table.num_rows, len(kept)), np.float64)
        for place, number in enumerate(kept):
            x[:, place] = _values(path, names[number], table.column(number))
        left_out = [name for number, name in enumerate(names) if number not in kept]
        facts = {"files": [str(path)], "columns_left_out": left_out}
        return Dataset("table", {"all": Split(x)}, 0, columns=tuple(names[number] for number in kept), facts=facts)


def _values(path: Path, name: str, column: Any) -> Any:
    """Return one column as float64 `(N,)`, all cells there and finite."""
    if column.null_count:
        raise VaelError(
            f"{path}: column '{name}' has {column.null_count} missing cells ('?' or empty) of {len(column)}: "
            "fill them, or drop the rows or the column"
        )
    values = column.cast("float64", safe=False).to_numpy()
    broken = int(np.count_nonzero(~np.isfinite(values)))
    if broken:
        raise VaelError(
            f"{path}: column '{name}' has {broken} NaN or infinite cells of {len(values)}: fill or drop them"
        )
    return values


def _is_number(kind: Any) -> bool:
    types = _arrow().types
    return types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)


def _unique(path: Path, names: list[str]) -> list[str]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise VaelError(f"{path} has more than one column called {', '.join(map(repr, twice))}: rename them")
    return names


def _read_parquet(path: Path) -> "Table":
    arrow = _arrow()
    import pyarrow.parquet

    try:
        return pyarrow.parquet.read_table(path)
    except (arrow.ArrowException, OSError) as error:
        raise _broken(path, error) from None


def _read_csv(path: Path) -> "Table":
    """Read a CSV file, with or without a header, its types inferred from all of its rows."""
    content = _content(path)
    delimiter, first = _first_row(path, content)
    table = _parse(path, content, delimiter, skip_rows=1, width=len(first))
    if not _is_header(first, table):
        return _parse(path, content, delimiter, skip_rows=0, width=len(first))
    return table.rename_columns([name.strip() or f"column_{number}" for number, name in enumerate(first, 1)])


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except (gzip.BadGzipFile, EOFError, zlib.error, OSError) as error:
        raise _broken(path, error) from None
    return content.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")


def _first_row(path: Path, content: bytes) -> tuple[str, list[str]]:
    """Return the delimiter, the one that gives the most cells, and the cells of the first row."""
    try:
        line = content.split(b"\n", 1)[0].decode("utf-8").rstrip("\r")
    except UnicodeDecodeError as error:
        raise VaelError(f"{path} expects text in UTF-8 ({error.reason} at byte {error.start}): convert it") from None
    rows = split_line(line)
    delimiter = max(DELIMITERS, key=lambda mark: len(rows[mark]))
    if not line.strip():
        raise VaelError(f"{path} is empty: expected rows of numbers")
    return delimiter, rows[delimiter]


def split_line(line: str) -> dict[str, list[str]]:
    """Return the cells of a line by each delimiter.

    >>> split_line("1;2,5")[";"]
    ['1', '2,5']
    """
    return {delimiter: next(csv.reader([line], delimiter=delimiter), []) for delimiter in DELIMITERS}


def _is_header(first: list[str], rest: "Table") -> bool:
    """Whether a column of numbers starts with a word, or the first row just counts 0, 1, 2, … as pandas does.

    The columns of `rest` have their types inferred without the first row.
    """
    cells = [cell.strip() for cell in first]
    words = [not is_numeral(cell) and cell not in MISSING for cell in cells]
    counted = [str(number) for number in range(len(cells))]
    return (
        any(word and _is_number(kind) for word, kind in zip(words, rest.schema.types, strict=True))
        or (len(cells) > 2 and (cells == counted or cells == ["", *counted[:-1]]))
        or (rest.num_rows == 0 and all(words))
    )


def is_numeral(cell: str) -> bool:
    """Whether a cell is a number, NaN and infinity among them."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _parse(path: Path, content: bytes, delimiter: str, *, skip_rows: int, width: int) -> "Table":
    arrow = _arrow()
    from pyarrow import csv as arrow_csv

    names = [f"column_{number}" for number in range(1, width + 1)]
    block = min(len(content) + 1, LARGEST_BLOCK)  # one block: types come from every row, not from the first megabyte
    try:
        return arrow_csv.read_csv(
            io.BytesIO(content),
            arrow_csv.ReadOptions(skip_rows=skip_rows, column_names=names, block_size=block),
            arrow_csv.ParseOptions(delimiter=delimiter),
            arrow_csv.ConvertOptions(null_values=list(MISSING), strings_can_be_null=True),
        )
    except arrow.ArrowException as error:
        if "Empty CSV file" in str(error):
            return arrow.table({name: arrow.nulls(0) for name in names})
        raise _broken(path, error) from None


def _broken(path: Path, error: Exception) -> VaelError:
    reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
    return VaelError(f"{path} is not a whole table ({reason[:200]}): mend or fetch it again")


def _arrow() -> Any:
    try:
        import pyarrow
        import pyarrow.types
    except ImportError:
        raise VaelError("tables need pyarrow, which is not installed: pip install 'vael[tables]'") from None
    return pyarrow
