"""The verbs of a run: which make sense, and each asked of the run's own examples or of a file."""

import asyncio
import base64
import binascii
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from vael.errors import VaelError
from vael.studio.packing import plain
from vael.studio.state import TheStudio
from vael.studio.uploads import Upload
from vael.studio.verbs import coding, detecting, grouping, mending, offers
from vael.tasks.cluster import ClusterMethod

__all__ = ["router"]

router = APIRouter(tags=["verbs"])

Filename = Annotated[str, Query(max_length=300)]
Word = Annotated[str | None, Query(max_length=300)]


class Mending(BaseModel):
    """Say what is to be mended: examples of the default split, or a file.

    Arguments:
        examples: Their numbers.
        file: An image or rows in base64, instead of examples; empty for none.
        filename: What the browser calls it.
        label: What it shows, for a conditional model.
        seed: Seed of all that is drawn.
    """

    examples: list[int] = Field(default_factory=list, max_length=32)
    file: str = ""
    filename: str = Field("the upload", max_length=300)
    label: str | None = Field(None, max_length=300)
    seed: int = Field(0, ge=0, lt=2**31)

    def subject(self) -> mending.Subject:
        """Return what a verb takes.

        Raises:
            VaelError: Neither examples nor a file, or what is no base64.
        """
        if bool(self.examples) == bool(self.file):
            raise VaelError("expected numbers of examples or a file, got " + ("both" if self.file else "neither"))
        upload = Upload(_bytes_of(self.file, self.filename), self.filename) if self.file else None
        return mending.Subject(self.examples, upload, self.label)


class Denoising(Mending):
    """Say what is to be mended and by what it is spoilt first; `amount` is sigma or a share."""

    noise: str | None = Field(None, max_length=100)
    amount: float | None = Field(None, ge=0, le=100)


class Inpainting(Mending):
    """Say what is to be filled: `mask` is a byte a pixel in base64, not 0 where it is hidden."""

    mask: str | None = None
    num_fills: int = Field(4, ge=1, le=16)


class Colouring(Mending):
    """Say what is to be coloured, and how often."""

    num_colourings: int = Field(4, ge=1, le=16)


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


@router.post("/runs/{name}/denoise")
def denoise(name: str, order: Denoising, studio: TheStudio) -> dict[str, Any]:
    """Spoil examples and mend them, or mend a file as it is."""
    subject = order.subject()
    options = {"noise": order.noise, "amount": order.amount, "seed": order.seed}
    return plain(mending.denoise(studio.desk(name), subject, **options))


@router.post("/runs/{name}/inpaint")
def inpaint(name: str, order: Inpainting, studio: TheStudio) -> dict[str, Any]:
    """Fill what a mask hides, or the missing cells of rows, several times."""
    subject, mask = order.subject(), None if order.mask is None else _bytes_of(order.mask, "the mask")
    return plain(mending.inpaint(studio.desk(name), subject, mask=mask, num_fills=order.num_fills, seed=order.seed))


@router.post("/runs/{name}/colorize")
def colorize(name: str, order: Colouring, studio: TheStudio) -> dict[str, Any]:
    """Give grey images colours, several times."""
    subject = order.subject()
    return plain(mending.colorize(studio.desk(name), subject, num_colourings=order.num_colourings, seed=order.seed))


@router.get("/runs/{name}/clusters")
def clusters(
    name: str,
    studio: TheStudio,
    method: ClusterMethod | None = None,
    num_clusters: Annotated[int | None, Query(ge=1, le=100)] = None,
    seed: Annotated[int, Query(ge=0, lt=2**31)] = 0,
) -> dict[str, Any]:
    """Group the examples of the default split."""
    return plain(grouping.cluster(studio.desk(name), method=method, num_clusters=num_clusters, seed=seed))


@router.post("/runs/{name}/compress")
async def compress(
    name: str,
    request: Request,
    studio: TheStudio,
    count: Annotated[int, Query(ge=1, le=10_000)] = 100,
    filename: Filename = "the upload",
) -> dict[str, Any]:
    """Code the first images of the default split, or of the zip, array or image that the request's body holds."""
    upload = await _upload(request, filename)
    desk = await asyncio.to_thread(studio.desk, name)
    return plain(await asyncio.to_thread(coding.compress, desk, upload, count=count))


@router.post("/runs/{name}/decompress")
async def decompress(
    name: str, request: Request, studio: TheStudio, filename: Filename = "the upload"
) -> dict[str, Any]:
    """Read back what `compress` wrote and the request's body holds."""
    upload = await _upload(request, filename) or Upload(b"", filename)
    desk = await asyncio.to_thread(studio.desk, name)
    return plain(await asyncio.to_thread(coding.decompress, desk, upload))


async def _upload(request: Request, filename: str) -> Upload | None:
    """Return the file that the body holds; None where it is empty."""
    content = await request.body()  # the guard ends one that is too large
    return Upload(content, filename) if content else None


def _bytes_of(text: str, name: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise VaelError(f"{name} expects base64, got other letters") from None
