"""Following a file of records while it is written: each reading takes what was appended since the one before."""

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from vael.errors import VaelError
from vael.runs.record import read_record

if TYPE_CHECKING:
    from vael.runs.folder import RunFolder

__all__ = ["Follower", "News"]

MAX_LINE = 1_000_000
"""Bytes of the longest line that is read; a record takes a few hundred."""

MAX_SKIPPED = 20
REMEMBERED = 256
"""Bytes before the place, compared at the next reading: a file that was cut and grew past the place differs there."""


@dataclass(frozen=True)
class News:
    """Hold what one reading brought.

    Arguments:
        records: The new records, oldest first.
        skipped: A sentence for each line that is no record; for the first 20, then one that counts the others.
        restarted: Whether the file is another or a shorter one than before (a resumed run cuts it): forget what came
            from earlier readings, `records` begin anew.
    """

    records: list[dict[str, Any]]
    skipped: list[str]
    restarted: bool


@dataclass(frozen=True)
class _Place:
    """Where a reading ended: behind `offset` bytes and `line` whole lines of the file `identity`."""

    identity: tuple[int, int] = (0, 0)
    offset: int = 0
    line: int = 0
    before: bytes = b""
    in_long_line: bool = False


class Follower:
    """Read a run's records as they are appended.

    Arguments:
        folder: The run folder.
        file: Which of its files: `metrics.jsonl` or `timings.jsonl`.
    """

    def __init__(self, folder: "RunFolder", *, file: str = "metrics.jsonl") -> None:
        self._path = folder.path / file
        self._place = _Place()

    def read(self) -> News:
        """Return what is new since the last reading; a half-written last line is left for the next one.

        Raises:
            VaelError: The file is there and cannot be read.
        """
        try:
            with self._path.open("rb") as handle:
                return self._read(handle)
        except (FileNotFoundError, NotADirectoryError):
            news = News([], [], restarted=self._place.offset > 0)
            self._place = _Place()
            return news
        except OSError as error:
            raise VaelError(f"{self._path} cannot be read ({error.strerror or error})") from None

    def _read(self, handle: BinaryIO) -> News:
        identity = _identity(handle)
        is_same = self._place.identity == identity and _is_unchanged(handle, self._place)
        place = self._place if is_same else _Place(identity)
        harvest = _Harvest(self._path.name)
        handle.seek(place.offset)
        while piece := handle.readline(MAX_LINE + 1):
            if not piece.endswith(b"\n") and len(piece) <= MAX_LINE and not place.in_long_line:
                break
            harvest.take(piece, place)
            place = _behind(piece, place)
        restarted = not is_same and self._place.offset > 0
        self._place = place
        return News(harvest.records, harvest.sentences(), restarted)


@dataclass
class _Harvest:
    """What one reading gathers from the file called `file`."""

    file: str
    records: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    uncounted: int = 0

    def take(self, piece: bytes, place: _Place) -> None:
        """Take in the piece of a line that lies behind a place: a whole line, or a part of one that is too long."""
        if place.in_long_line:
            return
        if not piece.endswith(b"\n"):
            self._skip(f"{self.file} line {place.line + 1} is longer than {MAX_LINE:,} bytes: skipped")
        elif (record := read_record(piece)) is None:
            self._skip(f"{self.file} line {place.line + 1} is no record: skipped")
        else:
            self.records.append(record)

    def _skip(self, sentence: str) -> None:
        if len(self.skipped) < MAX_SKIPPED:
            self.skipped.append(sentence)
        else:
            self.uncounted += 1

    def sentences(self) -> list[str]:
        """Return a sentence for each of the first lines skipped, and the number of the others."""
        more = [f"{self.file}: {self.uncounted:,} more lines are no records: skipped"] if self.uncounted else []
        return self.skipped + more


def _behind(piece: bytes, place: _Place) -> _Place:
    """Return the place behind a piece of a line."""
    is_whole = piece.endswith(b"\n")
    before = piece[-REMEMBERED:] if len(piece) >= REMEMBERED else (place.before + piece)[-REMEMBERED:]
    return _Place(place.identity, place.offset + len(piece), place.line + is_whole, before, not is_whole)


def _identity(handle: BinaryIO) -> tuple[int, int]:
    """Return what tells a file from one that took its name."""
    status = os.fstat(handle.fileno())
    return status.st_dev, status.st_ino


def _is_unchanged(handle: BinaryIO, place: _Place) -> bool:
    """Whether the bytes before a place are those that were read there; not so where the file became shorter."""
    handle.seek(place.offset - len(place.before))
    return handle.read(len(place.before)) == place.before
