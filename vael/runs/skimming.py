"""A long metrics.jsonl read at a few places: its end, and enough of the rest to draw a line through it.

A run of a hundred thousand records is summed up from a few hundred kilobytes of its file, so that a list of runs shows
at once. Short files are read whole.
"""

import math
import os
from dataclasses import dataclass
from typing import Any, BinaryIO

from vael.runs.record import read_record

__all__ = ["MAX_POINTS", "Skimmed", "finite", "skim"]

MAX_POINTS = 48
WHOLE = 128 * 1024
"""Bytes of the longest file that is read whole; a longer one costs about as much."""

NUM_PLACES = 64
WINDOW, WIDE_WINDOW = 2 * 1024, 16 * 1024
"""Bytes read at a place: some lines; more where all of them are of the training split."""

TAIL, MAX_TAIL = 16 * 1024, 256 * 1024
"""Bytes read of the end: at first, and at most, in search of a held-out record."""

TRAIN_LINE = b'{"split": "train"'


@dataclass(frozen=True)
class Skimmed:
    """Hold what a list shows of a file of records.

    Arguments:
        last: The last record, or None.
        judged: The last record of a held-out split; where there is none, the last record.
        curve: Bounds `elbo_nats` of records like `judged`, oldest first, finite, at most 48, about evenly spaced.
    """

    last: dict[str, Any] | None
    judged: dict[str, Any] | None
    curve: tuple[float, ...]


def skim(handle: BinaryIO) -> Skimmed:
    """Sum a file of records up; reads at most 1.5 MB of it, and leaves out lines that are no records."""
    size = handle.seek(0, os.SEEK_END)
    records = _read(handle, 0, size) if size <= WHOLE else _read_tail(handle, size)
    if not records:
        return Skimmed(None, None, ())
    held_out = [record for record in records if record["split"] != "train"]
    judged = (held_out or records)[-1]
    if size > WHOLE:
        visited = _visit(handle, size, held_out=bool(held_out))
        found = [*(record for record in visited if record["step"] < judged["step"]), judged]
    else:
        found = held_out or records
    bounds = [bound for record in found if (bound := finite(record.get("elbo_nats"))) is not None]
    return Skimmed(records[-1], judged, _evenly(bounds))


def finite(value: Any) -> float | None:
    """Return a number that JSON held, as long as it is a finite one."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _lines(handle: BinaryIO, start: int, length: int) -> list[bytes]:
    """Return the lines that lie whole in a part of the file."""
    handle.seek(start)
    return handle.read(length).split(b"\n")[1 if start else 0 : -1]


def _read(handle: BinaryIO, start: int, length: int) -> list[dict[str, Any]]:
    """Return the records that lie whole in a part of the file."""
    records = map(read_record, _lines(handle, start, length))
    return [record for record in records if record is not None]


def _read_tail(handle: BinaryIO, size: int) -> list[dict[str, Any]]:
    """Return the last records, so many that a held-out one is among them where the file's end has one."""
    length = TAIL
    while True:
        length = min(length, size)
        records = _read(handle, size - length, length)
        if length >= min(MAX_TAIL, size) or any(record["split"] != "train" for record in records):
            return records
        length *= 4


def _visit(handle: BinaryIO, size: int, *, held_out: bool) -> list[dict[str, Any]]:
    """Return one record from each of 64 places over the file, where there is one of the kind asked for."""
    starts = [place * size // NUM_PLACES for place in range(NUM_PLACES)]
    windows = [WINDOW, min(WIDE_WINDOW, size // NUM_PLACES)] if held_out else [WINDOW]
    found: list[dict[str, Any]] = []
    for start in starts:
        tries = (_first(_lines(handle, start, window), held_out=held_out) for window in windows)
        record = next((record for record in tries if record is not None), None)
        if record is not None:
            found.append(record)
    return found


def _first(lines: list[bytes], *, held_out: bool) -> dict[str, Any] | None:
    """Return the first record with a finite bound, of a held-out split if asked for."""
    for line in lines:
        if held_out and line.startswith(TRAIN_LINE):  # most lines: not worth reading
            continue
        record = read_record(line)
        if record is None or (held_out and record["split"] == "train"):
            continue
        if finite(record.get("elbo_nats")) is not None:
            return record
    return None


def _evenly(bounds: list[float]) -> tuple[float, ...]:
    """Choose as many as can be shown, the first and the last among them."""
    if len(bounds) <= MAX_POINTS:
        return tuple(bounds)
    return tuple(bounds[round(place * (len(bounds) - 1) / (MAX_POINTS - 1))] for place in range(MAX_POINTS))
