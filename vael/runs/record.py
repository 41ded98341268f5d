"""One record of a training, and the lines of metrics.jsonl and timings.jsonl that hold it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Record", "read_record"]


@dataclass(frozen=True)
class Record:
    """Hold what was measured between two points of a training.

    Arguments:
        split: Which examples: `train`, `valid` or `test`.
        epoch: Counted from 1.
        step: Steps done when the record was made.
        values: Numbers by name, units in the names; they depend on recipe, seed and machine alone.
        seconds: Wall time that the record took; kept apart from the values, since it never repeats.
        num_examples: How many examples it covers.
    """

    split: str
    epoch: int
    step: int
    values: Mapping[str, float]
    seconds: float = 0.0
    num_examples: int = 0

    def metrics(self) -> dict[str, Any]:
        """The line of metrics.jsonl."""
        return {"split": self.split, "epoch": self.epoch, "step": self.step, **self.values}

    def timings(self) -> dict[str, Any]:
        """The line of timings.jsonl."""
        speed = self.num_examples / self.seconds if self.seconds else 0.0
        head = {"split": self.split, "epoch": self.epoch, "step": self.step}
        return head | {"seconds": round(self.seconds, 6), "examples_per_second": round(speed, 1)}


def read_record(line: bytes) -> dict[str, Any] | None:
    """Read one line of metrics.jsonl or timings.jsonl; None where it holds no record.

    A record is a JSON object with an integer `step` and a string `split`. NaN and infinities are kept as they are.

    >>> read_record(b'{"split": "train", "step": 3, "elbo_nats": NaN}')
    {'split': 'train', 'step': 3, 'elbo_nats': nan}
    >>> read_record(b'{"split": "train"}') is None
    True
    """
    try:
        record = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):  # no UTF-8, no JSON, a number of 5,000 digits; a thousand brackets
        return None
    if not isinstance(record, dict) or not isinstance(record.get("split"), str):
        return None
    step = record.get("step")
    return record if isinstance(step, int) and not isinstance(step, bool) else None
