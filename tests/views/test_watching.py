"""What is said of a training from its records alone: true to the numbers, at the right time, whatever they hold."""

import json
import math
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

import vael
from vael.posteriors import POSTERIORS
from vael.runs import RunFolder
from vael.views import watch, watch_folder
from vael.views.report.findings import find
from vael.views.watching import WITHOUT_DENSITY, Finding, Kind, _slope

Make = Callable[[str], vael.Run]
Record = dict[str, Any]


def training(
    rates: Sequence[float], *, betas: Sequence[float] | float = 1.0, bounds: Sequence[float] | None = None
) -> list[Record]:
    """Make the records of a training: one of the training and one of the validation examples an epoch."""
    records: list[Record] = []
    for i, rate in enumerate(rates):
        head = {"epoch": i + 1, "step": 100 * (i + 1), "rate_nats": rate, "distortion_nats": 90.0}
        bound = -90.0 - rate if bounds is None else bounds[i]
        beta = betas if isinstance(betas, (int, float)) else betas[i]
        records.append({"split": "train", **head, "elbo_nats": bound + 0.1 * (i + 1), "loss": -bound, "beta": beta})
        records.append({"split": "valid", **head, "elbo_nats": bound})
    return records


def judge(records: Sequence[Record], *, status: str = "running", has_rate: bool = True) -> dict[str, Finding]:
    """Return the findings by kind; each kind once."""
    found = watch(records, name="basic-1", status=status, has_rate=has_rate)
    assert len({finding.kind for finding in found}) == len(found)
    assert all(finding.kind in get_args(Kind) for finding in found)
    return {finding.kind: finding for finding in found}


def first_epoch(records: Sequence[Record], kind: str) -> int | None:
    """Return the epoch after whose records a running training is first said to be so."""
    return next((n // 2 for n in range(2, len(records) + 1, 2) if kind in judge(records[:n])), None)


def test_a_collapse_is_said_as_soon_as_it_shows() -> None:
    collapsed = training([0.4, 0.1, *[0.001] * 12])
    assert first_epoch(collapsed, "collapse") == 5
    fallen = training([20.0, 19, 18, 17, 16, 15, 0.2])
    assert first_epoch(fallen, "collapse") == 7
    found = judge(fallen)["collapse"]
    assert found.tone == "warning"
    assert found.text.startswith("The rate is 0.20 nats: the latent says next to nothing")


def test_a_training_that_wakes_up_late_is_not_called_collapsed() -> None:
    """The first held-out rates of the recipe `digits` at seed 3, measured."""
    assert first_epoch(training([0.051, 0.020, 0.012, 0.032, 0.106, 0.183, 0.294, 0.939, 1.060]), "collapse") is None


def test_a_warm_up_is_given_time_until_beta_stands_still() -> None:
    betas = [0.1 * min(epoch, 7) for epoch in range(1, 15)]
    assert first_epoch(training([0.01] * 14, betas=betas), "collapse") == 8  # the first epoch with the last one's β
    endless = [0.01 * epoch for epoch in range(1, 15)]
    assert first_epoch(training([0.01] * 14, betas=endless), "collapse") == 10


def test_the_held_out_rate_counts_and_without_one_that_of_the_training() -> None:
    records = training([9.0] * 6)
    records[-1]["rate_nats"] = 0.1
    assert "collapse" in judge(records)
    alone = [record for record in training([9.0] * 5 + [0.1]) if record["split"] == "train"]
    assert "0.10 nats" in judge(alone)["collapse"].text


def test_a_finished_training_is_judged_as_it_ended() -> None:
    assert "collapse" in judge(training([0.01, 0.02, 0.08]), status="finished")
    assert "collapse" not in judge(training([0.01, 0.02, 0.8]), status="finished")


def test_a_rate_that_falls_towards_nothing_is_noted_before_it_is_there() -> None:
    records = training([9.0, 9.0, 8.0, 6.0, 4.0, 2.0])
    assert first_epoch(records, "falling-rate") == 5  # 4 − 4 · 2 < 0.5; three falls in a row
    found = judge(records)["falling-rate"]
    assert found.tone == "note"
    assert "from 8.00 to 2.00 nats" in found.text
    slow = training([40.0, 30.0, 25.0, 22.0, 20.5, 19.8])  # a warm-up of β
    assert first_epoch(slow, "falling-rate") is None
    assert first_epoch(training([9.0, 8.0, 6.0, 6.1, 4.0, 2.0]), "falling-rate") is None


@pytest.mark.parametrize(("value", "word"), [(math.nan, "nan"), (math.inf, "inf"), (-math.inf, "−?-?inf")])
@pytest.mark.parametrize("split", [0, 1])
def test_a_number_that_is_none_is_a_warning_with_its_place(value: float, word: str, split: int) -> None:
    records = training([9.0] * 6)
    records[-2 + split]["distortion_nats"] = value
    found = judge(records)["nonfinite"]
    assert found.tone == "warning"
    name = ("train", "valid")[split]
    assert re.match(rf"distortion_nats is {word} in the {name} record at step 600\. Try a smaller ", found.text)
    records[-2 + split]["distortion_nats"] = 90.0
    records[-4 + split]["distortion_nats"] = value  # it got over it
    assert "nonfinite" not in judge(records)


def test_a_failed_training_gives_its_reason_and_what_to_try() -> None:
    reason = "loss is not finite at step 7: the last checkpoint is kept; try a smaller training.learning_rate"
    (found,) = watch([], name="basic-1", status="failed", has_rate=True, reason=reason)
    assert (found.kind, found.tone) == ("nonfinite", "warning")
    assert reason in found.text
    assert "resume" not in found.text  # it would end the same way
    (silent,) = watch([], name="basic-1", status="failed", has_rate=True)
    assert "training.gradient_clip=1" in silent.text


@pytest.mark.parametrize("status", ["interrupted", "killed"])
def test_a_training_that_stands_still_says_how_to_go_on(status: str) -> None:
    found = judge(training([9.0] * 20), status=status)["state"]
    assert found == Finding(
        "warning",
        f"The training is {status}",
        "It stands at step 2,000. Go on with: vael resume basic-1",
        "state",
    )
    assert judge([], status="running")["state"].tone == "note"
    assert "state" not in judge([], status="finished")


def test_over_fitting_a_gap_and_neither() -> None:
    rates = [9.0] * 6
    falling = judge(training(rates, bounds=[-120, -100, -104, -109, -112, -115]))
    assert "fit" in falling  # the training bound falls with it: β rises, say
    assert "overfitting" not in falling
    records = training(rates, bounds=[-120, -100, -104, -109, -112, -115])
    for record, bound in zip(records[::2], [-120, -100, -98, -96, -94, -92], strict=True):
        record["elbo_nats"] = bound
    found = judge(records)["overfitting"]
    assert "best after epoch 2 (−100.00 nats) and has fallen by 15.00 since" in found.text
    assert "The weights kept are those of epoch 2." in found.text
    assert "overfitting" not in judge(records[:8])  # two epochs since the best
    for record in records[1::2]:
        record["split"] = "test"  # which chooses nothing
    assert "The last ones are kept." in judge(records)["overfitting"].text
    good = judge(training(rates, bounds=[-120, -110, -105, -102, -101, -100]))["fit"]
    assert (good.tone, good.title) == ("good", "No over-fitting")
    assert good.text == "−99.40 nats in training, −100.00 on valid."


def test_a_record_of_half_an_epoch_is_not_compared_with_the_epoch_before() -> None:
    records = training([9.0] * 4, bounds=[-120, -110, -105, -102])
    records.append({**records[-2], "epoch": 5, "step": 450, "elbo_nats": -10.0})
    assert judge(records)["fit"].text.startswith("−101.60 nats in training")


def test_convergence_is_judged_at_the_end() -> None:
    records = training([9.0] * 5, bounds=[-140, -130, -120, -110, -100])
    assert "unconverged" not in judge(records)
    text = judge(records, status="finished")["unconverged"].text
    assert "the valid bound still gained 10.00 nats an epoch" in text
    assert text.endswith("vael resume basic-1 --epochs 10")
    flat = training([9.0] * 5, bounds=[-140, -100.1, -100, -100.1, -100])
    assert "unconverged" not in judge(flat, status="finished")


def test_a_plain_autoencoder_is_judged_by_its_distortion_alone() -> None:
    records = training([0.0] * 12, betas=0.0, bounds=[-200 + 5.0 * i for i in range(12)])
    found = judge(records, status="finished", has_rate=False)
    assert set(found) == {"autoencoder", "unconverged"}
    assert "distortion still fell by 5.00 nats an epoch" in found["unconverged"].text


@pytest.mark.parametrize("seed", range(4))
def test_the_slope_is_that_of_least_squares(seed: int) -> None:
    chance = np.random.default_rng(seed)
    x, y = np.sort(chance.choice(50, 4, replace=False)), chance.normal(size=4)
    assert _slope(x.tolist(), y.tolist()) == pytest.approx(float(np.polyfit(x, y, 1)[0]))


@pytest.mark.parametrize("seed", range(30))
def test_whatever_the_records_hold_it_answers(seed: int) -> None:
    """Keys that are missing, numbers that are none, words and nothing where numbers should be."""
    chance = random.Random(seed)
    records = training([chance.uniform(0, 9) for _ in range(12)])
    for record in records:
        for key in list(record):
            if chance.random() < 0.2:
                record[key] = chance.choice([math.nan, math.inf, -math.inf, None, "word", -1, 1e308])
            elif chance.random() < 0.1:
                del record[key]
    for count in range(len(records) + 1):
        for status in ("running", "finished", "interrupted", "killed", "failed", "unknown"):
            for has_rate in (True, False):
                for finding in watch(records[:count], name="x", status=status, has_rate=has_rate):
                    assert finding.title
                    assert finding.text.endswith((".", "x", *"0123456789"))
    assert watch([{}, {}], name="x", status="finished", has_rate=True) == []


def test_ten_thousand_records_are_judged_at_once() -> None:
    """4 ms where it was written; the bound is what a slow machine may take, and far below anything quadratic."""
    records = training([9.0] * 5000)
    times = []
    for _ in range(5):
        began = time.perf_counter()
        watch(records, name="x", status="finished", has_rate=True)
        times.append(time.perf_counter() - began)
    assert min(times) < 0.04


def test_watching_loads_no_torch() -> None:
    code = "import sys, vael.views, vael.views.watching, vael.views.look; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"


def test_vael_show_prints_warnings_and_notes_without_torch(make_run: Make) -> None:
    path = str(make_run("autoencoder").path)
    said = "import atexit, sys; atexit.register(lambda: print('torch' in sys.modules))"
    code = f"{said}; from vael.cli import main; main(['show', {path!r}])"
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert "\nA plain autoencoder\nIt has no rate and no bound. " in shown
    assert "No over-fitting" not in shown
    assert shown.endswith("False\n")


def test_the_names_of_the_room_are_functions_and_not_the_files_they_live_in() -> None:
    import vael.views.drawing
    import vael.views.report.page
    from vael import views

    assert all(callable(getattr(views, name)) for name in views.__all__ if name.islower())
    assert callable(vael.report)
    with pytest.raises(AttributeError, match=r"'vael\.views' has no attribute 'drew'"):
        views.drew  # noqa: B018


def test_the_posterior_without_density_is_the_one_it_is_taken_for() -> None:
    assert [name for name, kind in POSTERIORS.items() if not kind.has_density] == [WITHOUT_DENSITY]


@pytest.mark.parametrize("name", ["digits", "autoencoder", "still"])
def test_the_report_says_what_the_records_say(name: str, make_run: Make) -> None:
    run = make_run(name)
    said = find(run, run.evaluate(num_samples=1))
    seen = [finding for finding in watch_folder(run.folder) if finding.kind not in ("collapse", "falling-rate")]
    assert [finding for finding in said if finding in seen] == seen
    order = [get_args(Kind).index(finding.kind) for finding in said]
    assert order == sorted(order)


def test_a_folder_is_watched_from_its_first_moment(make_run: Make, tmp_path: Path) -> None:
    """With a recipe and nothing else, and with a last line half written."""
    source = make_run("digits").path
    folder = tmp_path / "young"
    folder.mkdir()
    (folder / "recipe.toml").write_bytes((source / "recipe.toml").read_bytes())
    info = json.loads((source / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(info | {"status": "interrupted"}))
    (only,) = watch_folder(RunFolder(folder))
    assert only.text == "It stands at step 0. Go on with: vael resume young"
    (folder / "metrics.jsonl").write_bytes((source / "metrics.jsonl").read_bytes()[:-20])
    assert "No over-fitting" in {finding.title for finding in watch_folder(RunFolder(folder))}
