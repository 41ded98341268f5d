"""Train, kill, resume, load: what the README promises, with real processes."""

import json
import os
import platform
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import vael
from vael.errors import VaelError
from vael.experiments import prepare
from vael.experiments.experiment import reopen
from vael.networks.base import Decoder
from vael.recipe import Part, Recipe
from vael.runs import RunFolder

QUICK = {"training.epochs": 2, "training.batch_size": 256}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> vael.Run:
    return vael.train("digits", settings=QUICK, runs=tmp_path_factory.mktemp("runs"))


def test_the_five_lines_of_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The README's Python block, as it stands there but for the number of epochs."""
    monkeypatch.chdir(tmp_path)
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    block = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)[0]
    assert "vael.train(" in block
    source = re.sub(r"vael\.train\((.*?)\)", r'vael.train(\1, settings={"training.epochs": 1})', block)
    exec(compile(source, "README.md", "exec"), {})  # noqa: S102 (our own README, run as a reader would)


def test_a_run_folder_holds_all_that_is_promised(run: vael.Run) -> None:
    names = {path.name for path in run.path.iterdir()}
    promised = {
        "recipe.toml",
        "run.json",
        "log.txt",
        "metrics.jsonl",
        "timings.jsonl",
        "model.safetensors",
        "checkpoints",
        "figures",
    }
    assert promised <= names
    assert run.info["status"] == "finished"
    assert run.info["results"]["elbo_nats"] < 0
    assert {"versions", "seed", "data", "compute", "observation", "git_commit"} <= run.info.keys()
    assert (run.path / "figures" / "samples.png").stat().st_size > 100


def test_a_loaded_run_is_the_trained_one(run: vael.Run) -> None:
    loaded = vael.load(run.path)
    assert loaded.evaluate(num_samples=4).elbo_nats == run.evaluate(num_samples=4).elbo_nats
    assert loaded.recipe == run.recipe
    assert loaded.sample(3).x.shape == (3, 1, 8, 8)
    assert loaded.embed().mean.shape == (180, 8)
    labels = loaded.labels()
    assert labels is not None
    assert len(labels) == 180


def test_the_same_seed_writes_the_same_metrics_file(run: vael.Run, tmp_path: Path) -> None:
    again = vael.train("digits", settings=QUICK, runs=tmp_path)
    assert (again.path / "metrics.jsonl").read_bytes() == (run.path / "metrics.jsonl").read_bytes()
    assert (again.path / "model.safetensors").read_bytes() == (run.path / "model.safetensors").read_bytes()


def test_resuming_a_finished_run_changes_nothing(run: vael.Run) -> None:
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file() and path.name != "run.lock"}
    vael.resume(run.path)
    assert {path: path.read_bytes() for path in before} == before


def test_more_epochs_go_on_from_the_end(run: vael.Run, tmp_path: Path) -> None:
    short = vael.train("digits", settings=QUICK | {"training.learning_rate": 1e-3}, runs=tmp_path)
    long = vael.resume(short.path, epochs=4)
    whole = vael.train("digits", settings=QUICK | {"training.learning_rate": 1e-3, "training.epochs": 4}, runs=tmp_path)
    assert (long.path / "metrics.jsonl").read_bytes() == (whole.path / "metrics.jsonl").read_bytes()
    assert vael.load(short.path).recipe.training.epochs == 4


COMMAND = [sys.executable, "-m", "vael"]
TRAINED = [
    "--set", "training.epochs=60", "--set", "training.checkpoint_seconds=0", "--set", "training.ema_decay=0.99",
    "--set", "training.patience=0",
]  # fmt: skip


def test_killed_five_times_and_resumed_is_bit_for_bit_the_uninterrupted_run(tmp_path: Path) -> None:
    """SIGKILL at random moments of a real training process; checkpoints are written at every record."""
    whole = vael.train("digits", settings=_settings(), runs=tmp_path, name="whole")
    chance = random.Random(0)
    command = [*COMMAND, "train", "digits", "--name", "killed", "--runs", str(tmp_path), *TRAINED]
    kills = 0
    folder = tmp_path / "killed"
    while kills < 5:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        _wait_for_progress(process, folder, chance.randint(1, 9))
        time.sleep(chance.uniform(0, 0.03))
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += 1
        assert json.loads((folder / "run.json").read_text())["status"] == "running"
        command = [*COMMAND, "resume", str(folder), "--quiet"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=120)
    for name in ("metrics.jsonl", "model.safetensors"):
        assert (folder / name).read_bytes() == (whole.path / name).read_bytes(), name
    last = sorted((folder / "checkpoints").glob("*.safetensors"))[-1]
    mine, theirs = load_file(last), load_file(whole.path / "checkpoints" / last.name)
    assert mine.keys() == theirs.keys()
    assert all(mine[key].equal(theirs[key]) for key in mine)


def _settings() -> dict[str, object]:
    return {
        "training.epochs": 60,
        "training.checkpoint_seconds": 0.0,
        "training.ema_decay": 0.99,
        "training.patience": 0,
    }


def _wait_for_progress(process: subprocess.Popen, folder: Path, epochs: int) -> None:
    """Wait until the process has written some epochs more than it found."""
    path = folder / "metrics.jsonl"
    count = len(path.read_bytes().splitlines()) if path.exists() else 0
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if path.exists() and len(path.read_bytes().splitlines()) >= count + 2 * epochs:
            return
        time.sleep(0.005)


def test_interrupting_ends_cleanly_and_names_the_command_that_resumes(tmp_path: Path) -> None:
    command = [*COMMAND, "train", "digits", "--runs", str(tmp_path), "--set", "training.epochs=5000"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    _wait_for_progress(process, tmp_path / "digits-1", 2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert f"vael resume {tmp_path / 'digits-1'}" in out
    assert list((tmp_path / "digits-1" / "checkpoints").glob("step_*.json"))
    assert vael.load(tmp_path / "digits-1").info["status"] == "interrupted"


PLAIN = """
import sys
from pathlib import Path

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("cyclopts", "jinja2", "matplotlib", "pooch", "pyarrow", "rich"):
            raise ImportError(f"{name} is not installed")

sys.meta_path.insert(0, Absent())
import vael
run = vael.train("digits", settings={"training.epochs": 1}, runs=Path(sys.argv[1]))
print(run.evaluate(num_samples=2).elbo_nats)
"""


def test_a_plain_checkout_trains_without_the_command_lines_libraries(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PLAIN, str(tmp_path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 0


def test_other_data_than_it_was_trained_on_is_refused(tmp_path: Path) -> None:
    run = vael.train("digits", settings=QUICK, runs=tmp_path)
    recipe = run.path / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("split_seed = 0", "split_seed = 1"))
    with pytest.raises(VaelError, match="changed since"):
        vael.resume(run.path, epochs=3)


def test_a_failed_training_says_so_and_keeps_its_folder(tmp_path: Path) -> None:
    settings = {"training.optimizer": "sgd", "training.learning_rate": 1e30, "training.epochs": 2}
    with pytest.raises(VaelError, match="not finite at step"):
        vael.train("digits", settings=settings, runs=tmp_path)
    info = vael.load(tmp_path / "digits-1").info
    assert info["status"] == "failed"
    assert "not finite" in info["reason"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model.likelihood": "bernoulli"}, "expects x in the domain binary or unit, got levels"),
        ({"model.posterior": "point"}, "needs a density"),
        ({"training.batch_size": 0}, "batch_size expects"),
        ({"training.epoch": 3}, "did you mean 'training.epochs'"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_written(settings, message: str, tmp_path: Path) -> None:
    with pytest.raises(VaelError, match=message):
        prepare("digits", settings=settings, runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_plain_autoencoder_trains_and_has_no_bound(tmp_path: Path) -> None:
    recipe = Recipe.find("digits")
    settings = QUICK | {"model.posterior": "point", "objective": "autoencoder"}
    result = vael.train("digits", recipe=recipe, settings=settings, runs=tmp_path).evaluate(num_samples=2)
    assert result.elbo_nats is None
    assert result.distortion_nats > 0
    assert Part("point") == recipe.override(settings).model.posterior


def test_the_log_tells_a_trainings_story_and_the_number_of_its_steps_is_kept(tmp_path: Path) -> None:
    experiment = prepare("digits", settings=QUICK, runs=tmp_path)
    asked = iter([False] * 8)
    experiment.should_stop = lambda: next(asked, True)
    list(experiment.records())
    first = vael.load(tmp_path / "digits-1")
    assert first.info["total_steps"] == 2 * 6  # 1,437 examples in batches of 256
    vael.resume(first.path, epochs=4)
    assert first.info["total_steps"] == 4 * 6
    events = [line[21:] for line in first.folder.log()]
    reason = first.info["compute"]["compile_reason"]
    mode = "compiled" if first.info["compute"]["compiled"] else "eager"
    device = first.info["compute"]["device"]
    assert events[:4] == [
        f"training started of 12 on {device}, {mode} steps: {reason}",
        "checkpoint at step 8",
        "stopped at step 8",
        f"training taken up again at step 8 of 24 on {device}, {mode} steps: as in the run's first part",
    ]
    bound = first.info["results"]["elbo_nats"]
    assert events[4] == "checkpoint at step 24"
    assert re.fullmatch(rf"finished at step 24 in \d+\.\d s: ELBO {bound:.2f} nats on the test split", events[5])
    assert len(events) == 6


def test_a_failure_stands_in_the_log_and_a_log_that_cannot_be_written_hides_no_failure(tmp_path: Path) -> None:
    settings = {"training.optimizer": "sgd", "training.learning_rate": 1e30, "training.epochs": 2}
    for name in ("logged", "unlogged"):
        experiment = prepare("digits", settings=settings, name=name, runs=tmp_path)
        if name == "unlogged":
            (experiment.folder.path / "log.txt").mkdir()
        with pytest.raises(VaelError, match="not finite at step"):
            list(experiment.records())
        assert experiment.folder.status() == "failed"
    last = vael.load(tmp_path / "logged").folder.log()[-1]
    assert last[21:] == f"failed: {vael.load(tmp_path / 'logged').info['reason']}"


def test_a_training_that_breaks_off_says_why_in_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the cat\nsat down")

    experiment = prepare("digits", settings=QUICK, runs=tmp_path)
    monkeypatch.setattr(RunFolder, "append", fail)
    with pytest.raises(RuntimeError):
        list(experiment.records())
    assert experiment.folder.log()[-1].endswith("interrupted at step 6 by RuntimeError: the cat sat down")


def test_a_killed_run_that_is_taken_up_again_is_stopped_where_it_runs_now(tmp_path: Path) -> None:
    """While the checkpoint is being read, the number of the killed process must be gone already."""
    experiment = prepare("digits", settings=QUICK, runs=tmp_path)
    experiment.folder.update_info(status="running", process=1, host="another")
    (experiment.folder.path / "checkpoints").mkdir()
    (experiment.folder.path / "checkpoints" / "step_000000001.json").write_text("{")
    with pytest.raises(VaelError, match="is damaged"):
        list(experiment.records())
    info = experiment.folder.info()
    assert (info["process"], info["host"]) == (os.getpid(), platform.node())


def test_the_exact_optimum_is_one_step(tmp_path: Path) -> None:
    run = vael.train("digits", recipe="pca", settings={"data.treatment": "grey"}, runs=tmp_path)
    assert run.info["total_steps"] == run.info["steps"] == run.metrics[-1]["step"] == 1


SOURCES = {"table.csv": "table.csv", "table:table.csv": "table.csv", "array:x.npz:x": "x.npz:x", "faces": "faces"}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with the same 40 examples as a table, as an array, and 40 images."""
    folder = tmp_path / "files"
    (folder / "faces").mkdir(parents=True)
    chance = np.random.default_rng(0)
    rows = chance.normal(size=(40, 3))
    (folder / "table.csv").write_text("a,b,c\n" + "\n".join(",".join(f"{x:.4f}" for x in row) for row in rows))
    np.savez(folder / "x.npz", x=rows, y=rows[:, :2])
    for number, pixels in enumerate(chance.integers(0, 256, (40, 8, 8), np.uint8)):
        Image.fromarray(pixels).save(folder / "faces" / f"{number}.png")
    return folder


@pytest.mark.parametrize("source", SOURCES)
def test_a_run_on_a_relative_path_opens_and_goes_on_from_anywhere(
    source: str, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if source.startswith("table"):
        pytest.importorskip("pyarrow")
    monkeypatch.chdir(files)
    recipe = "digits" if source == "faces" else "table"
    run = vael.train(source, recipe=recipe, settings={"training.epochs": 1}, runs=tmp_path / "runs")
    rows = run.data("train").batch(torch.arange(3)).x
    assert run.info["data"]["path"] == str(files / SOURCES[source])
    monkeypatch.chdir(tmp_path)
    loaded = vael.load(run.path)
    assert loaded.data("train").batch(torch.arange(3)).x.equal(rows)
    assert loaded.recipe.data.source == source
    assert vael.resume(run.path, epochs=2).info["data"] == run.info["data"]


def test_a_recorded_path_comes_second_and_may_be_absent(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyarrow")
    monkeypatch.chdir(files)
    run = vael.train("table.csv", settings={"training.epochs": 1}, runs=tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    shutil.copy(files / "table.csv", tmp_path)
    (files / "table.csv").write_text("foreign\n1\n2\n")
    assert len(vael.load(run.path).data("test")) == 4  # the recipe's own path leads to the copy
    (tmp_path / "table.csv").unlink()
    (files / "table.csv").unlink()
    with pytest.raises(VaelError, match=r"there is no file table\.csv"):
        vael.load(run.path).data()
    data = run.info["data"]
    run.folder.update_info(data={key: value for key, value in data.items() if key != "path"})
    with pytest.raises(VaelError, match=r"there is no file table\.csv"):
        vael.resume(run.path, epochs=2)


def test_a_named_data_set_records_no_path(run: vael.Run) -> None:
    assert run.info["data"]["path"] is None


def test_a_training_starts_from_another_runs_weights(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"training.epochs": 2, "training.snapshots": 0, "training.ema_decay": 0.9}
    settings |= {"data.treatment": "grey", "model.likelihood": "bernoulli"}
    first = vael.train("digits", settings=settings, runs=tmp_path, name="first", on_record=lambda record: None)
    onward = {**settings, "training.start_from": "first", "objective.beta": 2.0, "model.likelihood": "gaussian"}
    experiment = prepare("digits", settings=onward, runs=tmp_path, name="onward")
    weights = first.model.state_dict()
    found = {"run": "first", "tensors": len(weights), "of": len(weights) + 1}  # the Gaussian's scale is new
    assert experiment.folder.info()["started_from"] == found
    for name, tensor in experiment.parts.state.weights().items():
        assert name not in weights or torch.equal(tensor, weights[name])
    first.folder.delete()
    reopened = reopen("onward", runs=tmp_path)  # its first checkpoint holds the weights
    list(reopened.records())
    again = prepare("digits", settings={**settings, "training.start_from": ""}, runs=tmp_path, name="afresh")
    assert again.folder.info().get("started_from") is None
    with pytest.raises(VaelError, match="unknown run 'nowhere'"):
        prepare("digits", settings={**settings, "training.start_from": "nowhere"}, runs=tmp_path, name="nothing")
    assert not (tmp_path / "nothing").exists()


def test_weights_that_fit_nowhere_are_refused(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"training.epochs": 1, "training.snapshots": 0}
    vael.train("digits", settings=settings, runs=tmp_path, name="first", on_record=lambda record: None)
    other = {"model.encoder": "conv", "model.decoder": "conv", "model.latent_dim": 3, "training.start_from": "first"}
    with pytest.raises(VaelError, match="has no weights that fit this model"):
        prepare("digits", settings={**settings, **other}, runs=tmp_path, name="conv")


@pytest.mark.parametrize("network", ["mlp", "conv", "residual", "residual-mlp"])
def test_the_bias_starts_from_the_frequencies_of_the_data(tmp_path: Path, network: str) -> None:
    settings: dict[str, Any] = {"training.ema_decay": 0.9, "model.encoder": network, "model.decoder": network}
    settings |= {"data.treatment": "grey", "model.likelihood": "bernoulli"}
    fresh = prepare("digits", settings=settings, runs=tmp_path, name="fresh").parts
    settings["training.bias_steps"] = 300
    experiment = prepare("digits", settings=settings, runs=tmp_path, name="started")
    decoder = experiment.parts.model.get_submodule("decoder")
    assert isinstance(decoder, Decoder)
    state, x = experiment.parts.state, experiment.parts.examples("train").batch(torch.arange(1000)).x
    weights, before = state.weights(), fresh.state.weights()
    moved = [name for name in weights if not torch.equal(weights[name], before[name])]
    assert len(moved) == 1
    assert weights[moved[0]].data_ptr() != decoder.last_bias.data_ptr()  # the average starts there too
    torch.testing.assert_close(weights[moved[0]], decoder.last_bias.detach())
    with torch.no_grad():
        features = decoder.eval()(torch.zeros(1, decoder.latent_dim))
    where = (0, 3, 4) if network in ("conv", "residual") else (0,)  # a bias there is shared by all pixels
    torch.testing.assert_close(features.sigmoid().mean(where), x.unsqueeze(1).mean(where), atol=0.03, rtol=0)
    assert experiment.folder.info()["started_from"] == {"bias_steps": 300}
    assert list((experiment.folder.path / "checkpoints").iterdir())  # whoever resumes it starts there too


@pytest.mark.parametrize("other", [{"training.start_from": "other"}, {"training.method": "pca"}])
def test_a_bias_that_comes_from_elsewhere_is_not_fitted_again(tmp_path: Path, other: dict[str, Any]) -> None:
    recipe = "pca" if "training.method" in other else "digits"
    with pytest.raises(VaelError, match=r"leave out training\.bias_steps"):
        prepare("digits", recipe=recipe, settings={**other, "training.bias_steps": 10}, runs=tmp_path, name="both")
    assert not (tmp_path / "both").exists()
