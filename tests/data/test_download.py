import gzip
import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from vael import data
from vael.data.download import RemoteFile, fetch
from vael.errors import VaelError

CONTENT = b"some bytes, " * 5000
FILE = RemoteFile("thing.gz", "http://127.0.0.1:9", hashlib.md5(CONTENT).hexdigest())


def serve(mirror: Path, content: bytes) -> None:
    (mirror / "set").mkdir()
    (mirror / "set" / FILE.name).write_bytes(content)


@pytest.mark.parametrize("level", [1, 9])
def test_recompressed_copies_count(mirror: Path, tmp_path: Path, level: int) -> None:
    serve(mirror, gzip.compress(CONTENT, level, mtime=level))
    path = fetch("set", FILE, tmp_path / "there")
    assert gzip.decompress(path.read_bytes()) == CONTENT
    assert [found.name for found in path.parent.iterdir()] == ["thing.gz"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(CONTENT + b"!", mtime=0), "other content than published"),
        (gzip.compress(CONTENT, mtime=0)[:-8], "not a whole gzip file"),
        (b"<html>sorry</html>", "not a whole gzip file"),
    ],
)
def test_wrong_content_leaves_nothing(mirror: Path, tmp_path: Path, content: bytes, message: str) -> None:
    serve(mirror, content)
    with pytest.raises(VaelError, match=message) as caught:
        fetch("set", FILE, tmp_path / "there")
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "there").iterdir()) == []


def test_archives_are_checked_as_they_are(mirror: Path, tmp_path: Path) -> None:
    serve(mirror, CONTENT)
    good = RemoteFile(FILE.name, FILE.base_url, archive_md5=hashlib.md5(CONTENT).hexdigest())
    assert fetch("set", good, tmp_path / "there").read_bytes() == CONTENT
    with pytest.raises(VaelError, match="other content than published"):
        fetch("set", RemoteFile(FILE.name, FILE.base_url, archive_md5="0" * 32), tmp_path / "there")


def test_absent_file_says_what_the_server_answered(mirror: Path, tmp_path: Path) -> None:
    with pytest.raises(VaelError, match="the server answered 404"):
        fetch("set", FILE, tmp_path)


def test_refused_connection_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(VaelError, match=r"cannot be downloaded from http://127.0.0.1:9/thing.gz") as caught:
        fetch("set", FILE, tmp_path)
    assert "\n" not in str(caught.value)
    assert "--data-root" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_cache_is_said(mirror: Path, tmp_path: Path) -> None:
    serve(mirror, gzip.compress(CONTENT))
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(VaelError, match="cannot be saved"):
        fetch("set", FILE, tmp_path / "file")


def test_mnist_over_http_then_offline(
    vael_data: Path, mirror: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(vael_data / "mnist", mirror / "mnist")
    first = data.load("mnist")
    assert len(list((cache / "mnist").iterdir())) == 4
    monkeypatch.setenv("VAEL_MIRROR", "http://127.0.0.1:9")
    assert data.load("mnist").fingerprint() == first.fingerprint()


def test_offline_names_files_places_and_home(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setenv("VAEL_MIRROR", "http://127.0.0.1:9")
    with pytest.raises(VaelError) as caught:
        data.load("mnist")
    message = str(caught.value)
    assert "\n" not in message
    for part in ("train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz", str(cache), "http://127.0.0.1:9/mnist/"):
        assert part in message


def test_a_home_without_a_mirror() -> None:
    assert FILE.url("set") == "http://127.0.0.1:9/thing.gz"


def test_binarized_mnist_from_its_home_is_the_packed_one(vael_data: Path, mirror: Path) -> None:
    packed = data.load("binarized-mnist", root=vael_data)
    (mirror / "binarized-mnist").mkdir()
    for name, split in packed.splits.items():
        text = np.full((len(split), 2 * 784), ord(" "), np.uint8)
        text[:, 0::2] = split.x.reshape(-1, 784) + ord("0")
        text[:, -1] = ord("\n")
        (mirror / "binarized-mnist" / f"binarized_mnist_{name}.amat").write_bytes(text.tobytes())
    fetched = data.load("binarized-mnist")
    assert fetched.fingerprint() == packed.fingerprint()
    assert fetched.splits["train"].labels is None
    assert packed.splits["train"].labels is not None
