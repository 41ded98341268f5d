"""Train, kill, resume, load: what the README promises, with real processes."""

import json
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file

import vael
from vael.errors import VaelError
from vael.experiments import prepare
from vael.recipe import Part, Recipe

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
