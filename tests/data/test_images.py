import io
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vael import data
from vael.data import decoding
from vael.errors import VaelError


def picture(seed: int, size: tuple[int, int] = (7, 5), mode: str = "RGB") -> Image.Image:
    """Make an image of (height, width)."""
    noise = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
    return Image.fromarray(noise).convert(mode)


def write(folder: Path, pictures: Mapping[str, Image.Image]) -> Path:
    for name, image in pictures.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)
    return folder


def zipped(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder), "zip", folder))


def test_folders_and_zips_are_the_same(tmp_path: Path) -> None:
    folder = write(tmp_path / "all", {f"{name}/{k}.png": picture(k) for name in ("cat", "dog") for k in range(6)})
    (folder / "readme.txt").write_text("not an image")
    (folder / ".hidden.png").write_bytes(b"")
    one, two, three = data.load(str(folder)), data.load(f"images:{folder}"), data.load(str(zipped(folder)))
    assert one.shape == (3, 7, 5)
    assert one.num_levels == 256
    assert one.classes == ("cat", "dog")
    assert one.fingerprint() == two.fingerprint() == three.fingerprint()
    for split in one.splits.values():
        assert split.labels is not None
        for x, label in zip(split.x, split.labels, strict=True):
            exact = [np.asarray(picture(k)).transpose(2, 0, 1) for k in range(6)]
            assert any(np.array_equal(x, image) for image in exact)
            assert label in (0, 1)


def test_labels_and_splits_come_from_subfolders(tmp_path: Path) -> None:
    names = [f"top/{split}/{label}/{k}.bmp" for split in ("train", "val", "test") for label in "ba" for k in range(2)]
    found = data.load(str(write(tmp_path / "set", {name: picture(k) for k, name in enumerate(names)})))
    assert {name: len(split) for name, split in found.splits.items()} == {"train": 4, "valid": 4, "test": 4}
    assert found.classes == ("a", "b")
    assert found.splits["train"].labels is not None
    assert found.splits["train"].labels.tolist() == [0, 0, 1, 1]  # sorted order


def test_flat_folders_have_no_labels(tmp_path: Path) -> None:
    folder = write(tmp_path / "flat", {f"{k}.webp": picture(k, mode="L") for k in range(10)})
    found = data.load(str(folder))
    assert found.classes == ()
    assert found.splits["train"].labels is None


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "bmp", "gif", "tiff"])
def test_formats(tmp_path: Path, ending: str) -> None:
    folder = write(tmp_path / "set", {f"{k}.{ending}": picture(k, (16, 16), "L") for k in range(10)})
    assert data.load(str(folder), color="grey").shape == (1, 16, 16)
    assert data.load(str(folder), color="rgb", size=(9, 3)).shape == (3, 9, 3)


def test_mixed_sizes_are_listed(tmp_path: Path) -> None:
    folder = write(tmp_path / "set", {f"{k}.png": picture(k, (7, 5) if k else (9, 5)) for k in range(10)})
    with pytest.raises(
        VaelError, match=r"2 sizes .*9 of \(7, 5\) \(like 1.png\), 1 of \(9, 5\) \(like 0.png\)"
    ) as caught:
        data.load(str(folder))
    assert "size = 64" in str(caught.value)
    assert data.load(str(folder), size=(7, 5)).shape == (3, 7, 5)


def test_mixed_modes_are_listed(tmp_path: Path) -> None:
    folder = write(tmp_path / "set", {f"{k}.png": picture(k, mode="L" if k else "RGBA") for k in range(10)})
    with pytest.raises(VaelError, match=r"2 modes: 9 of L .*1 of RGBA .*color = 'rgb'"):
        data.load(str(folder), size=4)
    assert data.load(str(folder), color="rgb").shape == (3, 7, 5)


def test_unusual_modes_want_a_color(tmp_path: Path) -> None:
    folder = write(tmp_path / "set", {f"{k}.gif": picture(k, mode="P") for k in range(10)})
    with pytest.raises(VaelError, match="grey or RGB, got mode P"):
        data.load(str(folder))


def test_deep_pixels_are_refused(tmp_path: Path) -> None:
    deep = Image.fromarray(np.full((4, 4), 40000, np.uint16))
    folder = write(tmp_path / "set", {f"{k}.png": deep for k in range(10)})
    with pytest.raises(VaelError, match="expected 8 bits a channel"):
        data.load(str(folder), color="grey")


@pytest.mark.parametrize("options", [{}, {"size": 8, "color": "rgb"}])
def test_broken_images_are_named(tmp_path: Path, options: dict[str, object]) -> None:
    folder = write(tmp_path / "set", {f"{k}.jpg": picture(k, (40, 40)) for k in range(10)})
    (folder / "3.jpg").write_bytes((folder / "3.jpg").read_bytes()[:-300])
    with pytest.raises(VaelError, match=r"3.jpg is broken"):
        data.load(str(folder), **options)  # pyright: ignore[reportArgumentType]
    (folder / "3.jpg").write_bytes(b"hello")
    with pytest.raises(VaelError, match=r"3.jpg is broken \(not an image\)"):
        data.load(str(zipped(folder)))


def test_broken_zips_are_named(tmp_path: Path) -> None:
    path = zipped(write(tmp_path / "set", {f"{k}.png": picture(k, (20, 20)) for k in range(10)}))
    content = bytearray(path.read_bytes())
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(VaelError, match=r"set.zip is not a whole zip file"):
        data.load(str(path))
    content[120:140] = b"\0" * 20
    path.write_bytes(content)
    with pytest.raises(VaelError, match=r"set.zip: \d.png cannot be unpacked"):
        data.load(str(path))


def test_empty_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(VaelError, match=r"expects images .* got 1 files of other kinds"):
        data.load(str(tmp_path))


def test_too_few_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VaelError, match="split of 2 examples would be empty"):
        data.load(str(write(tmp_path, {f"{k}.png": picture(k) for k in range(2)})))


def test_a_test_folder_without_train_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path, {f"{split}/{k}.png": picture(k) for split in ("test", "valid") for k in range(2)})
    with pytest.raises(VaelError, match="expected splits called train"):
        data.load(str(folder))


def test_photographs_stand_upright(tmp_path: Path) -> None:
    image = picture(0, (16, 8), "L")
    exif = Image.Exif()
    exif[0x0112] = 6
    for k in range(10):
        image.rotate(90, expand=True).save(tmp_path / f"{k}.png", exif=exif)
    found = data.load(str(tmp_path))
    assert found.shape == (1, 16, 8)
    assert np.array_equal(found.splits["train"].x[0, 0], np.asarray(image))


def test_reduced_decoding_stays_close(tmp_path: Path) -> None:
    ramp = np.broadcast_to(np.linspace(0, 255, 400, dtype=np.uint8)[:, None, None], (400, 300, 3))
    for k in range(10):
        Image.fromarray(np.ascontiguousarray(ramp)).save(tmp_path / f"{k}.jpg", quality=95)
    x = data.load(str(tmp_path), size=(20, 15)).splits["train"].x[0]
    expected = np.asarray(Image.fromarray(np.ascontiguousarray(ramp)).resize((15, 20), Image.Resampling.LANCZOS))
    assert np.abs(x.transpose(1, 2, 0).astype(int) - expected).max() <= 4


def test_large_sets_become_memory_maps(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path / "set", {f"{k}.png": picture(k) for k in range(200)})
    expected = data.load(str(folder))
    monkeypatch.setattr(decoding, "MEMORY_BYTES", 0)
    found = data.load(str(folder))
    assert isinstance(found.splits["train"].x, np.memmap)
    assert found.splits["train"].x.flags.writeable  # copy on write: torch takes it without a warning
    assert found.fingerprint() == expected.fingerprint()
    files = sorted((cache / "decoded").iterdir())
    assert len(files) == 3
    monkeypatch.setattr(decoding, "_decode_one", None)  # the second start decodes nothing
    assert data.load(str(folder)).fingerprint() == expected.fingerprint()


def test_a_changed_file_is_decoded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MEMORY_BYTES", 0)
    folder = write(tmp_path / "set", {f"{k}.bmp": picture(k) for k in range(10)})
    first = data.load(str(folder)).fingerprint()
    picture(99).save(folder / "4.bmp")
    assert data.load(str(folder)).fingerprint() != first


def test_a_broken_image_leaves_no_cache(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MEMORY_BYTES", 0)
    folder = write(tmp_path / "set", {f"{k}.jpg": picture(k, (40, 40)) for k in range(10)})
    for k in range(10):
        (folder / f"{k}.jpg").write_bytes((folder / f"{k}.jpg").read_bytes()[:-300])
    with pytest.raises(VaelError, match="is broken"):
        data.load(str(folder))
    assert list((cache / "decoded").iterdir()) == []


def test_hidden_zip_members_are_left_out(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    picture(0).save(buffer, "PNG")
    with zipfile.ZipFile(tmp_path / "mac.zip", "w") as archive:
        for k in range(10):
            archive.writestr(f"set/{k}.png", buffer.getvalue())
            archive.writestr(f"__MACOSX/set/._{k}.png", b"x")
    assert sum(map(len, data.load(str(tmp_path / "mac.zip")).splits.values())) == 10


def test_real_faces(vael_data: Path) -> None:
    faces = data.load("celeba", root=vael_data, size=(17, 33), color="grey")
    assert faces.shape == (1, 17, 33)
    assert {name: len(split) for name, split in faces.splits.items()} == {"train": 5600, "valid": 700, "test": 700}
