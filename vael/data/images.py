"""Folders and zips of images: any size, grey or colour, subfolders are labels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vael.data.base import Dataset, ReadOptions, Source, Split
from vael.data.decoding import decode, find_form
from vael.data.image_files import Container, Item, list_items, open_container
from vael.data.splits import assign, split_facts
from vael.errors import VaelError

__all__ = ["Images", "read_items"]


class Images(Source):
    """Any folder or zip of image files."""

    summary = "a folder or zip of PNG, JPEG, WebP, …; subfolders are labels, train/valid/test are splits"
    takes_path = True

    def locate(self, options: ReadOptions) -> str:
        return options.path if Path(options.path).exists() else ""

    def read(self, options: ReadOptions) -> Dataset:
        container = open_container(Path(options.path).expanduser())
        return read_items(container, list_items(container), options)


def read_items(
    container: Container, items: Sequence[Item], options: ReadOptions, *, classes: tuple[str, ...] = ()
) -> Dataset:
    """Divide images into splits, then decode each split into its own array.

    Dividing comes first, so that what is larger than memory never has to be gathered again.

    Arguments:
        container: Where the files lie.
        items: The images, in order.
        options: Size, colour and plan of the splits.
        classes: The label names in their order; sorted labels by default.

    Raises:
        VaelError: Broken images, mixed sizes or modes, impossible splits.
    """
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(item.split, []).append(item)
    labels = {item.label for item in items if item.label is not None}
    classes = classes or tuple(sorted(labels))
    if not labels <= set(classes):
        raise VaelError(
            f"{container.path} expects folders called {', '.join(classes)}, got {', '.join(sorted(labels))}"
        )
    number = {label: number for number, label in enumerate(classes)}
    counts = {name: len(group) for name, group in groups.items()}
    index = assign(counts, options.plan)
    form = find_form(container, [item.name for item in items], options)
    splits = {}
    for name, (origin, rows) in index.items():
        group = groups[origin] if rows is None else [groups[origin][row] for row in rows]
        x = decode(container, [item.name for item in group], form, options.cache)
        y = np.array([number[item.label] for item in group if item.label is not None], np.int64)
        splits[name] = Split(x, y if len(y) == len(x) else None)
    facts = {"files": [str(container.path)], "split": split_facts(counts, index, options.plan)}
    return Dataset("images", splits, 256, classes, facts=facts)
