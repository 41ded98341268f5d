"""What is new about a run, again and again: the studio's eye on one run folder.

It reads what the training appends and asks the training for nothing, so watching costs it nothing but the disk's page
cache; it works while a run goes on, after it, and on a copied folder. Where nothing changed, a look asks for the stamps
of a few files and reads none.
"""

import math
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vael.experiments.snapshots import Snapshots
from vael.runs import Follower, RunFolder, RunSummary
from vael.runs.skimming import finite
from vael.studio.packing import plain
from vael.studio.shelf import Shelf
from vael.views.watching import watch

__all__ = ["Watcher", "thinned"]

WATCHED = ("run.json", "recipe.toml", "metrics.jsonl", "timings.jsonl", "snapshots", "log.txt")
MOST_RECORDS = 1500  # a split, on the way to the browser: more than a chart has pixels
PACE_RECORDS = 8  # the last ones, from which the pace is taken
AGAIN = 1.0  # seconds after a change that a file is read again: a disk's clock may give two changes one stamp
UNJUDGED = ("created", "damaged")  # states without a training to judge


@dataclass
class Watcher:
    """Follow one run for one browser.

    Arguments:
        shelf: Where the run's summary comes from.
        folder: The run.
        has_rate: Whether its posterior has a density.
    """

    shelf: Shelf
    folder: RunFolder
    has_rate: bool
    _records: list[dict[str, Any]] = field(default_factory=list, init=False, repr=False)
    _timings: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=PACE_RECORDS), init=False, repr=False)
    _summary: RunSummary | None = field(default=None, init=False, repr=False)
    _told: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        """Start at the beginning of the run's files."""
        self._metrics = Follower(self.folder)
        self._clock = Follower(self.folder, file="timings.jsonl")
        self._files = {name: _Stamped(self.folder.path / name) for name in WATCHED}

    def look(self) -> dict[str, Any] | None:
        """Return what changed since the last look, None if nothing did.

        Keys: `records` (new ones; with `restarted`, all of them), `skipped` (sentences), `summary`, `snapshots`
        (steps), `findings`, `log` (lines), `examples_per_second`, `seconds_left`; those that did not change are left
        out. A run that is gone gives `gone` and nothing else.

        Raises:
            VaelError: A file of the run is there and cannot be read.
        """
        changed = {name for name, file in self._files.items() if file.has_changed()}
        if not self._files["run.json"].exists:
            return {"gone": True}
        if not changed and not self._has_lost_its_process():
            return None
        self._summary = self.shelf.summary(self.folder)
        news = self._read_records() if "metrics.jsonl" in changed else {}
        if "timings.jsonl" in changed:
            self._read_timings()
        found: dict[str, Any] = {"summary": plain(self._summary), **self._pace(self._summary)}
        if "snapshots" in changed:
            found["snapshots"] = Snapshots(self.folder.path / "snapshots").steps()
        if "log.txt" in changed:
            found["log"] = self.folder.log()
        if news or self._summary.state != (self._told.get("summary") or {}).get("state"):
            found["findings"] = self._findings(self._summary)
        return self._changes(found) | news or None

    def _changes(self, found: dict[str, Any]) -> dict[str, Any]:
        """Keep what differs from what was told before."""
        changes = {key: value for key, value in found.items() if key not in self._told or self._told[key] != value}
        self._told |= changes
        return changes

    def _has_lost_its_process(self) -> bool:
        """Whether the run was being trained and nobody trains it any more: a killed process leaves no other trace."""
        was_running = self._summary is not None and self._summary.state == "running"
        return was_running and self.folder.status_of({"status": "running"}) != "running"

    def _read_records(self) -> dict[str, Any]:
        """Take in the records that were appended; return them and what is to be said about them."""
        news = self._metrics.read()
        if news.restarted:
            self._records = []
        self._records += news.records
        found: dict[str, Any] = {"skipped": news.skipped} if news.skipped else {}
        if news.records or news.restarted:
            found |= {"records": plain(thinned(news.records)), "restarted": news.restarted}
        return found

    def _read_timings(self) -> None:
        news = self._clock.read()
        if news.restarted:
            self._timings.clear()
        self._timings.extend(news.records)

    def _findings(self, summary: RunSummary) -> list[Any]:
        if summary.state in UNJUDGED:
            return []
        name, state, reason = self.folder.name, summary.state, summary.reason
        return plain(watch(self._records, name=name, status=state, has_rate=self.has_rate, reason=reason))

    def _pace(self, summary: RunSummary) -> dict[str, float | None]:
        """Say how fast the last records were made, and how long a running training takes from there at that pace."""
        speed, seconds_per_step = _speed(self._timings), _seconds_per_step(self._timings)
        left = None
        if summary.state == "running" and summary.total_steps and seconds_per_step is not None:
            left = round(seconds_per_step * max(summary.total_steps - (summary.step or 0), 0), 1)
        return {"examples_per_second": speed, "seconds_left": left}


@dataclass
class _Stamped:
    """Tell by its stamp alone whether a file, or what a folder lists, may have changed.

    Arguments:
        path: The file or folder; it need not be there.
    """

    path: Path
    exists: bool = field(default=False, init=False)
    _stamp: tuple[int, ...] | None = field(default=None, init=False)
    _changed: float = field(default=-math.inf, init=False)

    def has_changed(self) -> bool:
        """Whether it changed since it was asked last, or so lately that its stamp may stand for two changes."""
        try:
            state = self.path.stat()
        except OSError:
            stamp = ()
        else:
            stamp = (state.st_ino, state.st_mtime_ns, state.st_size)
        now = time.monotonic()
        if stamp != self._stamp:
            self._stamp, self.exists, self._changed = stamp, bool(stamp), now
            return True
        return now - self._changed < AGAIN


def _seconds_per_step(timings: Iterable[Mapping[str, Any]]) -> float | None:
    """Return the time of a step over some records in a row; where a resumed run steps back, the count starts anew."""
    steps = seconds = 0.0
    before = 0 if len(timings := list(timings)) == 1 else None
    for timing in timings:
        took, step = finite(timing.get("seconds")), timing["step"]
        if before is not None and step > before and took is not None:
            steps, seconds = steps + step - before, seconds + took
        before = step
    return seconds / steps if steps else None


def _speed(timings: Iterable[Mapping[str, Any]]) -> float | None:
    """Return the examples trained on a second over some records."""
    examples = seconds = 0.0
    for timing in timings:
        took, speed = finite(timing.get("seconds")), finite(timing.get("examples_per_second"))
        if took is not None and speed is not None:
            examples, seconds = examples + speed * took, seconds + took
    return round(examples / seconds, 1) if seconds > 0 else None


def thinned(records: list[dict[str, Any]], most: int = MOST_RECORDS) -> list[dict[str, Any]]:
    """Keep about `most` records a split, evenly spread, the last of each among them.

    >>> [each["step"] for each in thinned([{"split": "train", "step": i} for i in range(10)], most=3)]
    [1, 5, 9]
    """
    splits: dict[str, list[int]] = {}
    for place, record in enumerate(records):
        splits.setdefault(str(record.get("split")), []).append(place)
    kept = set()
    for places in splits.values():
        every = -(-len(places) // most)
        kept |= set(places[::-1][::every])
    return [record for place, record in enumerate(records) if place in kept]
