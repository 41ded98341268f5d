"""`vael inspect`, and the verbs of a run that it is made of."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vael
from vael.cli import main
from vael.errors import VaelError

QUICK = {"training.epochs": 2, "training.batch_size": 256}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where a person has trained a run on images and saved one of them in colour."""
    folder = tmp_path_factory.mktemp("desk")
    run = vael.train("digits", settings=QUICK, runs=folder / "runs", name="images")
    raw = run.data().raw[3, 0].numpy()
    Image.fromarray(np.rint(raw * (255 / 16)).astype(np.uint8)).convert("RGB").save(folder / "digit.png")
    return folder


@pytest.fixture(scope="module")
def run(desk: Path) -> vael.Run:
    return vael.load(desk / "runs" / "images")


@pytest.fixture(scope="module")
def table(desk: Path) -> vael.Run:
    pytest.importorskip("pyarrow")
    rows = np.random.default_rng(0).normal([170, 70], [10, 8], (300, 2))
    with (desk / "people.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("height", "weight"), *rows.tolist()])
    settings = QUICK | {"model.latent_dim": 1}
    return vael.train(str(desk / "people.csv"), settings=settings, runs=desk / "runs", name="rows")


def printed(words: list[str], desk: Path, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as stop:
        main([*words, "--runs", str(desk / "runs")])
    assert stop.value.code in (0, None)
    return capsys.readouterr().out


def test_scores_and_projections_are_made_once(run: vael.Run) -> None:
    assert run.scores() is run.scores("test")
    assert run.scores("train") is not run.scores()
    assert len(run.scores("train").score_nats) == len(run.data("train"))
    assert run.project("pca") is run.project("pca", seed=0, split="test")
    assert run.project("pca", split="train") is not run.project("pca")
    assert len(run.project("pca").points) == 180


def test_examples_are_compared_with_the_others_of_their_split(run: vael.Run) -> None:
    found = run.inspect([3, -1], split="valid", num_neighbours=2)
    own = run.embed("valid").mean
    distances = np.linalg.norm(own[:, None] - own[[3, 179]], axis=2)
    distances[[3, 179], [0, 1]] = np.inf
    np.testing.assert_array_equal(found.neighbours.indices, np.argsort(distances, 0)[:2].T)
    np.testing.assert_allclose(found.score_nats, run.scores("valid").score_nats[[3, 179]], rtol=1e-5)
    same = run.neighbours(own[[3]], split="valid", num_neighbours=2, skip=3)
    np.testing.assert_array_equal(same.indices, found.neighbours.indices[:1])
    with pytest.raises(VaelError, match="expects 0 … 179, got 500"):
        run.inspect([500])


def test_a_picture_from_outside_is_the_example_it_shows(run: vael.Run, desk: Path) -> None:
    known, foreign = run.inspect([3]), run.inspect_file(desk / "digit.png")
    np.testing.assert_array_equal(foreign.x, known.x)
    np.testing.assert_allclose(foreign.score_nats, known.score_nats, rtol=1e-5)
    assert foreign.neighbours.indices[0, 0] == 3
    same = run.inspect_file((desk / "digit.png").read_bytes())
    np.testing.assert_array_equal(same.x, foreign.x)
    assert run.inspect_file(desk / "digit.png", invert=True).score_nats[0] > foreign.score_nats[0]
    with pytest.raises(VaelError, match=r"none.png cannot be read \(No such file or directory\)"):
        run.inspect_file(desk / "none.png")
    with pytest.raises(VaelError, match=r"people.txt is broken \(not an image\)"):
        run.examples_from(b"1,2", name="people.txt")


def test_rows_from_outside_stand_on_the_runs_scale(table: vael.Run) -> None:
    batch = table.examples_from(b"weight,height\n70,170\n78,180\n")
    np.testing.assert_allclose(table.in_file_units(batch.x.cpu().numpy()), [[170, 70], [180, 78]], rtol=1e-4)
    found = table.inspect(batch)
    assert found.percentile.shape == (2,)
    assert table.inspect_file(b"170,500\n").percentile[0] == 100


def test_examples_are_printed_with_their_neighbours(
    run: vael.Run, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = printed(["inspect", "images", "--examples", "3", "5", "--neighbours", "2"], desk, capsys)
    found, labels = run.inspect([3, 5], num_neighbours=2), run.labels()
    assert labels is not None
    for row in range(2):
        assert f"{found.score_nats[row]:.2f}" in shown
        other = found.neighbours.indices[row, 0]
        assert f"{other} ({labels[other]}) {found.neighbours.distances[row, 0]:.2f}" in shown
    assert "nearest" not in printed(["inspect", "images", "--neighbours", "0"], desk, capsys)


def test_json_holds_the_same(run: vael.Run, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = json.loads(printed(["inspect", "images", "--examples", "3", "--json", "--split", "test"], desk, capsys))
    assert (known["split"], len(known["examples"])) == ("test", 1)
    (example,), found = known["examples"], run.inspect([3])
    assert (example["example"], len(example["neighbours"]), len(example["z_mean"])) == (3, 8, 8)
    assert example["score_nats"] == pytest.approx(example["rate_nats"] + example["distortion_nats"])
    assert example["percentile"] == pytest.approx(found.percentile[0])
    foreign = json.loads(printed(["inspect", "images", str(desk / "digit.png"), "--json"], desk, capsys))
    assert foreign["examples"][0]["example"] is None
    assert foreign["examples"][0]["neighbours"][0]["example"] == 3


def test_a_table_is_inspected_by_its_rows(table: vael.Run, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = printed(["inspect", table.name, str(desk / "people.csv"), "--neighbours", "1", "--json"], desk, capsys)
    assert len(json.loads(shown)["examples"]) == 300


def test_an_autoencoders_rate_is_no_number_and_its_score_is_its_distortion(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = QUICK | {"model.posterior": "point", "objective": "autoencoder", "training.epochs": 1}
    vael.train("digits", settings=settings, runs=tmp_path / "runs", name="plain")
    (example,) = json.loads(printed(["inspect", "plain", "--examples", "0", "--json"], tmp_path, capsys))["examples"]
    assert example["rate_nats"] is None
    assert example["score_nats"] == example["distortion_nats"]


MISTAKES = {
    "both": (["digit.png", "--examples", "1"], "expects a file or --examples, got both"),
    "no-file": (["none.png"], "none.png cannot be read"),
    "no-example": (["--examples", "180"], "an example's number expects 0 … 179, got 180"),
    "no-split": (["--split", "tset"], "did you mean 'test'"),
    "negative": (["--neighbours", "-1"], "num_neighbours ≥ 1"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_one_line(
    case: str, run: vael.Run, desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words, message = MISTAKES[case]
    monkeypatch.chdir(desk)
    with pytest.raises(SystemExit) as stop:
        main(["inspect", run.name, *words])
    printed = capsys.readouterr().err
    assert (stop.value.code, len(printed.splitlines())) == (2, 1)
    assert message in printed
