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


def test_a_snapshot_knows_the_rate_of_each_dimension(make_run: Make) -> None:
    """The last one shows the weights that are kept: its rates are those of the embedded examples, sums of their own."""
    run = make_run("plane")
    last = run.snapshots.load()[-1]
    split = run.embed()
    weights = {path.name for path in (run.path / "checkpoints").iterdir()}
    assert any(f"{last.step:09d}" in name for name in weights)
    stddev, mean = split.stddev[last.embedded].astype(float), last.mean.astype(float)
    by_hand = (0.5 * (stddev**2 + mean**2 - 1) - np.log(stddev)).mean(0)  # KL of normals against the standard one
    np.testing.assert_allclose(last.rate_per_dim, by_hand, rtol=0.02, atol=1e-3)
    assert last.rate_per_dim.dtype == np.float32


@pytest.mark.parametrize("name", ["full", "autoencoder"])
def test_without_factorising_dimensions_the_rates_of_a_snapshot_are_nan(name: str, make_run: Make) -> None:
    run = make_run(name)
    for snapshot in run.snapshots.load():
        assert snapshot.rate_per_dim.shape == (run.recipe.model.latent_dim,)
        assert np.isnan(snapshot.rate_per_dim).all()


def test_a_snapshot_of_a_time_without_rates_is_read_with_nan(make_run: Make, tmp_path: Path) -> None:
    copy = vael.load(shutil.copytree(make_run("plane").path, tmp_path / "copy"))
    whole = copy.snapshots.load()
    for path in copy.snapshots.paths():
        with np.load(path) as arrays:
            kept = {name: arrays[name] for name in arrays.files if name != "rate_per_dim"}
        np.savez(path, **kept)
    old = copy.snapshots.load()
    assert np.isnan([snapshot.rate_per_dim for snapshot in old]).all()
    np.testing.assert_array_equal(old[-1].mean, whole[-1].mean)
    with pytest.raises(VaelError, match="needs snapshots with the rate of each dimension"):
        vael.draw(copy, "history")
    whole[-1].save(copy.snapshots.folder)  # resumed by a vael that keeps them: what is known is drawn
    assert vael.draw(copy, "history").get_suptitle().startswith(f"{whole[-1].rate_per_dim.sum():.1f} nats")


def test_snapshots_are_found_by_their_step(make_run: Make, tmp_path: Path) -> None:
    snapshots = make_run("plane").snapshots
    whole = snapshots.load()
    steps = snapshots.steps()
    assert steps == [snapshot.step for snapshot in whole]
    np.testing.assert_array_equal(snapshots.load_at(steps[2]).mean, whole[2].mean)
    history = snapshots.rate_history()
    assert history is not None
    assert history.steps.tolist() == steps
    np.testing.assert_allclose(history.epochs, [snapshot.epoch for snapshot in whole])
    np.testing.assert_array_equal(history.rate_per_dim, [snapshot.rate_per_dim for snapshot in whole])
    with pytest.raises(VaelError, match=f"no snapshot at step 99999 in .*: the closest is at step {steps[-1]}"):
        snapshots.load_at(99999)
    with pytest.raises(VaelError, match="there are none"):
        Snapshots(tmp_path).load_at(0)
    assert Snapshots(tmp_path).rate_history() is None


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
