"""Tables of counts and of positive numbers: checked where they are read, kept in the units of their file."""

from pathlib import Path

import numpy as np
import pytest
import torch

from vael import data
from vael.data.base import ReadOptions
from vael.data.cells import LARGEST_COUNT, Cells
from vael.data.foreign import read_rows
from vael.data.treatments import TREATMENTS, find_treatment, observe
from vael.errors import VaelError

COLUMNS = ("births", "deaths")
ROWS: dict[str, np.ndarray] = {
    "counts": np.random.default_rng(0).poisson([3.0, 4000.0], (60, 2)).astype(float),
    "positive": np.random.default_rng(0).lognormal([0.0, 9.0], 1.0, (60, 2)),
}


def saved(folder: Path, rows: np.ndarray) -> str:
    path = folder / "table.csv"
    np.savetxt(path, rows, fmt="%.17g", delimiter=",", header=",".join(COLUMNS), comments="")
    return str(path)


def read(folder: Path, rows: np.ndarray, cells: Cells) -> data.Dataset:
    return data.read(saved(folder, rows), ReadOptions((), folder, cells=cells))


@pytest.mark.parametrize("cells", ["counts", "positive"])
def test_cells_come_as_they_stand_in_the_file(tmp_path: Path, cells: Cells) -> None:
    table = read(tmp_path, ROWS[cells], cells)
    found = np.concatenate([split.x for split in table.splits.values()])
    assert found.dtype == np.float32
    assert {tuple(row) for row in found} == {tuple(row) for row in ROWS[cells].astype(np.float32)}
    assert data.destandardise(found, table.facts) is found
    treatment = find_treatment(cells, table.num_levels)
    assert observe(table, treatment).domain == cells
    torch.testing.assert_close(treatment(torch.from_numpy(found)), torch.from_numpy(found), rtol=0, atol=0)


def test_reading_real_cells_is_loading(tmp_path: Path) -> None:
    table = read(tmp_path, ROWS["counts"], "real")
    assert table.fingerprint() == data.load(saved(tmp_path, ROWS["counts"])).fingerprint()
    assert "cells" not in table.facts


@pytest.mark.parametrize(
    ("cells", "value", "words"),
    [
        ("counts", -1.0, "whole numbers from 0 to 16,777,216, got -1 in"),
        ("counts", 2.5, "whole numbers from 0 to 16,777,216, got 2.5 in"),
        ("counts", LARGEST_COUNT + 1.0, "got 16777217 in"),
        ("positive", 0.0, "numbers > 0 that float32 holds, got 0 in"),
        ("positive", -3.0, "got -3 in"),
        ("positive", 1e-50, "got 1e-50 in"),
        ("positive", 1e50, r"got 1e\+50 in"),
    ],
)
def test_a_cell_of_another_kind_is_named_by_column_and_row(
    tmp_path: Path, cells: Cells, value: float, words: str
) -> None:
    rows = ROWS[cells].copy()
    rows[16, 1] = rows[40, 0] = value
    with pytest.raises(VaelError, match=words) as error:
        read(tmp_path, rows, cells)
    assert "column 'deaths', row 17 (2 of 120 cells are none)" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("cells", ["counts", "positive"])
def test_rows_from_outside_keep_their_values_and_are_checked(tmp_path: Path, cells: Cells) -> None:
    facts = read(tmp_path, ROWS[cells], cells).facts
    rows = read_rows(b"births,deaths\n4,1000\n2,30\n", columns=COLUMNS, facts=facts)
    np.testing.assert_array_equal(rows, np.array([[4, 1000], [2, 30]], np.float32))
    with pytest.raises(VaelError, match=rf"the table: treatment '{cells}' expects .*column 'deaths', row 2"):
        read_rows(b"births,deaths\n4,1000\n2,-30\n", columns=COLUMNS, facts=facts)


def test_images_are_no_table_of_counts(tmp_path: Path) -> None:
    digits = data.read("digits", ReadOptions((), tmp_path, cells="counts"))
    assert digits.num_levels == 17
    with pytest.raises(VaelError, match="treatment 'counts' expects a table of numbers, got pixels: use 'grey'"):
        find_treatment("counts", digits.num_levels)


@pytest.mark.parametrize("name", TREATMENTS)
def test_a_treatment_says_which_ones_fit_instead(name: str) -> None:
    of_tables = TREATMENTS[name].is_of_tables
    with pytest.raises(VaelError) as error:
        find_treatment(name, 256 if of_tables else 0)
    named = {word for word in str(error.value).split("use ")[1].replace("'", " ").split() if word in TREATMENTS}
    assert named == {other for other, kind in TREATMENTS.items() if kind.is_of_tables != of_tables}


@pytest.mark.parametrize("domain", ["counts", "positive"])
def test_a_network_takes_logarithms(domain: Cells) -> None:
    table = data.Dataset("t", {"train": data.Split(ROWS[domain])}, 0, columns=COLUMNS)
    observation = observe(table, find_treatment(domain, 0))
    assert observation.is_discrete == (domain == "counts")
    expected = np.log1p(ROWS[domain]) if domain == "counts" else np.log(ROWS[domain])
    np.testing.assert_allclose(observation.as_input(torch.from_numpy(ROWS[domain])), expected)
