from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vael import data
from vael.errors import VaelError


def write_faces(folder: Path, count: int = 10) -> Path:
    folder.mkdir(parents=True)
    for number in range(1, count + 1):
        Image.fromarray(np.full((22, 18, 3), number, np.uint8)).save(folder / f"{number:06d}.jpg")
    return folder


@pytest.mark.parametrize("place", ["img_align_celeba", "celeba/img_align_celeba", "CelebA/Img/img_align_celeba"])
def test_any_crop_in_the_usual_places(tmp_path: Path, place: str) -> None:
    write_faces(tmp_path / place)
    found = data.load("celeba", root=tmp_path)
    assert found.shape == (3, 22, 18)
    assert {name: len(split) for name, split in found.splits.items()} == {"train": 8, "valid": 1, "test": 1}
    assert data.load("celeba", root=tmp_path / place).fingerprint() == found.fingerprint()


@pytest.mark.parametrize("ending", ["txt", "csv"])
def test_the_official_partition(tmp_path: Path, ending: str) -> None:
    write_faces(tmp_path / "celeba" / "img_align_celeba")
    mark = "," if ending == "csv" else " "
    lines = [f"{number:06d}.jpg{mark}{0 if number < 7 else 1 if number < 9 else 2}" for number in range(1, 11)]
    partition = tmp_path / "celeba" / f"list_eval_partition.{ending}"
    partition.write_text("\n".join(["image_id,partition"] * (ending == "csv") + lines))
    found = data.load("celeba", root=tmp_path)
    assert {name: len(split) for name, split in found.splits.items()} == {"train": 6, "valid": 2, "test": 2}
    assert found.facts["partition"] == str(partition)
    partition.write_text("\n".join(lines[1:]))
    with pytest.raises(VaelError, match="lacks 1, the first is 000001"):
        data.load("celeba", root=tmp_path)
    partition.write_text("\n".join(line[:-1] + "2" for line in lines))
    with pytest.raises(VaelError, match="none of the 10 images into train"):
        data.load("celeba", root=tmp_path)
