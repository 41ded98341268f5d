import io
import struct
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vael import data
from vael.data import cifar10
from vael.data.pickled import read_batch
from vael.errors import VaelError

NAMES = (*cifar10.TRAIN, *cifar10.TEST)


def batch(seed: int, count: int = 20) -> tuple[np.ndarray, list[int]]:
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (count, 3072), np.uint8), [int(y) for y in generator.integers(0, 10, count)]


def records(pixels: np.ndarray, labels: Sequence[int]) -> bytes:
    return np.concatenate([np.array(labels, np.uint8)[:, None], pixels], axis=1).tobytes()


def short(text: bytes) -> bytes:
    """SHORT_BINSTRING, the string of Python 2."""
    return b"U" + struct.pack("B", len(text)) + text


def pickled(pixels: np.ndarray, labels: Sequence[int], *, labels_first: bool = False) -> bytes:
    """Write a batch by hand as Python 2's protocol 2 did: an array rebuilt from a BINSTRING, a list of BININT1."""
    raw = pixels.tobytes()
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85q\x03U\x01bq\x04\x87Rq\x05("
        + b"K\x01M" + struct.pack("<H", len(pixels)) + b"M\x00\x0c\x86q\x06"
        + b"cnumpy\ndtype\nq\x07U\x02u1q\x08K\x00K\x01\x87Rq\x09"
        + b"(K\x03U\x01|q\x0aNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        + b"T" + struct.pack("<I", len(raw)) + raw + b"q\x0btb"
    )  # fmt: skip
    numbers = b"]q\x0c(" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    names = b"]q\x0d(" + short(b"a_s_000001.png") + short(b"labels_of.png") + b"e"
    pairs = [short(b"data") + array, short(b"labels") + numbers]
    pairs = pairs[::-1] if labels_first else pairs
    tail = short(b"batch_label") + short(b"training batch 1 of 5") + short(b"filenames") + names
    return b"\x80\x02}q\x00(" + b"".join(pairs) + tail + b"u."


def write_folder(folder: Path, kind: str) -> Path:
    folder.mkdir(parents=True)
    for seed, name in enumerate(NAMES):
        content = records(*batch(seed)) if kind == "bin" else pickled(*batch(seed))
        (folder / (f"{name}.bin" if kind == "bin" else name)).write_bytes(content)
    return folder


def tarred(folder: Path, path: Path) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, arcname=folder.name)
    return path


@pytest.mark.parametrize("labels_first", [False, True])
def test_pickles_are_read_without_running_them(labels_first: bool) -> None:
    pixels, labels = batch(0)
    found_pixels, found_labels = read_batch(pickled(pixels, labels, labels_first=labels_first))
    assert found_pixels == pixels.tobytes()
    assert found_labels == labels


def test_a_malicious_pickle_runs_nothing(tmp_path: Path) -> None:
    content = f"cos\nsystem\n(S'touch {tmp_path}/owned'\ntR.".encode()
    with pytest.raises(VaelError, match=r"data .* and labels"):
        read_batch(content)
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("content", [b"", b"hello", pickled(*batch(0))[:500]])
def test_foreign_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(VaelError, match="not a whole pickle"):
        read_batch(content)


@pytest.mark.parametrize("kind", ["bin", "py"])
@pytest.mark.parametrize("packed", [False, True])
def test_own_forms_agree(tmp_path: Path, kind: str, packed: bool) -> None:
    folder = write_folder(tmp_path / "made" / f"cifar-10-batches-{kind}", kind)
    root = tmp_path / "root"
    (root / "cifar10").mkdir(parents=True)
    if packed:
        tarred(folder, root / "cifar10" / f"cifar-10-{'binary' if kind == 'bin' else 'python'}.tar.gz")
    else:
        folder.rename(root / folder.name)
    found = data.load("cifar10", root=root, download=False)
    assert found.shape == (3, 32, 32)
    assert {name: len(split) for name, split in found.splits.items()} == {"train": 100, "test": 20}
    pixels, labels = batch(5)
    assert np.array_equal(found.splits["test"].x.reshape(20, -1), pixels)
    assert found.splits["test"].labels is not None
    assert found.splits["test"].labels.tolist() == labels
    assert found.facts["form"] == ("binary version" if kind == "bin" else "python batches")


def test_the_root_may_be_the_folder_itself(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "cifar-10-batches-py", "py")
    assert data.load("cifar10", root=folder, download=False).shape == (3, 32, 32)


def test_folders_of_images(tmp_path: Path) -> None:
    for number, label in enumerate(cifar10.CLASSES):
        for split in ("train", "test"):
            folder = tmp_path / "cifar10" / split / label
            folder.mkdir(parents=True)
            Image.fromarray(batch(number)[0][0].reshape(3, 32, 32).transpose(1, 2, 0)).save(folder / "0.png")
    found = data.load("cifar10", root=tmp_path, download=False)
    assert found.classes == cifar10.CLASSES
    assert found.splits["train"].labels is not None
    assert found.splits["train"].labels.tolist() == list(range(10))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("data_batch_3.bin", None, "lacks data_batch_3.bin"),
        ("data_batch_3.bin", b"x" * 3000, "data_batch_3.bin is truncated"),
        ("test_batch.bin", b"\x0a" * 3073, "labels 0 to 9, got 10"),
        ("test_batch.bin", b"", "expects 3072 bytes a label"),
    ],
)
def test_broken_batches_are_named(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    folder = write_folder(tmp_path / "cifar-10-batches-bin", "bin")
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(VaelError, match=message):
        data.load("cifar10", root=tmp_path, download=False)


def test_broken_archives_are_named(tmp_path: Path) -> None:
    path = tmp_path / "cifar-10-binary.tar.gz"
    tarred(write_folder(tmp_path / "made" / "cifar-10-batches-bin", "bin"), path)
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(VaelError, match="is not a whole archive"):
        data.load("cifar10", root=tmp_path, download=False)


def test_a_foreign_archive_is_not_kept(mirror: Path, cache: Path) -> None:
    (mirror / "cifar10").mkdir()
    (mirror / "cifar10" / "cifar-10-binary.tar.gz").write_bytes(io.BytesIO(b"no").getvalue())
    with pytest.raises(VaelError, match="other content than published"):
        data.load("cifar10")
    assert list((cache / "cifar10").iterdir()) == []


def test_real_jpegs(vael_data: Path) -> None:
    found = data.load("cifar10", root=vael_data, size=16)
    assert found.shape == (3, 16, 16)
    assert {name: len(split) for name, split in found.splits.items()} == {"train": 10000, "test": 2000}
    assert found.facts["form"] == "images"
