"""Pictures of a training's moments, and how often data are read for them."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the studio needs fastapi: pip install 'vael[studio]'")

from vael.experiments import contents, load
from vael.runs import RunFolder
from vael.studio.moments import MAX_HELD, Moments
from vael.studio.shelf import Missing
from vael.views import ANIMATIONS


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the data sets that were read, one for each time."""
    read, seen = contents.read_data, []

    def counted(recipe: Any, *rest: Any, **options: Any) -> Any:
        seen.append(recipe.source)
        return read(recipe, *rest, **options)

    monkeypatch.setattr(contents, "read_data", counted)
    return seen


@pytest.mark.parametrize("kind", ANIMATIONS)
def test_a_moment_is_the_frame_of_the_animation(runs: Any, kind: str) -> None:
    run = load(runs.digits, runs=runs.root)
    snapshots = run.snapshots.load()
    chosen = [snapshots[3], snapshots[-1]]
    expected = next(ANIMATIONS[kind]().frames(run, chosen if kind == "embeddings" else chosen[:1], "dark"))
    drawn = Moments().draw(run.folder, chosen[0].step, kind, theme="dark")
    assert np.array_equal(drawn, expected)


def test_the_data_are_read_once_for_all_pictures(runs: Any, readings: list[str]) -> None:
    folder, moments = RunFolder.open(runs.root / runs.digits), Moments()
    for step in (0, 1):
        for kind in ANIMATIONS:
            moments.draw(folder, step, kind, theme="light")
    assert readings == ["digits"]


def test_a_run_whose_recipe_was_written_anew_is_opened_again(scratch: Path, readings: list[str]) -> None:
    folder, moments = RunFolder.open(scratch / "digits"), Moments()
    moments.draw(folder, 0, "reconstructions", theme="light")
    os.utime(folder.path / "recipe.toml", ns=(0, 10**18))
    moments.draw(folder, 0, "reconstructions", theme="light")
    assert len(readings) == 2
    assert len(moments._held) == 1


def test_few_runs_are_held(runs: Any) -> None:
    moments = Moments()
    for name in (runs.digits, runs.plane, runs.table):
        moments.draw(RunFolder.open(runs.root / name), 0, "samples", theme="light")
    assert len(moments._held) == MAX_HELD


def test_what_is_not_there_is_missing(runs: Any) -> None:
    folder = RunFolder.open(runs.root / runs.digits)
    with pytest.raises(Missing, match="there is no picture 'dreams'"):
        Moments().draw(folder, 0, "dreams", theme="light")
    with pytest.raises(Missing, match="no snapshot at step 999999"):
        Moments().draw(folder, 999999, "samples", theme="light")
