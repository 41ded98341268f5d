"""Where the outcome of a command goes, and what is said of it."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vael.experiments import Run

__all__ = ["default_output", "is_picture", "say"]


def default_output(run: "Run", name: str) -> Path:
    """Return where a command writes that was not told: among the run's figures, or a table's numbers beside them."""
    return run.path / "figures" / f"{name}.png" if run.is_image else run.path / f"{name}.csv"


def is_picture(path: Path) -> bool:
    """Whether an output is a picture, by its ending; numbers otherwise."""
    return path.suffix not in (".npz", ".csv", ".parquet")


def say(path: Path) -> None:
    """Print where the outcome lies."""
    print(path)
