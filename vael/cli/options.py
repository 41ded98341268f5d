"""Options that several commands share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

__all__ = ["Places"]


@Parameter(name="*")
@dataclass(frozen=True)
class Places:
    """Where things lie."""

    runs: Annotated[Path, Parameter(env_var="VAEL_RUNS")] = Path("runs")
    "The folder that holds the runs."

    data_root: Path | None = None
    "Where to look for data first; then $VAEL_DATA and the user's cache folder."
