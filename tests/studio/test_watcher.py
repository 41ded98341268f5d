"""What a page is told about a run while its folder is written, cut, spoilt, taken away and left alone."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the studio needs fastapi: pip install 'vael[studio]'")

from vael.errors import VaelError
from vael.recipe import Recipe
from vael.runs import Follower, Record, RunFolder
from vael.studio import live
from vael.studio.live import MOST_RECORDS, Watcher, thinned
from vael.studio.shelf import Shelf

EPOCHS, STEPS = 10, 100  # of the whole training


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """Return a run that has been created and not been trained yet, of 10 epochs and 100 steps."""
    recipe = Recipe.find("digits").override({"training.epochs": EPOCHS})
    return RunFolder.create(
        tmp_path, "first", recipe=recipe.to_toml(), info={"status": "created", "total_steps": STEPS}
    )


@pytest.fixture
def watcher(folder: RunFolder) -> Watcher:
    return Watcher(Shelf(folder.path.parent), folder, has_rate=True)


def record(epoch: int, split: str = "train", *, seconds: float = 0.0, **values: float) -> Record:
    values = {"elbo_nats": -100.0 + epoch, "rate_nats": 10.0, "distortion_nats": 90.0 - epoch} | values
    return Record(split, epoch, 10 * epoch, values, seconds, num_examples=1000)


def told(watcher: Watcher) -> dict[str, Any]:
    """Look, and check that what is told could be sent: JSON knows no NaN."""
    changes = watcher.look() or {}
    json.dumps(changes, allow_nan=False)
    return changes


def epochs(changes: dict[str, Any]) -> list[int]:
    return [each["epoch"] for each in changes.get("records", [])]


def test_the_first_look_tells_everything_and_the_second_nothing(folder: RunFolder, watcher: Watcher) -> None:
    folder.append(record(1))
    folder.append(record(1, "test"))
    folder.note("training started")
    first = told(watcher)
    assert first["summary"]["state"] == "created"
    assert [each["split"] for each in first["records"]] == ["train", "test"]
    assert first["snapshots"] == []
    assert first["log"][0].endswith("training started")
    assert watcher.look() is None


def test_later_looks_tell_what_was_appended(folder: RunFolder, watcher: Watcher) -> None:
    folder.append(record(1))
    watcher.look()
    folder.append(record(2))
    folder.append(record(3))
    changes = told(watcher)
    assert epochs(changes) == [2, 3]
    assert not changes["restarted"]
    assert changes["summary"]["epoch"] == 3


def test_what_is_not_finite_arrives_as_null(folder: RunFolder, watcher: Watcher) -> None:
    folder.append(record(1, elbo_nats=float("nan"), rate_nats=float("inf"), distortion_nats=float("-inf")))
    (sent,) = told(watcher)["records"]
    assert [sent["elbo_nats"], sent["rate_nats"], sent["distortion_nats"]] == [None, None, None]


def test_a_truncated_line_waits_until_it_is_whole(folder: RunFolder, watcher: Watcher) -> None:
    line = json.dumps(record(1).metrics()).encode() + b"\n"
    (folder.path / "metrics.jsonl").write_bytes(line[:30])
    assert "records" not in told(watcher)
    (folder.path / "metrics.jsonl").write_bytes(line)
    assert epochs(told(watcher)) == [1]


def test_foreign_lines_are_said_once_and_the_others_taken(folder: RunFolder, watcher: Watcher) -> None:
    folder.append(record(1))
    with (folder.path / "metrics.jsonl").open("ab") as handle:
        handle.write(b'not a record\n{"split": 3}\n')
    folder.append(record(2))
    changes = told(watcher)
    assert epochs(changes) == [1, 2]
    assert changes["skipped"] == [
        "metrics.jsonl line 2 is no record: skipped",
        "metrics.jsonl line 3 is no record: skipped",
    ]
    assert watcher.look() is None


def test_a_file_cut_by_a_resumed_training_starts_the_records_anew(folder: RunFolder, watcher: Watcher) -> None:
    sizes = []
    for epoch in (1, 2, 3):
        folder.append(record(epoch))
        sizes.append(folder.metrics_size())
    watcher.look()
    folder.truncate_metrics(sizes[0])
    folder.append(record(2, elbo_nats=-50.0))
    changes = told(watcher)
    assert changes["restarted"]
    assert epochs(changes) == [1, 2]
    assert changes["records"][1]["elbo_nats"] == -50.0
    folder.truncate_metrics(0)
    assert told(watcher)["restarted"]


def test_a_deleted_run_is_gone(folder: RunFolder, watcher: Watcher) -> None:
    watcher.look()
    folder.delete()
    assert watcher.look() == {"gone": True}


def test_a_renamed_run_is_gone_too(folder: RunFolder, watcher: Watcher) -> None:
    watcher.look()
    folder.rename("second")
    assert watcher.look() == {"gone": True}


def test_a_training_whose_process_is_gone_is_killed_though_no_file_changed(folder: RunFolder, watcher: Watcher) -> None:
    with folder.locked():
        folder.update_info(status="running")
        assert told(watcher)["summary"]["state"] == "running"
        assert watcher.look() is None
    changes = told(watcher)
    assert changes["summary"]["state"] == "killed"
    assert "is killed" in changes["findings"][0]["title"]


def test_the_pace_is_that_of_the_last_records(folder: RunFolder, watcher: Watcher) -> None:
    with folder.locked():
        folder.update_info(status="running")
        assert told(watcher)["seconds_left"] is None
        folder.append(record(1, seconds=80.0))  # the first one took long: its steps were compiled
        assert told(watcher)["seconds_left"] == pytest.approx(80 / 10 * 90)
        for epoch in range(2, 4):
            folder.append(record(epoch, seconds=2.0))
        changes = told(watcher)
        assert changes["seconds_left"] == pytest.approx(2 / 10 * 70)
        assert changes["examples_per_second"] == pytest.approx(3000 / 84, abs=0.1)
        for epoch in range(4, EPOCHS + 1):
            folder.append(record(epoch, seconds=1.0))
        assert told(watcher)["seconds_left"] == 0
    assert told(watcher)["seconds_left"] is None  # killed: nobody goes on


def test_the_pace_of_a_resumed_training_counts_no_step_twice(folder: RunFolder, watcher: Watcher) -> None:
    with folder.locked():
        folder.update_info(status="running")
        for epoch in (1, 2, 3):
            folder.append(record(epoch, seconds=1.0))
        folder.truncate_metrics(0)
        folder.append(record(2, seconds=4.0))
        folder.append(record(3, seconds=4.0))
        # Timings stay: steps 10, 20, 30, 20, 30, of which three are a way forwards, 30 steps in 1 + 1 + 4 seconds.
        assert told(watcher)["seconds_left"] == pytest.approx(6 / 30 * 70)


def test_timings_without_numbers_are_left_out(folder: RunFolder, watcher: Watcher) -> None:
    (folder.path / "timings.jsonl").write_text('{"split": "train", "step": 5, "seconds": "two"}\n[]\n')
    assert told(watcher)["examples_per_second"] is None


def test_findings_come_with_the_records_and_go_with_them(folder: RunFolder, watcher: Watcher) -> None:
    for epoch in range(1, 6):
        folder.append(record(epoch, rate_nats=0.01, beta=1.0))
        folder.append(record(epoch, "test", rate_nats=0.01))
    folder.update_info(status="finished")
    findings = told(watcher)["findings"]
    assert ("warning", "collapse") in {(each["tone"], each["kind"]) for each in findings}
    folder.truncate_metrics(0)
    folder.append(record(1))
    assert "collapse" not in {each["kind"] for each in told(watcher)["findings"]}


def test_a_run_that_has_not_begun_is_not_judged(watcher: Watcher) -> None:
    assert told(watcher)["findings"] == []


def test_snapshots_and_log_are_told_when_they_change(folder: RunFolder, watcher: Watcher) -> None:
    watcher.look()
    snapshots = folder.path / "snapshots"
    snapshots.mkdir()
    (snapshots / "step_000000007.npz").write_bytes(b"")
    assert told(watcher) == {"snapshots": [7]}
    folder.note("checkpoint")
    assert list(told(watcher)) == ["log"]
    (snapshots / "step_000000007.npz").unlink()
    assert told(watcher) == {"snapshots": []}


def test_a_damaged_run_is_told_as_such(folder: RunFolder, watcher: Watcher) -> None:
    watcher.look()
    (folder.path / "run.json").write_text("{")
    changes = told(watcher)
    assert changes["summary"]["state"] == "damaged"
    assert "damaged" in changes["summary"]["reason"]
    assert changes.get("findings", []) == []


def test_what_cannot_be_read_is_refused_in_one_sentence(folder: RunFolder, watcher: Watcher) -> None:
    (folder.path / "metrics.jsonl").mkdir()
    with pytest.raises(VaelError, match="cannot be read"):
        watcher.look()


def test_nothing_is_read_where_nothing_changed(
    folder: RunFolder, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "AGAIN", 0.0)
    folder.append(record(1, seconds=1.0))
    watcher.look()

    def refuse(*_: object) -> None:
        raise AssertionError("a file was read")

    for owner, name in ((Follower, "read"), (Shelf, "summary"), (RunFolder, "log"), (live.Snapshots, "steps")):
        monkeypatch.setattr(owner, name, refuse)
    assert watcher.look() is None


def test_two_changes_under_one_stamp_are_both_seen(folder: RunFolder, watcher: Watcher) -> None:
    snapshots = folder.path / "snapshots"
    snapshots.mkdir()
    watcher.look()
    before = snapshots.stat()
    (snapshots / "step_000000001.npz").write_bytes(b"")
    os.utime(snapshots, ns=(before.st_atime_ns, before.st_mtime_ns))  # as a disk whose clock has not ticked
    assert told(watcher)["snapshots"] == [1]


def test_many_records_are_thinned_and_the_last_of_each_split_kept(folder: RunFolder, watcher: Watcher) -> None:
    lines = [json.dumps(record(epoch, split).metrics()) for epoch in range(1, 5001) for split in ("train", "test")]
    (folder.path / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    sent = told(watcher)["records"]
    assert len(sent) <= 2 * MOST_RECORDS
    assert [(each["split"], each["epoch"]) for each in sent[-2:]] == [("train", 5000), ("test", 5000)]
    assert thinned(sent) == sent


def test_a_page_is_told_the_end_of_a_run_as_its_last_message(own: Any, scratch: Path) -> None:
    with own.websocket_connect("/api/runs/digits/watch", headers={"host": "localhost"}) as socket:
        assert socket.receive_json()["summary"]["name"] == "digits"
        RunFolder.open(scratch / "digits").delete()
        assert socket.receive_json() == {"gone": True, "final": True}
    with own.websocket_connect("/api/runs/digits/watch", headers={"host": "localhost"}) as socket:
        assert socket.receive_json()["final"]


def test_a_page_is_told_what_cannot_be_read(own: Any, scratch: Path) -> None:
    metrics = scratch / "digits" / "metrics.jsonl"
    metrics.unlink()
    metrics.mkdir()
    with own.websocket_connect("/api/runs/digits/watch", headers={"host": "localhost"}) as socket:
        said = socket.receive_json()
    assert said["final"]
    assert "cannot be read" in said["detail"]
