"""CelebA: 202,599 faces of celebrities, aligned, 178×218 RGB; any crop and size of them is read.

Deep learning face attributes in the wild, Liu, Luo, Wang, Tang, 2015, https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html.
For non-commercial research only and not to be redistributed, therefore never downloaded.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from vael.data.base import Dataset, ReadOptions, Source
from vael.data.image_files import Item, list_items, open_container
from vael.data.images import read_items
from vael.data.named import missing
from vael.data.places import find_folder
from vael.errors import VaelError

__all__ = ["CelebA"]

HOME = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
SUBFOLDERS = ("celeba", "CelebA", "CelebA/Img", "Img", "faces")
PARTITION_NAMES = ("list_eval_partition.txt", "list_eval_partition.csv")
SPLIT_OF_NUMBER = {"0": "train", "1": "valid", "2": "test"}


class CelebA(Source):
    """Aligned faces."""

    summary = "faces, 202,599 in RGB, any crop and size of the JPEGs (Liu et al. 2015); never downloaded"

    def locate(self, options: ReadOptions) -> str:
        return str(_find(options) or "")

    def read(self, options: ReadOptions) -> Dataset:
        path = _find(options)
        if path is None:
            raise missing("celeba", ["img_align_celeba/*.jpg (or img_align_celeba.zip)"], options, HOME)
        container = open_container(path)
        items = [Item(item.name) for item in list_items(container)]
        partition = _find_partition(path)
        if partition is None:
            return read_items(container, items, options)
        dataset = read_items(container, _divided(items, partition), options)
        return replace(dataset, facts={**dataset.facts, "partition": str(partition)})


def _find(options: ReadOptions) -> Path | None:
    """Find the folder `img_align_celeba` (a root may be it), or a zip of it or of another crop."""
    root = next((folder for folder in options.folders if folder.name == "img_align_celeba" and folder.is_dir()), None)
    folder = root or find_folder(options.folders, SUBFOLDERS, ["img_align_celeba"])
    places = [folder / subfolder for folder in options.folders for subfolder in (*SUBFOLDERS, ".")]
    zips = (
        path
        for place in places
        for name in ("img_align_celeba.zip", "celeba*.zip")
        for path in sorted(place.glob(name))
    )
    return folder or next(zips, None)


def _find_partition(images: Path) -> Path | None:
    places = [images, images.parent, images.parent / "Eval", images.parent.parent / "Eval"]
    return next((place / name for place in places for name in PARTITION_NAMES if (place / name).is_file()), None)


def _divided(items: Sequence[Item], partition: Path) -> list[Item]:
    """Give each image its official split; names are compared without their ending, so that PNG crops count."""
    numbers = {}
    for line in partition.read_text(encoding="utf-8").splitlines():
        cells = line.replace(",", " ").split()
        if len(cells) == 2 and cells[1] in SPLIT_OF_NUMBER:
            numbers[PurePosixPath(cells[0]).stem] = SPLIT_OF_NUMBER[cells[1]]
    stems = [PurePosixPath(item.name).stem for item in items]
    absent = [stem for stem in stems if stem not in numbers]
    if absent:
        raise VaelError(f"{partition} expects a line for each image, and lacks {len(absent)}, the first is {absent[0]}")
    divided = [Item(item.name, numbers[stem]) for item, stem in zip(items, stems, strict=True)]
    if "train" not in {item.split for item in divided}:
        raise VaelError(f"{partition} puts none of the {len(items)} images into train: move it away for a seeded split")
    return divided
