"""A list of runs: complete, in order, quick, and never stopped by what is wrong with one of them."""

import io
import json
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from vael.errors import VaelError
from vael.recipe import Recipe
from vael.runs import FORMAT, Record, RunFolder, RunSummary, list_runs, summarise
from vael.runs.skimming import MAX_POINTS, WHOLE, skim

RECIPE = Recipe().override({"training.epochs": 7}).to_toml()
INFO = {"status": "finished", "started": "2026-11-21T13:56:12+0000", "data": {"source": "digits"}, "total_steps": 70}


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path, "first", recipe=RECIPE, info=INFO)


class Counted(io.BytesIO):
    """A file that counts the bytes read of it."""

    count = 0

    def read(self, size: int | None = -1, /) -> bytes:
        content = super().read(size)
        self.count += len(content)
        return content


def line(split: str, step: int, elbo_nats: Any = -100.0) -> bytes:
    numbers = {"elbo_nats": elbo_nats, "rate_nats": 15.263705145263673, "distortion_nats": 149.2380995808919}
    return json.dumps({"split": split, "epoch": step, "step": step, **numbers}).encode() + b"\n"


def epochs(count: int, *, train_records: int = 1, split: str = "valid") -> bytes:
    """The lines of a training whose held-out bound is the epoch's number less a million."""
    return b"".join(
        line("train", epoch, -5e6) * train_records + line(split, epoch, epoch - 1e6) for epoch in range(1, count + 1)
    )


def test_runs_are_listed_oldest_first(tmp_path: Path) -> None:
    for i, name in enumerate(("b", "a", "c")):
        made = RunFolder.create(tmp_path, name, recipe="", info={})
        os.utime(made.path / "recipe.toml", (i, i))
    (tmp_path / "no-run").mkdir()
    assert [run.name for run in list_runs(tmp_path)] == ["b", "a", "c"]


def test_no_folder_has_no_runs(tmp_path: Path) -> None:
    assert list_runs(tmp_path / "runs") == []


def test_a_run_deleted_while_it_is_listed_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("gone", "there"):
        RunFolder.create(tmp_path, name, recipe="", info={})
    stat = Path.stat

    def delete_then_stat(path: Path, **options: Any) -> os.stat_result:
        if path.parent.name == "gone":
            path.unlink(missing_ok=True)
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", delete_then_stat)
    assert [run.name for run in list_runs(tmp_path)] == ["there"]


def test_a_finished_run_is_summed_up_by_its_results(folder: RunFolder) -> None:
    for step, split in ((10, "train"), (10, "valid"), (20, "train"), (20, "valid")):
        folder.append(Record(split, step // 10, step, {"elbo_nats": -float(step), "rate_nats": 3.0}))
    results = {"split": "test", "elbo_nats": -13.5, "rate_nats": 4.5, "distortion_nats": 9.0}
    folder.update_info(results=results, training_seconds=14.9, steps=20, reason="of an earlier failure")
    assert summarise(folder) == RunSummary(
        "first",
        "finished",
        data="digits",
        epoch=2,
        epochs=7,
        step=20,
        total_steps=70,
        split="test",
        elbo_nats=-13.5,
        rate_nats=4.5,
        distortion_nats=9.0,
        started="2026-11-21T13:56:12+0000",
        training_seconds=14.9,
        sparkline=(-10.0, -20.0),
    )


def test_a_run_that_goes_on_is_summed_up_by_its_records(folder: RunFolder) -> None:
    """The results of its first part are out of date."""
    folder.update_info(status="interrupted", results={"split": "test", "elbo_nats": -13.5})
    folder.append(Record("valid", 1, 10, {"elbo_nats": -20.0, "rate_nats": 3.0, "distortion_nats": 17.0}))
    folder.append(Record("train", 2, 20, {"elbo_nats": -19.0}))
    summary = summarise(folder)
    assert (summary.split, summary.elbo_nats, summary.rate_nats, summary.distortion_nats) == ("valid", -20, 3, 17)
    assert (summary.epoch, summary.step, summary.sparkline) == (2, 20, (-20.0,))


def test_without_held_out_records_the_training_ones_are_shown(folder: RunFolder) -> None:
    folder.update_info(status="interrupted")
    for step in (1, 2):
        folder.append(Record("train", 1, step, {"elbo_nats": -float(step)}))
    summary = summarise(folder)
    assert (summary.split, summary.elbo_nats, summary.sparkline) == ("train", -2, (-1.0, -2.0))


def test_a_run_without_records_is_at_its_beginning(folder: RunFolder) -> None:
    folder.update_info(status="created", total_steps=None)
    summary = summarise(folder)
    assert (summary.state, summary.epoch, summary.epochs, summary.step) == ("created", 0, 7, 0)
    assert (summary.total_steps, summary.elbo_nats, summary.sparkline) == (None, None, ())


def test_every_state_has_its_name_and_only_a_failure_its_reason(folder: RunFolder) -> None:
    found = {}
    for status in ("created", "interrupted", "finished", "failed", "running"):
        folder.update_info(status=status, reason="not finite at step 3")
        summary = summarise(folder)
        found[summary.state] = summary.reason
    nothing = dict.fromkeys(("created", "interrupted", "finished", "killed"))
    assert found == {**nothing, "failed": "not finite at step 3"}


def test_a_run_is_running_while_a_process_holds_it(folder: RunFolder, hold: str) -> None:
    folder.update_info(status="running")
    with subprocess.Popen([sys.executable, "-c", hold, str(folder.path)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert summarise(folder).state == "running"
        other.kill()
    assert summarise(folder).state == "killed"


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("run.json", b'{"format"', "run.json is damaged"),
        ("run.json", b"\xff\xfe", "run.json is damaged"),
        ("run.json", b"[" * 100_000, "run.json is damaged"),
        ("run.json", b"[]", "states no format"),
        ("run.json", json.dumps({"format": FORMAT + 1}).encode(), "install a newer vael"),
        ("run.json", json.dumps({"format": FORMAT, "status": "lost"}).encode(), "expects a status"),
        ("recipe.toml", b"[training", "is not valid TOML"),
        ("recipe.toml", b"\xff", "cannot be read"),
        ("recipe.toml", b"[training]\nepoch = 3", "did you mean 'training.epochs'"),
        ("recipe.toml", None, "it has no recipe.toml"),
        ("metrics.jsonl", None, "cannot be read"),
    ],
)
def test_a_damaged_run_is_named_with_its_reason(
    file: str, content: bytes | None, reason: str, folder: RunFolder, tmp_path: Path
) -> None:
    (folder.path / file).unlink(missing_ok=True)
    if content is not None:
        (folder.path / file).write_bytes(content)
    elif file == "metrics.jsonl":
        (folder.path / file).mkdir()
    (summary,) = [summarise(found) for found in list_runs(tmp_path)]
    assert reason in (summary.reason or "")
    assert summary == RunSummary("first", "damaged", reason=summary.reason)
    if file == "run.json" and "status" not in reason:
        with pytest.raises(VaelError) as raised:
            folder.info()
        assert summary.reason == str(raised.value)


def test_foreign_values_are_left_out(folder: RunFolder) -> None:
    folder.update_info(data="digits", total_steps="many", started=3, training_seconds=[1], results="good")
    foreign = {"elbo_nats": "large", "rate_nats": True, "distortion_nats": 10**400, "epoch": "one"}
    lines = [{"split": "valid", "step": 5, **foreign}, {"split": "valid", "step": 6, "elbo_nats": math.nan}]
    (folder.path / "metrics.jsonl").write_text("".join(json.dumps(value) + "\n" for value in lines))
    summary = summarise(folder)
    assert (summary.state, summary.step, summary.epoch, summary.epochs) == ("finished", 6, 0, 7)
    assert (summary.data, summary.total_steps, summary.started, summary.training_seconds) == (None, None, None, None)
    assert (summary.elbo_nats, summary.rate_nats, summary.distortion_nats, summary.sparkline) == (None, None, None, ())


@pytest.mark.parametrize("count", [1, 2, 47, 48, 49, 100, 300, 700, 5000])
@pytest.mark.parametrize("split", ["valid", "train"])
def test_a_curve_is_evenly_spaced_from_first_to_last(count: int, split: str) -> None:
    """Whether the file is read whole or at some places."""
    content = epochs(count, train_records=int(split != "train"), split=split)
    curve = skim(io.BytesIO(content)).curve
    numbers = [round(bound + 1e6) for bound in curve]
    assert len(curve) == min(count, MAX_POINTS)
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == count
    assert numbers[0] <= 2
    gaps = [later - earlier for earlier, later in pairwise(numbers)]
    assert max(gaps, default=0) <= 3 * count / len(numbers) + 2


@pytest.mark.parametrize("train_records", [0, 1, 10, 50, 200])
def test_only_a_bounded_part_of_a_long_file_is_read(train_records: int) -> None:
    content = epochs(40_000 // (train_records + 1), train_records=train_records)
    assert len(content) > 5_000_000
    file = Counted(content)
    skimmed = skim(file)
    assert file.count < (400_000 if train_records < 10 else 1_500_000)
    assert skimmed.last == skimmed.judged == json.loads(content.splitlines()[-1])
    assert len(skimmed.curve) > 5
    assert min(skimmed.curve) > -1e6  # held-out ones alone


def test_a_long_file_without_held_out_records_shows_the_training_ones() -> None:
    file = Counted(b"".join(line("train", step, -float(step)) for step in range(40_000)))
    skimmed = skim(file)
    assert file.count < 1_000_000
    assert len(skimmed.curve) == MAX_POINTS
    assert skimmed.judged is not None
    assert skimmed.judged["step"] == 39_999


def test_a_held_out_record_is_found_behind_a_long_epoch() -> None:
    content = epochs(100) * 10 + line("valid", 1001, -7.0) + line("train", 1002) * 1000
    assert len(content) > WHOLE
    skimmed = skim(io.BytesIO(content))
    assert skimmed.judged is not None
    assert skimmed.last is not None
    assert (skimmed.judged["step"], skimmed.last["step"]) == (1001, 1002)


SPOILT: dict[str, Sequence[bytes]] = {
    "foreign lines": [b"foreign\n", b"\xff\xfe\n", b"[]\n", b"\n", b'{"split": 3, "step": 4}\n'],
    "one endless line": [b"x" * 3_000_000],
    "no line at all": [b"\0" * 300_000, b"\n" * 300_000],
}


@pytest.mark.parametrize("kind", SPOILT)
@pytest.mark.parametrize("place", ["before", "between", "behind", "alone"])
def test_broken_lines_anywhere_raise_nothing(kind: str, place: str, folder: RunFolder) -> None:
    good, bad = epochs(800), b"".join(SPOILT[kind])
    half = len(epochs(400))
    content = {"before": bad + good, "between": good[:half] + bad + good[half:], "behind": good + bad, "alone": bad}
    (folder.path / "metrics.jsonl").write_bytes(content[place])
    summary = summarise(folder)
    assert summary.state == "finished"
    if place != "alone" and kind == "foreign lines":
        assert summary.step == 800
    assert all(math.isfinite(bound) and bound > -1e6 for bound in summary.sparkline)


def test_a_half_written_last_line_does_not_count(folder: RunFolder) -> None:
    for count in (3, 3000):
        content = epochs(count)
        (folder.path / "metrics.jsonl").write_bytes(content + line("valid", count + 1)[:-1])
        assert summarise(folder).step == count


def test_the_last_bound_stands_in_the_curve_once() -> None:
    """Where the last place that is looked at reaches to the end of the file, it finds the last record too."""
    end = line("train", 1) * 2000 + line("valid", 2, -7.0)
    content = b"x" * (-(len(end) + 1) % 64) + b"\n" + end
    assert len(content) > WHOLE
    assert skim(io.BytesIO(content)).curve == (-7.0,)
