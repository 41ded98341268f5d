"""Decoding: image files → one uint8 array, each file once, in several threads; large ones into a memory map.

`picture` says how one file becomes pixels. What exceeds `MEMORY_BYTES` goes to a file of the cache folder, so that peak
memory stays low and the second start is immediate; its name is a hash of the files' names, sizes and times and of the
options.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vael.data.base import ReadOptions
from vael.data.image_files import Container
from vael.data.picture import Form, fit_image, open_image, turned_size
from vael.errors import VaelError
from vael.files import written_whole

__all__ = ["decode", "find_form"]

MEMORY_BYTES = 256 << 20
"""Decoded sizes up to this stay in memory."""

CHUNK = 64
"""Images a thread takes at a time."""

COLOR_OF_MODE = {"1": "grey", "L": "grey", "RGB": "rgb"}


def find_form(container: Container, names: Sequence[str], options: ReadOptions) -> Form:
    """Say what the images decode to: as asked, or as they all are.

    Raises:
        VaelError: Sizes or colours differ (or are unusual) and the option that makes them equal was not given.
    """
    if options.size and options.color:
        return Form(options.size, options.color)
    with ThreadPoolExecutor(_num_threads()) as pool:
        surveyed = [
            entry for chunk in pool.map(lambda part: _survey(container, part), _chunks(names)) for entry in chunk
        ]
    size = options.size or _one_of([entry[0] for entry in surveyed], names, container, "sizes (H, W)", "size = 64")
    if options.color:
        return Form(size, options.color)
    mode = _one_of([entry[1] for entry in surveyed], names, container, "modes", "color = 'rgb' (or 'grey')")
    if mode not in COLOR_OF_MODE:
        raise VaelError(f"{container.path} expects images in grey or RGB, got mode {mode}: set color = 'rgb' or 'grey'")
    return Form(size, COLOR_OF_MODE[mode])


def decode(container: Container, names: Sequence[str], form: Form, cache: Path) -> NDArray[np.uint8]:
    """Decode files into `(N, C, H, W)` uint8, in the order of the names.

    Raises:
        VaelError: A file is broken, or the cache folder is full.
    """
    shape = (len(names), *form.shape)
    if np.prod(shape, dtype=np.int64) <= MEMORY_BYTES:
        pixels, row = np.empty(shape, np.uint8), 0
        for chunk in _decoded(container, names, form):
            pixels[row : row + len(chunk)] = chunk
            row += len(chunk)
        return pixels
    path = cache / "decoded" / f"{_key(container, names, form)}.npy"
    if not path.exists():
        _save(path, shape, _decoded(container, names, form))
    return np.load(path, mmap_mode="c")


def _survey(container: Container, names: Sequence[str]) -> list[tuple[tuple[int, int], str]]:
    """Read sizes and modes from the files' headers."""
    found = []
    for name in names:
        with open_image(container.content(name), f"{container.path}: {name}") as image:
            width, height = turned_size(image)
            found.append(((height, width), image.mode))
    return found


def _one_of(values: Sequence[Any], names: Sequence[str], container: Container, what: str, mend: str) -> Any:
    counts = Counter(values)
    if len(counts) == 1:
        return values[0]
    shown = [f"{count} of {value} (like {names[values.index(value)]})" for value, count in counts.most_common(5)]
    more = f", and {len(counts) - 5} more" if len(counts) > 5 else ""
    raise VaelError(f"{container.path} holds images of {len(counts)} {what}: {', '.join(shown)}{more}: set {mend}")


def _decoded(container: Container, names: Sequence[str], form: Form) -> Iterator[NDArray[np.uint8]]:
    """Yield decoded chunks in order; a broken image stops the other threads."""

    def work(part: Sequence[str]) -> NDArray[np.uint8]:
        return np.stack([_decode_one(container, name, form) for name in part])

    with ThreadPoolExecutor(_num_threads()) as pool:
        yield from pool.map(work, _chunks(names))


def _decode_one(container: Container, name: str, form: Form) -> NDArray[np.uint8]:
    with open_image(container.content(name), f"{container.path}: {name}") as image:
        return fit_image(image, form, f"{container.path}: {name}")


def _save(path: Path, shape: tuple[int, ...], chunks: Iterable[NDArray[np.uint8]]) -> None:
    """Write a `.npy` file piece by piece; it gets its name when it is whole.

    Plain writes, not a memory map: a full disk is then an error and not a crash.
    """
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    try:
        with written_whole(path) as partial, open(partial, "wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            for chunk in chunks:
                file.write(chunk.tobytes())
    except OSError as error:
        raise VaelError(
            f"decoded images could not be saved in {path.parent} ({error.strerror or error}): "
            "free space there, or set XDG_CACHE_HOME to another folder"
        ) from None


def _key(container: Container, names: Sequence[str], form: Form) -> str:
    digest = hashlib.blake2b(f"{container.path.resolve()} {form}".encode(), digest_size=16)
    for line in container.stamp(names):
        digest.update(line.encode() + b"\0")
    for name in names:
        digest.update(name.encode() + b"\0")
    return digest.hexdigest()


def _chunks(names: Sequence[str]) -> list[Sequence[str]]:
    return [names[start : start + CHUNK] for start in range(0, len(names), CHUNK)]


def _num_threads() -> int:
    return min(32, os.cpu_count() or 1)
