"""Ex-post priors: a new run of the old weights, that everything else takes for any other run."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file

import vael
from vael.cli import main
from vael.errors import VaelError

QUICK: dict[str, Any] = {"training.epochs": 4, "training.batch_size": 256, "training.snapshots": 0}
SMALL = {"num_components": 5}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> vael.Run:
    return vael.train("digits", settings=QUICK, runs=tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def refitted(run: vael.Run) -> vael.Run:
    return run.refit_prior("gaussian-mixture", settings=SMALL)


def test_only_the_prior_changes(run: vael.Run, refitted: vael.Run) -> None:
    assert refitted.name == f"{run.name}-gaussian-mixture-1"
    assert refitted.path.parent == run.path.parent
    old, new = load_file(run.path / "model.safetensors"), load_file(refitted.path / "model.safetensors")
    assert {key for key in new if not key.startswith("prior.")} == set(old)
    assert all(new[key].equal(tensor) for key, tensor in old.items())
    assert refitted.recipe.model.prior.name == "gaussian-mixture"
    assert refitted.recipe.override({"model.prior": "standard-normal"}).model == run.recipe.model


def test_a_refitted_run_is_like_any_other(refitted: vael.Run) -> None:
    loaded = vael.load(refitted.path)
    results = loaded.info["results"]
    assert loaded.info["status"] == "finished"
    assert loaded.evaluate(num_samples=1).elbo_nats == results["elbo_nats"]
    assert loaded.sample(3).x.shape == (3, 1, 8, 8)
    assert (loaded.path / "figures" / "samples.png").stat().st_size > 100
    assert len(loaded.embed().mean) == 180
    assert vael.draw(loaded, "samples") is not None
    assert "prior gaussian-mixture fitted" in loaded.folder.log()[-1]


def test_the_held_out_density_and_the_rate_get_better_by_the_same(run: vael.Run, refitted: vael.Run) -> None:
    origin = refitted.info["refitted_from"]
    assert origin["run"] == run.name
    assert origin["num_examples"] + origin["num_held_out"] == len(run.data("train"))
    gain = origin["held_out_nats"] - origin["held_out_nats_before"]
    assert gain > 0
    rates = [each.evaluate("train", num_samples=8).rate_nats for each in (run, refitted)]
    assert rates[0] is not None
    assert rates[1] is not None
    assert rates[0] - rates[1] == pytest.approx(gain, abs=0.3)


@pytest.mark.parametrize(
    ("prior", "settings"),
    [
        ("flow", {"kind": "coupling", "hidden_features": [16], "transforms": 2}),
        ("kernel", {"num_components": 200}),
        ("second-stage", {"hidden_features": [16]}),
    ],
)
def test_every_kind_makes_a_run(run: vael.Run, prior: str, settings: dict[str, Any]) -> None:
    made = vael.refit_prior(run.path, prior, settings=settings, epochs=3, name=f"made-{prior}")
    assert made.name == f"made-{prior}"
    assert np.isfinite(made.info["results"]["elbo_nats"])
    assert vael.load(made.path).evaluate(num_samples=1).elbo_nats == made.info["results"]["elbo_nats"]


def test_an_autoencoder_is_sampled_from_the_fitted_prior(tmp_path: Path) -> None:
    settings = QUICK | {"model.posterior": "point", "objective": "autoencoder", "model.latent_dim": 3}
    plain = vael.train("digits", settings=settings, runs=tmp_path)
    made = plain.refit_prior("kernel", settings={"num_components": 500})
    codes, drawn = plain.embed("train").mean, made.sample(2000).z
    error = codes.std(0) / 2000**0.5
    assert (np.abs(drawn.mean(0) - codes.mean(0)) < 6 * error).all()
    assert made.info["results"]["elbo_nats"] is None
    origin = made.info["refitted_from"]
    assert origin["held_out_nats"] > origin["held_out_nats_before"]


@pytest.mark.parametrize(
    ("prior", "options", "words"),
    [
        ("mixture", {}, "did you mean 'gaussian-mixture'"),
        ("standard-normal", {}, "unknown prior to refit"),
        ("gaussian-mixture", {"settings": {"components": 3}}, "did you mean 'num_components'"),
        ("gaussian-mixture", {"settings": {"num_components": 100_000}}, "as many codes, got 1294"),
        ("gaussian-mixture", {"name": "../x"}, "name"),
        ("flow", {"epochs": 0}, "epochs"),
    ],
)
def test_what_cannot_be_done_is_refused_and_leaves_nothing(
    run: vael.Run, prior: str, options: dict[str, Any], words: str
) -> None:
    before = sorted(run.path.parent.iterdir())
    with pytest.raises(VaelError) as error:
        run.refit_prior(prior, **options)
    assert words in str(error.value)
    assert sorted(run.path.parent.iterdir()) == before


def test_a_name_that_is_taken_is_refused(run: vael.Run) -> None:
    with pytest.raises(VaelError, match="choose another --name"):
        run.refit_prior(name=run.name)


def test_a_refitted_run_is_not_resumed(refitted: vael.Run) -> None:
    with pytest.raises(VaelError, match="resume that and refit it"):
        vael.resume(refitted.path)


def test_a_run_with_labels_is_refused(tmp_path: Path) -> None:
    settings = QUICK | {"training.epochs": 1, "model.condition": "label"}
    labelled = vael.train("digits", settings=settings, runs=tmp_path)
    with pytest.raises(VaelError, match="expects a run without labels"):
        labelled.refit_prior()


def test_a_run_whose_data_are_gone_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    rows = np.random.default_rng(0).standard_normal((80, 3))
    table.write_text("a,b,c\n" + "\n".join(",".join(map(str, row)) for row in rows))
    made = vael.train(str(table), settings={"training.epochs": 1, "training.snapshots": 0}, runs=tmp_path / "runs")
    table.unlink()
    with pytest.raises(VaelError, match=r"table\.csv"):
        vael.refit_prior(made.path)


def test_the_command_says_what_it_reached(run: vael.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(run.path, tmp_path / "one")
    words = ["refit-prior", "one", "--runs", str(tmp_path), "--set", "num_components=4"]
    with pytest.raises(SystemExit):
        main(words)
    shown = capsys.readouterr().out
    assert "Log-density of 143 held-out codes" in shown
    assert "ELBO" in shown
    with pytest.raises(SystemExit):
        main([*words, "--name", "two", "--json"])
    made = json.loads(capsys.readouterr().out)
    origin = made["refitted_from"]
    assert origin["held_out_nats"] > origin["held_out_nats_before"]
    assert made["run"] == str(tmp_path / "two")
