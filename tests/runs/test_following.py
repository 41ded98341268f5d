"""Following metrics.jsonl while it is written, cut, replaced and spoilt."""

import json
import math
from pathlib import Path

import pytest

from vael.errors import VaelError
from vael.runs import Follower, Record, RunFolder
from vael.runs.following import MAX_LINE


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path, "first", recipe="", info={"status": "created"})


@pytest.fixture
def follower(folder: RunFolder) -> Follower:
    return Follower(folder)


def record(step: int, **values: float) -> Record:
    return Record("train", 1, step, values or {"elbo_nats": -100.0})


def steps(follower: Follower) -> list[int]:
    return [found["step"] for found in follower.read().records]


def append(folder: RunFolder, content: bytes) -> None:
    with (folder.path / "metrics.jsonl").open("ab") as handle:
        handle.write(content)


def test_each_reading_brings_what_was_appended(folder: RunFolder, follower: Follower) -> None:
    assert follower.read() == follower.read()  # there is no file yet
    read = []
    for step in (1, 2, 3):
        folder.append(record(step))
        if step != 2:
            read.append(steps(follower))
    assert read == [[1], [2, 3]]
    news = follower.read()
    assert (news.records, news.skipped, news.restarted) == ([], [], False)


def test_a_line_cut_anywhere_is_left_until_it_is_whole(folder: RunFolder) -> None:
    line = (json.dumps({"split": "valid", "step": 7, "note": "größer"}, ensure_ascii=False) + "\n").encode()
    for cut in range(len(line)):
        follower = Follower(folder)
        (folder.path / "metrics.jsonl").write_bytes(line[:cut])
        first = follower.read()
        append(folder, line[cut:])
        assert (first.records, first.skipped) == ([], [])
        assert follower.read().records == [{"split": "valid", "step": 7, "note": "größer"}]


def test_a_shorter_file_starts_anew(folder: RunFolder, follower: Follower) -> None:
    folder.append(record(1))
    size = folder.metrics_size()
    folder.append(record(2))
    assert steps(follower) == [1, 2]
    folder.truncate_metrics(size)
    news = follower.read()
    assert ([found["step"] for found in news.records], news.restarted) == ([1], True)
    folder.append(record(3))
    news = follower.read()
    assert ([found["step"] for found in news.records], news.restarted) == ([3], False)


def test_a_file_cut_and_grown_past_the_place_between_two_readings_starts_anew(
    folder: RunFolder, follower: Follower
) -> None:
    """A resumed run cuts the file and writes on: only the bytes before the place tell."""
    folder.append(record(1))
    size = folder.metrics_size()
    folder.append(record(2))
    follower.read()
    folder.truncate_metrics(size)
    for step in (4, 5, 6):
        folder.append(record(step))
    news = follower.read()
    assert ([found["step"] for found in news.records], news.restarted) == ([1, 4, 5, 6], True)


def test_a_cut_file_that_was_written_again_as_it_was_goes_on(folder: RunFolder, follower: Follower) -> None:
    """The same seed gives the same bytes: nothing of what was read has become wrong."""
    for step in (1, 2):
        folder.append(record(step))
    follower.read()
    folder.truncate_metrics(0)
    for step in (1, 2, 3):
        folder.append(record(step))
    news = follower.read()
    assert ([found["step"] for found in news.records], news.restarted) == ([3], False)


def test_a_replaced_file_starts_anew_even_where_it_begins_alike(folder: RunFolder, follower: Follower) -> None:
    for step in (1, 2):
        folder.append(record(step))
    follower.read()
    path = folder.path / "metrics.jsonl"
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    copy.replace(path)
    news = follower.read()
    assert ([found["step"] for found in news.records], news.restarted) == ([1, 2], True)


def test_a_file_that_goes_and_comes_back_is_told_once(folder: RunFolder, follower: Follower) -> None:
    folder.append(record(1))
    follower.read()
    (folder.path / "metrics.jsonl").unlink()
    assert [follower.read().restarted, follower.read().restarted] == [True, False]
    folder.append(record(2))
    news = follower.read()
    assert ([found["step"] for found in news.records], news.restarted) == ([2], False)


FOREIGN = {
    "no JSON": b"elbo -100",
    "blank": b"",
    "list": b"[1, 2]",
    "number": b"3",
    "no step": b'{"split": "train"}',
    "no split": b'{"step": 3}',
    "step is no integer": b'{"split": "train", "step": 3.5}',
    "step is a boolean": b'{"split": "train", "step": true}',
    "split is no string": b'{"split": 1, "step": 3}',
    "no UTF-8": b'{"split": "tr\xe4in", "step": 3}',
    "nested too deep": b"[" * 100_000,
    "too many digits": b'{"split": "train", "step": ' + b"1" * 5000 + b"}",
    "torn, then appended to": b'{"split": "tr{"split": "train", "step": 3}',
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_line_is_named_and_skipped(kind: str, folder: RunFolder, follower: Follower) -> None:
    folder.append(record(1))
    append(folder, FOREIGN[kind] + b"\n")
    folder.append(record(2))
    news = follower.read()
    assert [found["step"] for found in news.records] == [1, 2]
    assert news.skipped == ["metrics.jsonl line 2 is no record: skipped"]
    assert folder.metrics() == news.records


def test_lines_are_counted_across_readings(folder: RunFolder, follower: Follower) -> None:
    for step in (1, 2):
        folder.append(record(step))
        follower.read()
    append(folder, b"foreign\n")
    assert follower.read().skipped == ["metrics.jsonl line 3 is no record: skipped"]


def test_of_many_foreign_lines_twenty_are_named_and_the_others_counted(folder: RunFolder, follower: Follower) -> None:
    append(folder, b"foreign\n" * 1234)
    skipped = follower.read().skipped
    assert len(skipped) == 21
    assert skipped[19] == "metrics.jsonl line 20 is no record: skipped"
    assert skipped[20] == "metrics.jsonl: 1,214 more lines are no records: skipped"


def test_numbers_that_are_not_finite_are_kept(folder: RunFolder, follower: Follower) -> None:
    folder.append(record(1, elbo_nats=math.nan, loss=math.inf, rate_nats=-math.inf))
    found = follower.read().records[0]
    assert math.isnan(found["elbo_nats"])
    assert (found["loss"], found["rate_nats"]) == (math.inf, -math.inf)


@pytest.mark.parametrize("extra", [0, 1])
def test_a_line_longer_than_a_megabyte_is_skipped(extra: int, folder: RunFolder, follower: Follower) -> None:
    """Written in pieces, with readings between them: it is named once, and the next line is whole."""
    start, end = b'{"split": "train", "step": 2, "text": "', b'"}'
    line = start + b"x" * (MAX_LINE + extra - len(start) - len(end)) + end
    folder.append(record(1))
    append(folder, line[:1000])
    assert steps(follower) == [1]
    append(folder, line[1000:])
    skipped = follower.read().skipped
    append(folder, b"\n")
    news = follower.read()
    skipped += news.skipped
    folder.append(record(3))
    append(folder, b"foreign\n")
    last = follower.read()
    assert [found["step"] for found in [*news.records, *last.records]] == ([3] if extra else [2, 3])
    assert skipped == (["metrics.jsonl line 2 is longer than 1,000,000 bytes: skipped"] if extra else [])
    assert last.skipped == ["metrics.jsonl line 4 is no record: skipped"]


def test_timings_are_followed_alike(folder: RunFolder) -> None:
    follower = Follower(folder, file="timings.jsonl")
    for step in (1, 2):
        folder.append(Record("train", 1, step, {}, seconds=0.5, num_examples=100))
        assert [found["examples_per_second"] for found in follower.read().records] == [200.0]
    with (folder.path / "timings.jsonl").open("a") as handle:
        handle.write("foreign\n")
    assert follower.read().skipped == ["timings.jsonl line 3 is no record: skipped"]
    assert [found["step"] for found in folder.timings()] == [1, 2]


def test_a_file_that_cannot_be_read_is_one_clear_line(folder: RunFolder, follower: Follower) -> None:
    (folder.path / "metrics.jsonl").mkdir()
    with pytest.raises(VaelError, match=r"metrics\.jsonl cannot be read"):
        follower.read()
