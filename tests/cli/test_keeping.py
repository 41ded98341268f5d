"""`vael rename`, `vael stop`, `vael delete` as a person types them, and `vael runs` beside a damaged run."""

import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from vael.cli import main
from vael.recipe import Recipe
from vael.runs import RunFolder

INFO = {"status": "finished", "data": {"source": "digits"}}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two runs, in which the command is typed."""
    for name in ("first", "second"):
        RunFolder.create(tmp_path / "runs", name, recipe=Recipe().to_toml(), info=INFO)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def typed(*words: str) -> None:
    """Run a command in this process; cyclopts ends it with 0."""
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 0


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    return capsys.readouterr().err


def names(desk: Path) -> list[str]:
    return sorted(os.listdir(desk / "runs"))


def test_rename_prints_the_new_path(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed("rename", "first", "best")
    assert capsys.readouterr().out == "runs/best\n"
    assert names(desk) == ["best", "second"]
    assert "'second' exists" in refusal(capsys, "rename", "best", "second")
    assert "plain folder name" in refusal(capsys, "rename", "best", "../best")
    assert "did you mean 'best'" in refusal(capsys, "rename", "bets", "third")


def test_delete_without_a_terminal_wants_to_be_told_yes(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "add --yes" in refusal(capsys, "delete", "first")
    assert names(desk) == ["first", "second"]
    typed("delete", "first", "runs/second", "first", "--yes")
    assert capsys.readouterr().out == "deleted runs/first\ndeleted runs/second\n"
    assert names(desk) == []


def test_delete_looks_for_every_run_before_it_deletes_one(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "did you mean 'second'" in refusal(capsys, "delete", "first", "secnod", "--yes")
    assert names(desk) == ["first", "second"]


def test_delete_removes_a_damaged_run_and_no_other_folder(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (desk / "runs" / "first" / "run.json").write_text("{")
    (desk / "runs" / "photos").mkdir()
    typed("delete", "first", "--yes")
    assert "photos is not a run folder" in refusal(capsys, "delete", "photos", "--yes")
    assert names(desk) == ["photos", "second"]


@pytest.mark.parametrize(
    ("answer", "left"), [("y\n", ["second"]), ("no\n", ["first", "second"]), ("\x04", ["first", "second"])]
)
def test_delete_asks_on_a_terminal(answer: str, left: list[str], desk: Path) -> None:
    mine, theirs = pty.openpty()
    command = [sys.executable, "-m", "vael", "delete", "first"]
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        os.write(mine, answer.encode())
        out, err = process.communicate(timeout=60)
    os.close(theirs)
    os.close(mine)
    assert process.returncode == 0, err
    assert "Delete runs/first for good? [y/N]" in out + err
    assert names(desk) == left


@pytest.fixture
def training(desk: Path) -> Iterator[subprocess.Popen]:
    """A training under way in another process."""
    command = [sys.executable, "-m", "vael", "train", "digits", "--name", "busy", "--quiet"]
    with subprocess.Popen([*command, "--set", "training.epochs=20000"], stdout=subprocess.DEVNULL) as process:
        while not (desk / "runs" / "busy" / "metrics.jsonl").exists():
            time.sleep(0.05)
            assert process.poll() is None
        yield process
        process.kill()


def test_stop_ends_a_training_as_ctrl_c_does(
    desk: Path, training: subprocess.Popen, capsys: pytest.CaptureFixture[str]
) -> None:
    """While it runs it is neither renamed nor deleted; afterwards its log says what happened and it can go on."""
    assert "stop it first" in refusal(capsys, "delete", "busy", "--yes")
    assert "stop it first" in refusal(capsys, "rename", "busy", "idle")
    typed("stop", "busy")
    assert capsys.readouterr().out == "busy is interrupted; go on with: vael resume runs/busy\n"
    assert training.wait(timeout=30) == 130
    folder = RunFolder.open("busy", root=desk / "runs")
    assert "  stopped at step " in folder.log()[-1]
    assert list((folder.path / "checkpoints").glob("*.json"))
    assert "there is nothing to stop" in refusal(capsys, "stop", "busy")


def test_stop_gives_up_on_a_process_that_does_not_end(
    desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vael.cli.keeping.STOP_SECONDS", 0.3)
    monkeypatch.setattr("os.kill", lambda *_: None)
    folder = RunFolder.open("first", root=desk / "runs")
    folder.update_info(status="running", process=os.getpid())
    with folder.locked():
        assert "first still runs 0.3 s after it was asked to stop" in refusal(capsys, "stop", "first")


def test_runs_lists_a_damaged_run_beside_the_others(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (desk / "runs" / "first" / "run.json").write_text("{")
    (desk / "runs" / "second" / "metrics.jsonl").write_text('{"split": "valid", "step": 3, "elbo_nats": NaN}\n')
    typed("runs")
    shown = capsys.readouterr().out
    assert [line.split()[:3] for line in shown.splitlines()[1:]] == [
        ["first", "?", "damaged"],
        ["second", "digits", "finished"],
    ]
    typed("runs", "--json")
    first, second = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)  # NaN is no JSON
    assert "run.json is damaged" in first["reason"]
    assert (second["name"], second["epochs"], second["step"], second["elbo_nats"]) == ("second", 10, 3, None)
