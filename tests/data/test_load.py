import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vael import data
from vael.errors import VaelError


def test_import_is_cheap() -> None:
    code = (
        "import sys, vael.data; print([m for m in ('torch', 'PIL', 'pyarrow', 'sklearn', 'pooch') if m in sys.modules])"
    )
    if "import torch" in Path(sys.modules["vael"].__file__ or "").read_text(encoding="utf-8"):
        pytest.skip("vael itself imports torch")
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_digits_have_seventeen_levels_and_a_seeded_split() -> None:
    digits = data.load("digits")
    assert digits.shape == (1, 8, 8)
    assert digits.num_levels == 17
    assert {name: len(split) for name, split in digits.splits.items()} == {"train": 1437, "valid": 180, "test": 180}
    assert digits.splits["train"].x.dtype == np.uint8
    assert digits.splits["train"].x.max() == 16
    again, other = data.load("digits"), data.load("digits", split_seed=1)
    assert digits.fingerprint() == again.fingerprint() != other.fingerprint()


def test_fingerprint_is_stable_across_versions() -> None:
    assert data.load("digits").fingerprint() == FINGERPRINT_OF_DIGITS


FINGERPRINT_OF_DIGITS = "8b00fc7ceeb045a5832e28ed228e258f"


def test_mnist_as_published(vael_data: Path) -> None:
    mnist = data.load("mnist", root=vael_data)
    train = mnist.splits["train"]
    assert list(mnist.splits) == ["train", "test"]
    assert train.x.shape == (60000, 1, 28, 28)
    assert train.x.flags.writeable
    assert train.labels is not None
    assert train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert mnist.splits["test"].x.mean() == pytest.approx(33.7912, abs=1e-4)


def test_binarized_mnist_as_published(vael_data: Path) -> None:
    binary = data.load("binarized-mnist", root=vael_data)
    assert {name: len(split) for name, split in binary.splits.items()} == {
        "train": 50000,
        "valid": 10000,
        "test": 10000,
    }
    assert binary.num_levels == 2
    probability = binary.splits["train"].x.mean(axis=0).clip(1e-4, 1 - 1e-4)
    x = binary.splits["test"].x
    nll = -(x * np.log(probability) + (1 - x) * np.log(1 - probability)).sum(axis=(1, 2, 3)).mean()
    assert nll == pytest.approx(205.79, abs=0.2)  # independent pixels, as the data's own notes say


def test_environment_and_cache_are_searched(vael_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAEL_DATA", str(vael_data))
    where = {entry.name: entry.where for entry in data.describe()}
    assert where["mnist"] == str(vael_data / "mnist")
    assert where["fashion-mnist"] is None
    assert where["digits"]
    assert str(where["cifar10"]).endswith(".zip")
    assert all(entry.summary and "\n" not in entry.summary for entry in data.describe())


def test_size_and_color_of_arrays_in_memory() -> None:
    digits = data.load("digits", size=(5, 7), color="rgb")
    assert digits.shape == (3, 5, 7)
    assert digits.splits["train"].x.max() <= 16
    assert data.load("digits", size=11).shape == (1, 11, 11)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("mnits", "did you mean 'mnist'"),
        ("picture:foo", "unknown data set 'picture'"),
        ("mnist:foo", "takes no path"),
        ("images", "write images:PATH"),
        ("no/where", "no file or folder no/where"),
        ("nowhere.csv", "no file nowhere.csv"),
        ("array:nowhere.npy", "no file nowhere.npy"),
        ("table:nowhere.parquet", "no file nowhere.parquet"),
        ("images:nowhere", "no folder or zip of images at nowhere"),
    ],
)
def test_unknown_names(spec: str, message: str) -> None:
    with pytest.raises(VaelError, match=message) as caught:
        data.load(spec, download=False)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [0, -1, (1, 2, 3), (3, 0), True, (2.5, 2)])
def test_bad_sizes(size: int) -> None:
    with pytest.raises(VaelError, match="size expects"):
        data.load("digits", size=size)


def test_bad_color_and_root(tmp_path: Path) -> None:
    with pytest.raises(VaelError, match="did you mean 'grey'"):
        data.load("digits", color="gray")
    with pytest.raises(VaelError, match="data root expects a folder"):
        data.load("digits", root=tmp_path / "absent")


def test_a_file_of_an_unknown_kind(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    with pytest.raises(VaelError, match="no data that is known"):
        data.load(str(path))


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "binarized-mnist", "cifar10", "celeba"])
def test_absent_data_name_files_places_and_home(name: str, tmp_path: Path) -> None:
    with pytest.raises(VaelError) as caught:
        data.load(name, root=tmp_path, download=False)
    message = str(caught.value)
    assert "\n" not in message
    assert str(tmp_path) in message
    assert "http" in message
    assert any(word in message for word in ("train-images", ".amat", "cifar-10-binary", "img_align_celeba"))
