from pathlib import Path

import numpy as np
import pytest

from vael import data
from vael.errors import VaelError

GENERATOR = np.random.default_rng(0)
GREY = GENERATOR.integers(0, 256, (20, 6, 5), np.uint8)
COLOR = GENERATOR.integers(0, 256, (20, 3, 6, 5), np.uint8)
ROWS = GENERATOR.normal(3, 2, (20, 4))


def saved(folder: Path, **arrays: np.ndarray) -> str:
    path = folder / "file.npz"
    np.savez(path, allow_pickle=False, **arrays)
    return str(path)


def whole(spec: str) -> data.Dataset:
    return data.load(spec, valid_fraction=0.0, test_fraction=0.0)


@pytest.mark.parametrize(
    ("array", "shape", "num_levels"),
    [
        (GREY, (1, 6, 5), 256),
        (GREY.astype(np.int64), (1, 6, 5), 256),
        (COLOR, (3, 6, 5), 256),
        (COLOR.transpose(0, 2, 3, 1), (3, 6, 5), 256),
        (GREY[..., None], (1, 6, 5), 256),
        (GREY > 100, (1, 6, 5), 2),
        ((GREY > 100).astype(np.float32), (1, 6, 5), 2),
        (GREY.astype(np.float64), (1, 6, 5), 256),
        (GREY / 255, (1, 6, 5), 256),
        ((GREY / 255).astype(np.float32), (1, 6, 5), 256),
        ((GREY / 255).astype(np.float16), (1, 6, 5), 256),
        (ROWS, (4,), 0),
        (ROWS.astype(np.float32), (4,), 0),
        (GREY[:, 0], (5,), 0),
        (GREY[:, 0] > 100, (5,), 2),
        ((ROWS > 3).astype(float), (4,), 0),
    ],
)
def test_domains(tmp_path: Path, array: np.ndarray, shape: tuple[int, ...], num_levels: int) -> None:
    path = tmp_path / "file.npy"
    np.save(path, array)
    found = data.load(str(path))
    assert found.shape == shape
    assert found.num_levels == num_levels
    assert found.splits["train"].x.dtype == (np.uint8 if num_levels else np.float32)


def test_disguised_pixels_come_back_exactly(tmp_path: Path) -> None:
    every = np.arange(256, dtype=np.uint8).reshape(16, 4, 4)
    for kind in (np.float16, np.float32, np.float64):
        np.save(tmp_path / "file.npy", (every / 255).astype(kind))
        x = whole(str(tmp_path / "file.npy")).splits["train"].x
        assert sorted(x.reshape(-1).tolist()) == list(range(256))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (GENERATOR.random((9, 4, 4)), "between the levels"),
        (GREY.astype(float) - 1, r"pixels from 0 to 255, got \[-1"),
        (GREY.astype(int) * 2, "pixels from 0 to 255"),
        (np.where(GREY > 9, np.nan, 1.0), "NaN or infinite"),
        (np.array([[1.0, np.inf], [2.0, 3.0]]), "holds 1 NaN or infinite values of 4"),
        (GREY.reshape(20, 2, 3, 5), "1 or 3 channels"),
        (GREY[:, None, :, :1], "1 or 3 channels"),
        (np.zeros((3, 1, 2, 2, 2)), "channels"),
        (np.zeros((0, 3)), "without values"),
        (np.array(["a", "b"]), "expects numbers"),
        (np.zeros((4, 3), complex), "expects numbers"),
        (np.zeros(5), r"expects .*\(N, H, W\)"),
    ],
)
def test_values_outside_the_rules(tmp_path: Path, array: np.ndarray, message: str) -> None:
    path = tmp_path / "file.npy"
    np.save(path, array)
    with pytest.raises(VaelError, match=message) as caught:
        data.load(f"array:{path}")
    assert str(path) in str(caught.value)


def test_labels_follow(tmp_path: Path) -> None:
    labels = np.array([7, 3] * 10)
    spec = saved(tmp_path, X=ROWS, y=labels)
    found = data.load(spec)
    assert found.classes == ("3", "7")
    assert found.columns == ("column_1", "column_2", "column_3", "column_4")
    for split in found.splits.values():
        assert split.labels is not None
        rows = data.destandardise(split.x, found.facts)
        for row, label in zip(rows, split.labels, strict=True):
            place = np.abs(ROWS - row).sum(axis=1).argmin()
            assert found.classes[label] == str(labels[place])


def test_keys(tmp_path: Path) -> None:
    spec = saved(tmp_path, first=GREY, second=COLOR)
    with pytest.raises(VaelError, match="holds the arrays first, second: say which one"):
        data.load(spec)
    assert data.load(f"array:{spec}:second").shape == (3, 6, 5)
    assert data.load(f"{spec}:first").shape == (1, 6, 5)
    with pytest.raises(VaelError, match="did you mean 'second'"):
        data.load(f"{spec}:secnd")
    np.save(tmp_path / "one.npy", GREY)
    with pytest.raises(VaelError, match="leave ':x' out"):
        data.load(f"{tmp_path / 'one.npy'}:x")


def test_own_splits(tmp_path: Path) -> None:
    labels = np.arange(20)
    found = data.load(saved(tmp_path, x_train=GREY, y_train=labels, x_test=GREY[:5], y_test=labels[:5]))
    assert {name: len(split) for name, split in found.splits.items()} == {"train": 20, "test": 5}
    assert found.splits["test"].labels is not None
    assert found.splits["test"].labels.tolist() == [0, 1, 2, 3, 4]


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    path = tmp_path / "file.npy"
    np.save(path, np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(VaelError, match="never loaded"):
        data.load(str(path))


@pytest.mark.parametrize("ending", ["npy", "npz"])
def test_broken_files_are_named(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"file.{ending}"
    (np.save if ending == "npy" else np.savez_compressed)(path, GREY)
    good = path.read_bytes()
    for content in (good[:-100], good[:5], b"", b"hello", good[:90] + bytes(60) + good[150:-150] + bytes(150)):
        path.write_bytes(content)
        with pytest.raises(VaelError, match="is not a whole NumPy file") as caught:
            data.load(str(path))
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_size_and_color_apply(tmp_path: Path) -> None:
    np.save(tmp_path / "file.npy", COLOR)
    found = data.load(str(tmp_path / "file.npy"), size=(3, 8), color="grey")
    assert found.shape == (1, 3, 8)
    np.save(tmp_path / "rows.npy", ROWS)
    with pytest.raises(VaelError, match="expect images, got a table"):
        data.load(str(tmp_path / "rows.npy"), size=3)


def test_grey_is_luma_and_binary_stays_binary(tmp_path: Path) -> None:
    np.save(tmp_path / "file.npy", COLOR)
    grey = data.load(str(tmp_path / "file.npy"), color="grey", valid_fraction=0.0, test_fraction=0.0).splits["train"].x
    color = whole(str(tmp_path / "file.npy")).splits["train"].x
    expected = 0.299 * color[:, 0] + 0.587 * color[:, 1] + 0.114 * color[:, 2]
    assert np.abs(grey[:, 0] - expected).max() <= 0.5 + 1e-9
    np.save(tmp_path / "bits.npy", GREY > 100)
    bits = data.load(str(tmp_path / "bits.npy"), size=9)
    assert set(np.unique(bits.splits["train"].x)) == {0, 1}


def test_real_arrays(vael_data: Path) -> None:
    faces = data.load(str(vael_data / "faces" / "orl_faces.npz"))
    assert faces.shape == (1, 112, 92)
    assert len(faces.classes) == 40
    tables = sorted((vael_data / "anomaly").glob("*.npz"))
    assert len(tables) == 20
    for path in tables:
        table = data.load(f"array:{path}")
        assert table.num_levels == 0
        assert table.classes == ("0", "1")
        assert np.allclose(table.splits["train"].x.mean(axis=0), 0, atol=1e-4)
