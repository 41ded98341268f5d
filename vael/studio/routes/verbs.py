"""The verbs of a run: which make sense, and each asked of the run's own examples or of a file."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from vael.studio.packing import plain
from vael.studio.state import TheStudio
from vael.studio.uploads import Upload
from vael.studio.verbs import detecting, offers

__all__ = ["router"]

router = APIRouter(tags=["verbs"])

Filename = Annotated[str, Query(max_length=300)]
Word = Annotated[str | None, Query(max_length=300)]


@router.get("/runs/{name}/verbs")
def list_verbs(name: str, studio: TheStudio) -> dict[str, Any]:
    """List the verbs, each with the sentence that refuses it or null, and the options that fit the run."""
    return plain(offers.describe(studio.desk(name)))


@router.post("/runs/{name}/detect")
async def detect(
    name: str,
    request: Request,
    studio: TheStudio,
    score: Word = None,
    false_alarms: float = 0.01,
    filename: Filename = "the upload",
    label: Word = None,
) -> dict[str, Any]:
    """Find the strange among the default split, or among what the request's body holds: an image, a zip, rows."""
    upload = await _upload(request, filename)
    desk = await asyncio.to_thread(studio.desk, name)
    options = {"score": score, "false_alarms": false_alarms, "label": label}
    return plain(await asyncio.to_thread(detecting.detect, desk, upload, **options))


async def _upload(request: Request, filename: str) -> Upload | None:
    """Return the file that the body holds; None where it is empty."""
    content = await request.body()  # the guard ends one that is too large
    return Upload(content, filename) if content else None
