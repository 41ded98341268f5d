"""`vael figures`, `vael animate` and `vael report` as a person types them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def vael(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vael", *map(str, words)]
    return subprocess.run(command, check=False, cwd=cwd, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("desk")
    quick = ["--set", "training.epochs=2", "--set", "training.batch_size=256", "--set", "training.snapshots=6"]
    done = vael("train", "digits", *quick, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_all_figures_by_default(desk: Path) -> None:
    done = vael("figures", "digits-1", cwd=desk)
    assert done.returncode == 0, done.stderr
    paths = done.stdout.split()
    assert len(paths) == 12
    assert all((desk / path).stat().st_size > 1000 for path in paths)


def test_one_figure_with_its_options(desk: Path) -> None:
    words = ["figures", "digits-1", "--kind", "rates", "--examples", "3", "--theme", "dark", "--output", "rates.svg"]
    done = vael(*words, cwd=desk)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "rates.svg\n"
    assert "test 3" in (desk / "rates.svg").read_text()


def test_an_animation_and_a_report(desk: Path) -> None:
    for words, path in (
        (["animate", "digits-1", "--kind", "manifold", "--format", "webp"], "runs/digits-1/figures/manifold.webp"),
        (["report", "digits-1", "--num-samples", "2"], "runs/digits-1/report.html"),
    ):
        done = vael(*words, cwd=desk)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == path
        assert (desk / path).stat().st_size > 1000


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["figures", "digits-1", "--kind", "manfold"], "did you mean 'manifold'"),
        (["figures", "digits-1", "--kind", "samples", "--dims", "3"], "does not use dims"),
        (["figures", "digits-2"], "did you mean 'digits-1'"),
        (["figures", "digits-1", "--format", "bmp"], "format"),
        (["figures", "digits-1", "--output", "/proc/here"], "cannot write /proc/here"),
        (["animate", "digits-1", "--kind", "dance"], "kind"),
        (["animate", "digits-1", "--output", "/proc/here.gif"], "cannot write /proc/here.gif"),
        (["report", "digits-1", "--output", "x.pdf"], "ending in .html"),
        (["figures"], "RUN"),
    ],
)
def test_a_mistake_gets_one_line(words: list[str], message: str, desk: Path) -> None:
    done = vael(*words, cwd=desk)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_a_run_that_has_no_weights_yet_still_shows_its_curves(desk: Path) -> None:
    """As a training that goes on: the folder's lock is held, records are there, weights are not."""
    from filelock import FileLock

    copy = Path(shutil.copytree(desk / "runs" / "digits-1", desk / "runs" / "young"))
    (copy / "model.safetensors").unlink()
    text = (copy / "run.json").read_text().replace('"status": "finished"', '"status": "running"')
    (copy / "run.json").write_text(text)
    with FileLock(copy / "run.lock"):
        done = vael("figures", "young", "--kind", "curves", cwd=desk)
        assert done.returncode == 0, done.stderr
        for words in (["figures", "young", "--kind", "samples"], ["report", "young"], ["figures", "young"]):
            done = vael(*words, cwd=desk)
            assert done.returncode == 2
            assert "still being trained and has written no weights yet" in done.stderr
            assert done.stderr.count("\n") == 1


def test_help_shows_every_kind_without_torch(desk: Path) -> None:
    from vael.views import ANIMATIONS, VIEWS

    shown = vael("figures", "--help", cwd=desk).stdout
    assert all(kind in shown for kind in VIEWS)
    assert all(kind in vael("animate", "--help", cwd=desk).stdout for kind in ANIMATIONS)
