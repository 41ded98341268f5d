"""What every address of one running studio shares."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends
from pydantic import BaseModel
from starlette.requests import HTTPConnection

from vael.studio.decoding import Decoder
from vael.studio.desk import Desk, Desks
from vael.studio.moments import Moments
from vael.studio.shelf import Shelf
from vael.studio.trainings import Trainings

__all__ = ["REFUSALS", "Refusal", "Studio", "TheStudio"]


class Refusal(BaseModel):
    """Say what was expected, what came and what to try; `field` names the value of a form that it is about."""

    detail: str
    field: str | None = None


REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Refusal, "description": words}
    for status, words in {
        400: "No JSON at all",
        404: "No such run, picture or address",
        409: "The run is in the wrong state for this",
        413: "Too large",
        422: "What came makes no sense here",
    }.items()
}


@dataclass
class Studio:
    """Hold what a running studio knows.

    Arguments:
        root: The folder that holds the runs.
        data_root: Where to look for data first.
    """

    root: Path
    data_root: Path | None = None
    shelf: Shelf = field(init=False)
    desks: Desks = field(init=False)
    moments: Moments = field(init=False)
    trainings: Trainings = field(init=False)
    pool: ThreadPoolExecutor = field(init=False)
    decoder: Decoder = field(init=False)

    def __post_init__(self) -> None:
        """Open the runs folder."""
        self.shelf, self.desks = Shelf(self.root), Desks(self.data_root)
        self.moments, self.trainings = Moments(self.data_root), Trainings(self.root, self.data_root)
        self.pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="decoder")
        self.decoder = Decoder(self.pool)

    def desk(self, name: str) -> Desk:
        """Open a run for use.

        Raises:
            VaelError: No such run, or one without weights.
        """
        return self.desks.open(self.shelf.find(name))


def _find(connection: HTTPConnection) -> Studio:
    return connection.app.state.studio


TheStudio = Annotated[Studio, Depends(_find)]
