"""The run folder: whole or not there, readable while it is written, honest about what is wrong with it."""

import json
import os
import subprocess
import sys
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


HOLD = """
import sys, time
from pathlib import Path
from vael.runs import RunFolder
with RunFolder(Path(sys.argv[1])).locked():
    print("locked", flush=True)
    time.sleep(60)
"""


def test_a_second_process_is_refused_and_a_killed_one_leaves_no_lock(folder: RunFolder) -> None:
    folder.update_info(status="running")
    assert folder.status() == "killed"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(folder.path)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert folder.status() == "running"
        with pytest.raises(VaelError, match="another process is training"), folder.locked():
            pass
        other.kill()
    assert folder.status() == "killed"
    with folder.locked():
        pass


def test_runs_are_listed_oldest_first(tmp_path: Path) -> None:
    for i, name in enumerate(("b", "a", "c")):
        made = RunFolder.create(tmp_path, name, recipe="", info={})
        os.utime(made.path / "recipe.toml", (i, i))
    (tmp_path / "no-run").mkdir()
    assert [run.name for run in list_runs(tmp_path)] == ["b", "a", "c"]
