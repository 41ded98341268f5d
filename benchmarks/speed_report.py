"""Numbers of a speed comparison, as data for JSON and as markdown."""

import statistics
from dataclasses import dataclass
from typing import Any

__all__ = ["Comparison", "Ratio", "Row", "markdown", "ratio_to"]

BUSY_IDLE_PERCENT = 1.0


@dataclass(frozen=True)
class Row:
    """What one side did, counted epochs only."""

    side: str
    says: str
    seconds: tuple[float, ...]
    images: int
    train_loss: float
    test_loss: float | None
    peak_mib: float
    children_peak_mib: float
    cpu_per_wall: float
    idle_cpu_percent: float
    startup_seconds: float
    about: dict[str, str]

    @property
    def median_seconds(self) -> float:
        """Seconds per epoch."""
        return statistics.median(self.seconds)

    @property
    def images_per_second(self) -> float:
        """Images of an epoch over the median seconds."""
        return self.images / self.median_seconds


@dataclass(frozen=True)
class Ratio:
    """How many times longer a side takes than the reference: of the medians, and round by round."""

    of_medians: float
    pairwise_median: float
    pairwise_min: float
    pairwise_max: float


@dataclass(frozen=True)
class Comparison:
    """One run of the benchmark."""

    network: str
    reference: str
    rows: tuple[Row, ...]
    skipped: dict[str, str]
    conditions: dict[str, Any]


def ratio_to(reference: Row, row: Row) -> Ratio:
    """Compare two sides; round by round a busy neighbour weighs on both."""
    pairs = [mine / theirs for mine, theirs in zip(row.seconds, reference.seconds, strict=True)]
    of_medians = row.median_seconds / reference.median_seconds
    return Ratio(of_medians, statistics.median(pairs), min(pairs), max(pairs))


def markdown(comparison: Comparison) -> str:
    """Return the whole report."""
    conditions = "\n".join(f"- {name}: {value}" for name, value in comparison.conditions.items())
    skipped = "".join(f"- `{name}` was left out: {reason}\n" for name, reason in comparison.skipped.items())
    parts = [f"# Training speed, network `{comparison.network}`", conditions, _table(comparison)]
    parts += [_notes(comparison.rows), skipped.strip()]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(comparison: Comparison) -> str:
    header = (
        "side",
        "s/epoch, median",
        "min–max",
        "images/s",
        f"time ÷ {comparison.reference}'s",
        "round by round, median (min–max)",
        "train loss",
        "test loss",
        "peak MiB",
        "start s",
    )
    reference = next((row for row in comparison.rows if row.side == comparison.reference), None)
    lines = [header, ("---",) + ("---:",) * (len(header) - 1)]
    lines += [_cells(row, reference) for row in comparison.rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cells(row: Row, reference: Row | None) -> tuple[str, ...]:
    ratio = ratio_to(reference, row) if reference else None
    return (
        f"`{row.side}`: {row.says}",
        f"{row.median_seconds:.3f}",
        f"{min(row.seconds):.3f}–{max(row.seconds):.3f}",
        f"{row.images_per_second:,.0f}",
        f"{ratio.of_medians:.2f}" if ratio else "–",
        f"{ratio.pairwise_median:.2f} ({ratio.pairwise_min:.2f}–{ratio.pairwise_max:.2f})" if ratio else "–",
        f"{row.train_loss:.2f}" if row.train_loss == row.train_loss else "–",
        f"{row.test_loss:.2f}" if row.test_loss is not None else "–",
        f"{row.peak_mib:.0f}",
        f"{row.startup_seconds:.1f}",
    )


def _notes(rows: tuple[Row, ...]) -> str:
    lines = []
    for row in rows:
        about = ", ".join(f"{name} {value}" for name, value in row.about.items())
        lines.append(f"- `{row.side}`: {about}; {row.cpu_per_wall:.2f} processors busy while training")
        if row.children_peak_mib:
            lines[-1] += f"; its largest child process took {row.children_peak_mib:.0f} MiB beside it"
        if row.idle_cpu_percent > BUSY_IDLE_PERCENT:
            lines[-1] += f"; **{row.idle_cpu_percent:.0f} % of a processor busy while the others trained**"
    return "\n".join(lines)
