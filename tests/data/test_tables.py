import builtins
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vael import data
from vael.errors import VaelError

pytest.importorskip("pyarrow", reason="tables need pyarrow")
BODY = "".join(f"{row},{row * 0.5},word{row}\n" for row in range(20))


def written(folder: Path, text: str, name: str = "file.csv") -> str:
    path = folder / name
    content = text.encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return str(path)


def original(spec: str) -> tuple[data.Dataset, np.ndarray]:
    """Return the table, and its rows in the units of the file, in sorted order."""
    table = data.load(spec, valid_fraction=0.0, test_fraction=0.0)
    rows = data.destandardise(table.splits["train"].x, table.facts)
    return table, rows[np.lexsort(rows.T[::-1])]


@pytest.mark.parametrize("name", ["file.csv", "file.csv.gz"])
def test_header_and_left_out_columns(tmp_path: Path, name: str) -> None:
    table, rows = original(written(tmp_path, "count,half,text\n" + BODY, name))
    assert table.columns == ("count", "half")
    assert table.facts["columns_left_out"] == ["text"]
    assert table.num_levels == 0
    assert table.splits["train"].x.dtype == np.float32
    assert np.allclose(rows, [[row, row * 0.5] for row in range(20)], atol=1e-5)


@pytest.mark.parametrize(
    ("text", "columns", "count"),
    [
        (BODY, ("column_1", "column_2"), 20),
        ("x,2020,t\n" + BODY, ("x", "2020"), 20),
        ("0,1,2\n" + BODY.replace("word", ""), ("0", "1", "2"), 20),
        (BODY.replace(",", ";"), ("column_1", "column_2"), 20),
        ("a\tb\tc\n" + BODY.replace(",", "\t"), ("a", "b"), 20),
        ("\ufeffa,b,c\r\n" + BODY.replace("\n", "\r\n"), ("a", "b"), 20),
        ('"a","b, c",d\n' + BODY, ("a", "b, c"), 20),
        ("a,,c\n" + BODY, ("a", "column_2"), 20),
        ("one\n" + "".join(f"{row}\n" for row in range(20)), ("one",), 20),
        ("".join(f"{row}\n" for row in range(20)), ("column_1",), 20),
    ],
)
def test_headers_and_delimiters(tmp_path: Path, text: str, columns: tuple[str, ...], count: int) -> None:
    table, rows = original(written(tmp_path, text))
    assert table.columns == columns
    assert len(rows) == count


def test_types_come_from_all_rows(tmp_path: Path) -> None:
    text = "a,b\n" + "1,1\n" * 300_000 + "1.5,2\n"
    table, rows = original(written(tmp_path, text))
    assert table.columns == ("a", "b")
    assert rows[-1].tolist() == pytest.approx([1.5, 2.0], abs=1e-3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n?,3\n,4\n", "column 'a' has 2 missing cells .* of 3"),
        ("a,b\n1,2\nNaN,3\n", "column 'a' has 1 missing cells"),
        ("a,b\n1,2\ninf,3\n", "column 'a' has 1 NaN or infinite cells of 2"),
        ("a,b\nx,y\nz,w\n", "one column of numbers, got 3 rows|one column of numbers, got 2 rows"),
        ("a,b\n", "got 0 rows"),
        ("", "is empty"),
        ("a,b\n1,2\n1,2,3\n", "is not a whole table .*Expected 2 columns, got 3"),
        ("a,a\n1,2\n3,4\n", "more than one column called 'a'"),
    ],
)
def test_tables_outside_the_rules(tmp_path: Path, text: str, message: str) -> None:
    spec = written(tmp_path, text)
    with pytest.raises(VaelError, match=message) as caught:
        data.load(spec)
    assert spec in str(caught.value)
    assert "\n" not in str(caught.value)


def test_broken_files_are_named(tmp_path: Path) -> None:
    path = Path(written(tmp_path, BODY, "file.csv.gz"))
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(VaelError, match=r"file.csv.gz is not a whole table"):
        data.load(str(path))
    latin = tmp_path / "latin.csv"
    latin.write_bytes("größe,b\n1,2\n".encode("latin-1"))
    with pytest.raises(VaelError, match="UTF-8"):
        data.load(str(latin))
    parquet = tmp_path / "file.parquet"
    parquet.write_bytes(b"PAR1 hello")
    with pytest.raises(VaelError, match=r"file.parquet is not a whole table"):
        data.load(str(parquet))


def test_parquet(tmp_path: Path) -> None:
    import pyarrow as arrow
    from pyarrow import parquet

    columns = {"i": list(range(20)), "f": [0.1 * k for k in range(20)], "s": ["x"] * 20, "same": [4] * 20}
    parquet.write_table(arrow.table(columns), tmp_path / "file.parquet")
    table, rows = original(str(tmp_path / "file.parquet"))
    assert table.columns == ("i", "f", "same")
    assert table.facts["columns_left_out"] == ["s"]
    assert np.allclose(rows[:, 1], columns["f"], atol=1e-6)
    record = table.facts["standardised"]
    assert isinstance(record, dict)
    assert record["constant_columns"] == ["same"]


def test_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[..., Any] = builtins.__import__

    def refuse(name: str, *args: Any, **options: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *args, **options)

    spec = written(tmp_path, BODY)
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(VaelError, match=r"pip install 'vael\[tables\]'"):
        data.load(spec)


@pytest.mark.parametrize(
    ("name", "num_columns", "count", "first"),
    [
        ("winequality-red.csv", 12, 1599, "column_1"),
        ("housing.csv", 14, 506, "column_1"),
        ("wine.csv", 14, 178, "column_1"),
        ("abalone.csv", 8, 4177, "column_2"),
        ("adult-train.csv.gz", 6, 32561, "column_1"),
    ],
)
def test_real_tables(vael_data: Path, name: str, num_columns: int, count: int, first: str) -> None:
    table = data.load(str(vael_data / "tabular" / "uci_csv" / name))
    assert table.shape == (num_columns,)
    assert sum(map(len, table.splits.values())) == count
    assert table.columns[0] == first


def test_real_missing_cells_are_refused(vael_data: Path) -> None:
    with pytest.raises(VaelError, match="column 'horsepower' has 6 missing cells"):
        data.load(str(vael_data / "tabular" / "seaborn" / "mpg.csv"))
