"""Real sweeps: what they write, that they repeat, go on after a kill, and share a storage."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vael
from vael.cli import main
from vael.errors import VaelError
from vael.experiments import load
from vael.recipe import Recipe
from vael.runs import RunFolder
from vael.sweeps import Space, SweepResult, sweep

TRIALS = 5
Settings = dict[str, Any]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, space: Space, small: Settings) -> SweepResult:
    return sweep("digits", space=space, settings=small, trials=TRIALS, runs=tmp_path_factory.mktemp("runs"))


def start(words: list[str], runs: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "vael", *words, "--runs", str(runs), "--quiet"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def table(runs: Path) -> list[dict[str, str]]:
    with (runs / "sweep-digits" / "trials.csv").open(newline="") as handle:
        return list(csv.DictReader(handle))


def test_the_first_trial_is_the_recipe_itself_and_the_best_is_the_best(found: SweepResult) -> None:
    assert len(found.trials) == TRIALS
    first = found.trials[0]
    assert (first.state, first.params["training.batch_size"]) == ("finished", 512)
    assert first.params["training.learning_rate.start"] == 2e-3
    assert found.best.elbo_nats == max(
        trial.elbo_nats or -np.inf for trial in found.trials if trial.state == "finished"
    )
    assert {trial.state for trial in found.trials} <= {"finished", "pruned"}


def test_trials_are_ordinary_runs_that_never_saw_the_test_split(found: SweepResult) -> None:
    for trial in found.trials:
        folder = RunFolder.open(found.path / "trials" / f"{trial.number:03d}")
        info, splits = folder.info(), {record["split"] for record in folder.metrics()}
        assert splits == {"train", "valid"}
        assert set(info["data"]["counts"]) == {"train", "valid"}
        bounds = [record["elbo_nats"] for record in folder.metrics() if record["split"] == "valid"]
        assert (max(bounds), len(bounds)) == (trial.elbo_nats, trial.epochs)
        if trial.state == "pruned":
            assert info["status"] == "interrupted"
            assert "others were better" in info["reason"]
            assert not (folder.path / "checkpoints").exists()
        else:
            assert info["results"]["split"] == "valid"


def test_the_result_is_written_down(found: SweepResult) -> None:
    recipe = Recipe.find(str(found.path / "best.toml"))
    assert recipe == found.recipe
    assert recipe.data == Recipe.find("digits").data
    assert recipe.training.batch_size == found.best.params["training.batch_size"]
    with (found.path / "trials.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert [float(row["elbo_nats"]) for row in rows] == [trial.elbo_nats for trial in found.trials]
    written = json.loads((found.path / "result.json").read_text())
    assert written["best"]["number"] == found.best.number
    assert {path.name for path in (found.path / "figures").iterdir()} == {"search.png", "search-dark.png"}


def test_the_test_split_is_measured_on_the_best_alone(found: SweepResult) -> None:
    assert found.test is not None
    again = load(found.run_path).evaluate("test", num_samples=1)
    assert found.test.elbo_nats == again.elbo_nats
    assert found.test.num_examples == 180


def test_asked_again_it_trains_nothing_and_more_trials_go_on(found: SweepResult, space: Space, small: Settings) -> None:
    seen = []
    options = {"space": space, "settings": small, "runs": found.path.parent}
    again = sweep("digits", trials=TRIALS, on_trial=lambda trial, best: seen.append(trial), **options)
    assert (seen, again.trials) == ([], found.trials)
    with pytest.raises(VaelError, match="was begun with another recipe: choose another --name"):
        sweep("digits", trials=TRIALS, **{**options, "settings": small | {"model.latent_dim": 3}})
    other = Space.from_toml('"training.batch_size" = { choices = [256, 512] }')
    with pytest.raises(VaelError, match="was begun with another space"):
        sweep("digits", trials=TRIALS, **{**options, "space": other})


def test_the_same_seed_searches_the_same_way(found: SweepResult, space: Space, tmp_path: Path, small: Settings) -> None:
    url = f"sqlite:///{tmp_path}/sweep.db"
    again = sweep("digits", space=space, settings=small, trials=3, runs=tmp_path / "runs", storage=url)
    rows = [(trial.state, trial.elbo_nats, trial.params) for trial in again.trials]
    assert rows == [(trial.state, trial.elbo_nats, trial.params) for trial in found.trials[:3]]
    with pytest.raises(VaelError, match="the storage holds another sweep called 'sweep-digits'"):
        sweep("digits", space=space, settings=small, trials=3, runs=tmp_path / "other", storage=url)


def test_a_validation_split_is_taken_where_the_source_has_none(tmp_path: Path, space: Space, small: Settings) -> None:
    settings = small | {"data.valid_fraction": 0.0}
    result = sweep("digits", space=space, settings=settings, trials=1, runs=tmp_path)
    info = RunFolder.open(result.run_path).info()
    assert info["data"]["counts"] == {"train": 1437, "valid": 180}
    assert result.recipe.data.valid_fraction == 0.0  # the retrained best sees all training examples


def test_settings_that_diverge_or_do_not_fit_are_trials_too(tmp_path: Path, small: Settings) -> None:
    text = """
    "training.learning_rate" = { value = 1e30 }
    "model.posterior" = { choices = ["diagonal-normal", "full-normal"] }
    """
    with pytest.raises(VaelError, match=r"no trial of .* came to its end") as caught:
        sweep("digits", space=Space.from_toml(text), settings=small, trials=2, runs=tmp_path)
    assert "not finite" in str(caught.value)
    assert {row["state"] for row in table(tmp_path)} == {"diverged"}


def test_a_killed_sweep_goes_on_with_the_lost_trial(words: list[str], tmp_path: Path, small: Settings) -> None:
    slow = [word.replace("training.epochs=2", "training.epochs=400") for word in words]
    process = start([*slow, "--trials", "1"], tmp_path)
    metrics = tmp_path / "sweep-digits" / "trials" / "000" / "metrics.jsonl"
    deadline = time.monotonic() + 100
    while not metrics.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert metrics.exists()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    journal = tmp_path / "sweep-digits" / "journal.log"
    with journal.open("a") as handle:
        handle.write('{"op_code": 4, "half a li')  # as a kill in the middle of a write leaves it
    space = Space.find("digits", Path(words[3]))
    settings = small | {"training.epochs": 400}
    left = []
    with pytest.raises(VaelError, match="no trial"):
        sweep("digits", space=space, settings=settings, trials=1, runs=tmp_path, should_stop=after(left, calls=30))
    rows = table(tmp_path)
    assert [(row["state"], row["reason"]) for row in rows] == [
        ("retried", "its process is gone"),
        ("retried", "stopped on its way"),
        ("waiting", ""),
    ]
    assert rows[0]["training.learning_rate.start"] == rows[1]["training.learning_rate.start"]


def after(left: list[int], *, calls: int) -> Callable[[], bool]:
    def should_stop() -> bool:
        left.append(0)
        return len(left) > calls

    return should_stop


def test_two_processes_share_one_storage(words: list[str], tmp_path: Path) -> None:
    pair = [start([*words, "--trials", "6"], tmp_path) for _ in range(2)]
    for process in pair:
        said = process.communicate(timeout=120)[1]
        assert process.returncode == 0, said
    rows = table(tmp_path)
    assert [int(row["trial"]) for row in rows] == list(range(6))  # none twice, none too many
    assert {row["state"] for row in rows} <= {"finished", "pruned"}
    assert len({row["training.learning_rate.start"] for row in rows}) == 6
    assert not list((tmp_path / "sweep-digits" / "workers").iterdir())


def test_jobs_are_processes_that_divide_the_cores(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([*words, "--trials", "4", "--jobs", "2", "--json", "--runs", str(tmp_path)])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(line["number"] for line in lines[:-1]) == list(range(4))
    assert lines[-1]["best"]["elbo_nats"] == max(
        line["elbo_nats"] for line in lines[:-1] if line["state"] == "finished"
    )
    threads = {
        RunFolder.open(path).info()["compute"]["threads"] for path in (tmp_path / "sweep-digits/trials").iterdir()
    }
    assert threads == {max(1, min(len(os.sched_getaffinity(0)) // 2, int(os.environ.get("OMP_NUM_THREADS", "99"))))}


REFUSED = {
    ("sweep", "digits", "--trials", "0"): "--trials expects an integer ≥ 1, got 0",
    ("sweep", "digits", "--jobs", "0"): "--jobs expects an integer ≥ 1, got 0",
    ("sweep", "digits", "--minutes", "0"): "--minutes expects a number > 0, got 0",
    ("sweep", "pca"): "writes the optimum down in closed form",
    ("sweep", "deep"): "no space ships for the recipe 'deep'",
    ("sweep", "digts"): "did you mean 'digits'",
    ("sweep", "digits", "--space", "no.toml"): "the space no.toml cannot be read",
    ("sweep", "digits", "--storage", "nonsense"): "the sweep's storage cannot be used",
    ("sweep", "digits", "--name", "../x"): "..",
}


@pytest.mark.parametrize("wrong", REFUSED, ids=" ".join)
def test_mistakes_are_one_line(wrong: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*wrong, "--runs", str(tmp_path)])
    said = capsys.readouterr().err
    assert caught.value.code == 2
    assert REFUSED[wrong] in said
    assert said.count("\n") == 1


def test_a_run_of_that_name_is_left_alone(tmp_path: Path, space: Space, small: Settings) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "run.json").write_text("{}")
    with pytest.raises(VaelError, match="holds no sweep: choose another --name"):
        sweep("digits", space=space, settings=small, trials=1, name="mine", runs=tmp_path)


def test_vael_sweep_is_there() -> None:
    assert callable(vael.sweep)
