"""`vael evaluate --with` and `vael compare`, as a person types them."""

import json
from pathlib import Path

import pytest

from vael.cli import main


def run(*words: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert not stopped.value.code


def ok(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    run(*words)
    return capsys.readouterr().out


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two trainings of one data set, a longer and a shorter, and one of another treatment."""
    folder = tmp_path_factory.mktemp("desk")
    quick = ["--set", "training.epochs=2", "--set", "training.batch_size=256", "--set", "training.snapshots=0"]
    more = {
        "long": ["--set", "training.epochs=12"],
        "short": [],
        "grey": ["--set", "data.treatment=grey", "--set", "model.likelihood=bernoulli"],
    }
    for name, words in more.items():
        run("train", "digits", *quick, *words, "--name", name, "--runs", str(folder))
    return folder


@pytest.fixture(autouse=True)
def at_the_desk(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAEL_RUNS", str(desk))


def test_measures_are_added_to_the_bounds(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    words = ["evaluate", "short", "--num-samples", "2", "--with", "layers,overfit,information,representations"]
    numbers = json.loads(ok(capsys, *words, "--json"))
    assert {"elbo_nats", "layers", "overfit", "information", "representations"} <= numbers.keys()
    assert numbers["layers"]["num_examples"] == 180
    assert numbers["representations"]["num_train"] == 1437
    shown = ok(capsys, *words)
    assert all(part in shown for part in ("ELBO", "active units", "train better by", "I(x; z)", "linear probe"))


def test_measures_that_make_no_sense_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", "short", "--num-samples", "1", "--with", "disentanglement"])
    assert stopped.value.code == 2
    assert "data set 'shapes'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["evaluate", "short", "--num-samples", "1", "--with", "layer"])
    assert "did you mean 'layers'?" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["evaluate", "short", "--num-samples", "1", "--with", "samples", "--inception", "weights.pth"])
    assert "weights.pth is a pickle" in capsys.readouterr().err


def test_runs_are_compared_the_best_first(capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    numbers = json.loads(ok(capsys, "compare", "short", "long", "--num-samples", "8", "--json"))
    assert [row["name"] for row in numbers["standings"]] == ["long", "short"]
    (pair,) = numbers["pairs"]
    means = {row["name"]: row["nll_nats"] for row in numbers["standings"]}
    assert pair["difference_nats"] == pytest.approx(means["short"] - means["long"])
    assert pair["is_significant"]
    shown = ok(capsys, "compare", "short", "long", "--num-samples", "8")
    assert "long over short" in shown
    assert "larger than chance" in shown


@pytest.mark.parametrize(
    ("others", "words"), [(["grey"], "no density"), ([], "two runs or more"), (["short"], "each once")]
)
def test_runs_that_do_not_compare_are_refused(
    others: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["compare", "short", *others])
    assert stopped.value.code == 2
    assert words in capsys.readouterr().err
