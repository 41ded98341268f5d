"""Animations from real snapshots."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

import vael
from vael.errors import VaelError
from vael.experiments.snapshots import Snapshot, Snapshots, affordable_embeddings, snapshot_steps
from vael.views import ANIMATIONS

Make = Callable[[str], vael.Run]


def read_frames(path: Path) -> list[np.ndarray]:
    with Image.open(path) as film:
        return [np.asarray(frame.convert("RGB"), int) for frame in ImageSequence.Iterator(film)]


@pytest.mark.parametrize("kind", ANIMATIONS)
@pytest.mark.parametrize("name", ["plane", "digits", "table"])
def test_every_animation_has_a_frame_a_snapshot(name: str, kind: str, make_run: Make, tmp_path: Path) -> None:
    run = make_run(name)
    path = vael.animate(run, kind, output=tmp_path / f"{kind}.gif")
    frames = read_frames(path)
    # equal neighbours may be merged by the format; the first and the last picture differ where there is learning
    assert 2 <= len(frames) <= len(run.snapshots.paths())
    assert np.abs(frames[0] - frames[-1]).mean() > 0.1


def test_the_early_part_is_the_first_tenth(make_run: Make, tmp_path: Path) -> None:
    run = vael.train(
        "digits",
        recipe="digits",
        settings={"training.epochs": 4, "training.batch_size": 32, "training.snapshots": 12},
        runs=tmp_path,
    )
    steps = [snapshot.step for snapshot in run.snapshots.load()]
    early = [step for step in steps if step <= 0.1 * steps[-1]]
    assert len(early) >= len(steps) // 2  # denser at the start
    path = vael.animate(run, "samples", early=True)
    assert path == run.path / "figures" / "samples-early.gif"
    assert len(read_frames(path)) == len(early)


@pytest.mark.parametrize(
    ("name", "kind", "options", "message"),
    [
        ("still", "samples", {}, r"has no snapshots: it was trained with training\.snapshots=0"),
        ("line", "manifold", {}, "has one latent dimension and no plane"),
        ("digits", "sample", {}, "did you mean 'samples'"),
        ("digits", "samples", {"format": "gfi"}, "did you mean 'gif'"),
        ("digits", "samples", {"output": Path("x.avi")}, r"ending in \.gif, \.webp or \.mp4, got 'x\.avi'"),
        ("digits", "samples", {"theme": "drak"}, "did you mean 'dark'"),
    ],
)
def test_an_animation_that_cannot_be_is_refused(
    name: str, kind: str, options: dict, message: str, make_run: Make
) -> None:
    with pytest.raises(VaelError, match=message) as caught:
        vael.animate(make_run(name), kind, **options)
    assert "\n" not in str(caught.value)


def test_mp4_without_ffmpeg_says_so(make_run: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(VaelError, match=r"needs ffmpeg.*\.gif or \.webp"):
        vael.animate(make_run("plane"), "samples", format="mp4")
    assert not list((make_run("plane").path / "figures").glob("*.mp4"))


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not on this machine")
def test_mp4_with_ffmpeg(make_run: Make, tmp_path: Path) -> None:
    path = vael.animate(make_run("plane"), "samples", output=tmp_path / "x.mp4")
    assert path.read_bytes()[4:8] == b"ftyp"


def test_the_closed_form_has_nothing_to_animate(vael_data: Path, tmp_path: Path) -> None:
    run = vael.train("mnist", recipe="pca", runs=tmp_path, data_root=vael_data, settings={"model.latent_dim": 2})
    with pytest.raises(VaelError, match="it was solved in closed form"):
        vael.animate(run, "samples")


def test_a_damaged_snapshot_is_named(make_run: Make, tmp_path: Path) -> None:
    run = make_run("plane")
    copy = vael.load(shutil.copytree(run.path, tmp_path / "copy"))
    path = copy.snapshots.paths()[2]
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(VaelError, match=rf"{path.name} is damaged"):
        vael.animate(copy, "samples")


def test_steps_are_a_geometric_series_with_both_ends() -> None:
    assert snapshot_steps(0, 5) == [0]
    assert snapshot_steps(100, 0) == []
    for total, count in ((1, 5), (7, 32), (4690, 32), (10**6, 40)):
        steps = snapshot_steps(total, count)
        assert steps == sorted(set(steps))
        assert steps[0] == 0
        assert steps[-1] == total
        assert len(steps) <= count
        late = np.array([step for step in steps if step > 50], float)
        if len(late) > 2:
            ratios = late[1:] / late[:-1]
            assert ratios.max() / ratios.min() < 1.1


def test_snapshots_of_a_resumed_training_are_those_of_the_uninterrupted_one(tmp_path: Path) -> None:
    from vael.experiments import prepare, reopen

    quick = {"training.epochs": 3, "training.batch_size": 64, "training.snapshots": 10}
    options = {"recipe": "digits", "settings": quick, "runs": tmp_path}
    whole = vael.train("digits", name="whole", **options)
    part = prepare("digits", name="part", **options)
    asked: list[int] = []
    part.should_stop = lambda: asked.append(1) or len(asked) > 30
    list(part.records())
    ahead = Snapshots(part.folder.path / "snapshots")
    shutil.copy(
        ahead.paths()[0], ahead.folder / "step_000000050.npz"
    )  # a killed process was further than its checkpoint
    list(reopen("part", runs=tmp_path).records())
    names = [path.name for path in whole.snapshots.paths()]
    assert [path.name for path in ahead.paths()] == names
    for mine, theirs in zip(ahead.load(), whole.snapshots.load(), strict=True):
        for name in Snapshot.__dataclass_fields__:
            np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name))


def test_snapshots_change_nothing_of_the_training(tmp_path: Path) -> None:
    files = []
    for count in (0, 12):
        quick = {"training.epochs": 2, "training.ema_decay": 0.9, "training.snapshots": count}
        run = vael.train("digits", recipe="digits", settings=quick, name=f"with-{count}", runs=tmp_path)
        files.append([(run.path / name).read_bytes() for name in ("metrics.jsonl", "model.safetensors")])
    assert files[0] == files[1]


def test_a_snapshot_embeds_what_the_training_can_afford(make_run: Make) -> None:
    model = make_run("digits").model
    budgets = [affordable_embeddings(model, examples_trained=n, num_snapshots=30) for n in (100, 600_000, 10**9)]
    assert budgets[0] == 100
    assert budgets[1] == 2 * 600 - 64 - 400  # 1 % of three passes an example, over 30 snapshots; two embeddings a pass
    assert budgets[2] == 1000
