"""The run folder: whole or not there, readable while it is written, honest about what is wrong with it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from vael.errors import VaelError
from vael.runs import FORMAT, Record, RunFolder, list_runs, write_atomically


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path, "first", recipe="title = 'x'\n", info={"status": "created"})


def test_a_new_folder_opens_by_path_and_by_name(folder: RunFolder, tmp_path: Path) -> None:
    assert RunFolder.open(folder.path).info() == {"format": FORMAT, "status": "created"}
    assert RunFolder.open("first", root=tmp_path) == folder


def test_a_taken_name_is_refused(folder: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(VaelError, match=r"run 'first' exists .* resume first"):
        RunFolder.create(tmp_path, "first", recipe="", info={})


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden"])
def test_a_name_that_is_no_folder_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(VaelError, match="plain folder name"):
        RunFolder.create(tmp_path, name, recipe="", info={})


def test_an_unknown_run_shows_the_closest_name(folder: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(VaelError, match="unknown run 'frist': did you mean 'first'"):
        RunFolder.open("frist", root=tmp_path)


def test_records_come_back_in_order_and_a_torn_last_line_is_left_out(folder: RunFolder) -> None:
    for step in (1, 2):
        folder.append(Record("train", 1, step, {"elbo_nats": -step}, seconds=0.5, num_examples=100))
    with (folder.path / "metrics.jsonl").open("a") as handle:
        handle.write('{"split": "tr')
    assert folder.metrics() == [{"split": "train", "epoch": 1, "step": step, "elbo_nats": -step} for step in (1, 2)]
    assert [timing["examples_per_second"] for timing in folder.timings()] == [200.0, 200.0]


def test_metrics_are_cut_back_to_a_checkpoint(folder: RunFolder) -> None:
    folder.append(Record("train", 1, 1, {"elbo_nats": -1.0}))
    size = folder.metrics_size()
    folder.append(Record("train", 1, 2, {"elbo_nats": -2.0}))
    folder.truncate_metrics(size)
    assert [record["step"] for record in folder.metrics()] == [1]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: (path / "run.json").unlink(), "it has no run.json"),
        (lambda path: (path / "recipe.toml").unlink(), "it has no recipe.toml"),
        (lambda path: (path / "run.json").write_text('{"format"'), "run.json is damaged"),
        (lambda path: (path / "run.json").write_text("[]"), "states no format"),
        (lambda path: (path / "run.json").write_text(json.dumps({"format": FORMAT + 1})), "install a newer vael"),
    ],
    ids=["no run.json", "no recipe", "half-written", "foreign", "newer"],
)
def test_a_folder_that_is_no_run_is_refused(damage, message: str, folder: RunFolder) -> None:
    damage(folder.path)
    with pytest.raises(VaelError, match=message):
        RunFolder.open(folder.path)


def test_a_failed_write_keeps_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    (tmp_path / f".{os.getpid()}.part.file").mkdir()  # the temporary name is taken by something that cannot be opened
    with pytest.raises(VaelError, match="cannot write"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"


def test_a_second_process_is_refused_and_a_killed_one_leaves_no_lock(folder: RunFolder, hold: str) -> None:
    folder.update_info(status="running")
    assert folder.status() == "killed"
    with subprocess.Popen([sys.executable, "-c", hold, str(folder.path)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert folder.status() == "running"
        with pytest.raises(VaelError, match="another process is training"), folder.locked():
            pass
        other.kill()
    assert folder.status() == "killed"
    with folder.locked():
        pass


@pytest.fixture
def training(folder: RunFolder, hold: str) -> Iterator[subprocess.Popen]:
    """Another process that holds the folder's lock, as a training does."""
    with subprocess.Popen([sys.executable, "-c", hold, str(folder.path)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        folder.update_info(status="running", process=other.pid)
        yield other
        other.kill()


def test_a_run_takes_another_name_with_all_that_is_in_it(folder: RunFolder, tmp_path: Path) -> None:
    renamed = folder.rename("second")
    assert renamed == RunFolder.open("second", root=tmp_path)
    assert renamed.info()["status"] == "created"
    assert not folder.path.exists()
    assert renamed.log()[-1].endswith("  renamed from first")


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a\nb", "a\\b"])
def test_a_run_takes_no_name_that_is_no_folder_name(name: str, folder: RunFolder) -> None:
    with pytest.raises(VaelError, match="plain folder name"):
        folder.rename(name)
    assert folder.info()["status"] == "created"


@pytest.mark.parametrize("kind", ["empty folder", "file", "dead link", "itself"])
def test_a_run_takes_no_name_that_is_taken(kind: str, folder: RunFolder, tmp_path: Path) -> None:
    taken = tmp_path / ("first" if kind == "itself" else "taken")
    if kind == "empty folder":  # the system would put the run in its place
        taken.mkdir()
    elif kind == "file":
        taken.touch()
    elif kind == "dead link":
        taken.symlink_to(tmp_path / "nowhere")
    with pytest.raises(VaelError, match=f"'{taken.name}' exists"):
        folder.rename(taken.name)
    assert RunFolder.open(folder.path) == folder


def test_a_deleted_run_leaves_nothing(folder: RunFolder, tmp_path: Path) -> None:
    (folder.path / "checkpoints").mkdir()
    (folder.path / "checkpoints" / "step_1.json").touch()
    folder.delete()
    assert list(tmp_path.iterdir()) == []


def test_a_half_deleted_run_is_not_listed(folder: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process dies after the first step; what is left lies hidden, with its run.json."""

    def die(path: Path) -> None:
        assert (path / "run.json").exists()
        raise OSError("died")

    monkeypatch.setattr("shutil.rmtree", die)
    with pytest.raises(VaelError, match=r"the rest is in .*/\.deleted-first-"):
        folder.delete()
    assert list_runs(tmp_path) == []
    with pytest.raises(VaelError, match="no run at first"):
        RunFolder.open("first", root=tmp_path)


def test_a_damaged_run_can_be_deleted_and_another_folder_cannot(folder: RunFolder, tmp_path: Path) -> None:
    other = tmp_path / "photos"
    other.mkdir()
    for keep in (RunFolder(other).delete, lambda: RunFolder(other).rename("new")):
        with pytest.raises(VaelError, match=r"photos is not a run folder: it has no run\.json"):
            keep()
    assert other.is_dir()
    (folder.path / "run.json").write_text('{"format"')
    folder.delete()
    assert list(tmp_path.iterdir()) == [other]


def test_of_a_linked_run_only_the_link_is_renamed_or_deleted(folder: RunFolder, tmp_path: Path) -> None:
    root = tmp_path / "elsewhere"
    root.mkdir()
    (root / "link").symlink_to(folder.path)
    renamed = RunFolder(root / "link").rename("other")
    assert renamed.path.is_symlink()
    renamed.delete()
    assert list(root.iterdir()) == []
    assert folder.info()["status"] == "created"


def test_a_run_given_as_the_working_directory_is_kept_like_any_other(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.path)
    renamed = RunFolder(Path(".")).rename("second")
    assert renamed.path == folder.path.with_name("second")
    RunFolder(Path(".")).delete()
    assert not renamed.path.exists()


def test_a_run_in_training_is_neither_renamed_nor_deleted(folder: RunFolder, training: subprocess.Popen) -> None:
    for change in (folder.delete, lambda: folder.rename("second")):
        with pytest.raises(VaelError, match="first is being trained: stop it first"):
            change()
    assert folder.status() == "running"


def test_stopping_interrupts_the_process_that_trains(folder: RunFolder, training: subprocess.Popen) -> None:
    folder.stop()
    assert training.wait(timeout=30) != 0  # KeyboardInterrupt
    assert folder.status() == "killed"  # this process, unlike a training, says nothing as it goes


@pytest.mark.parametrize("status", ["created", "finished", "running"])
def test_nothing_is_sent_to_a_process_that_trains_no_more(
    status: str, folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number may be another process's by now; `running` without a lock is a killed run."""
    monkeypatch.setattr("os.kill", lambda *_: pytest.fail("a signal was sent"))
    folder.update_info(status=status, process=os.getpid())
    with pytest.raises(VaelError, match="is not being trained"):
        folder.stop()


def test_nothing_is_sent_to_another_machines_process(
    folder: RunFolder, training: subprocess.Popen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.kill", lambda *_: pytest.fail("a signal was sent"))
    folder.update_info(host="another")
    with pytest.raises(VaelError, match="trained on another: stop it there"):
        folder.stop()


def test_the_log_keeps_events_in_order_under_the_local_time(folder: RunFolder) -> None:
    assert folder.log() == []
    for event in ("training started", "failed:\n  a\tnumber is not finite", "größer"):
        folder.note(event)
    lines = folder.log()
    assert [line[19:] for line in lines] == ["  training started", "  failed: a number is not finite", "  größer"]
    for line in lines:
        age = time.time() - time.mktime(time.strptime(line[:19], "%Y-%m-%d %H:%M:%S"))
        assert -1 < age < 60
    assert folder.log(2) == lines[1:]
    assert folder.log(0) == []


def test_a_log_that_cannot_be_written_raises_nothing(folder: RunFolder) -> None:
    (folder.path / "log.txt").mkdir()
    folder.note("training started")
    with pytest.raises(VaelError, match=r"log\.txt cannot be read"):
        folder.log()


def test_a_folder_that_cannot_be_locked_says_so(folder: RunFolder) -> None:
    (folder.path / "run.lock").mkdir()
    with pytest.raises(VaelError, match="cannot lock"), folder.locked():
        pass
    assert folder.status() == "created"
