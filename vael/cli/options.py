"""Options that several commands share."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from vael.experiments import Run

__all__ = ["Output", "Places", "open_run"]

Output = Annotated[Path | None, Parameter(alias="-o")]


@Parameter(name="*")
@dataclass(frozen=True)
class Places:
    """Where things lie."""

    runs: Annotated[Path, Parameter(env_var="VAEL_RUNS")] = Path("runs")
    "The folder that holds the runs."

    data_root: Path | None = None
    "Where to look for data first; then $VAEL_DATA and the user's cache folder."


def open_run(run: str, places: Places | None) -> "Run":
    """Open a run, by path or by name in the runs folder."""
    from vael.experiments import load

    places = places or Places()
    return load(run, runs=places.runs, data_root=places.data_root)
