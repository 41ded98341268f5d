"""The latent space: the map, single examples, what is drawn or dropped, walks, and pictures that follow a pointer."""

import asyncio
import contextlib
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, Field

from vael.errors import VaelError
from vael.studio.decoding import Newest, read_question
from vael.studio.desk import AnyMethod, Desk
from vael.studio.packing import plain
from vael.studio.state import Studio, TheStudio

__all__ = ["router"]

router = APIRouter(tags=["latent space"])

Seed = Annotated[int, Query(ge=0, lt=2**31)]
Latent = Annotated[list[float], Field(max_length=4096)]
INVERT, CENTER = 1, 2  # bits of the first byte of a drawing


class Ends(BaseModel):
    """Say where a walk starts and ends, and how it goes."""

    start: Latent
    end: Latent
    num_steps: int = Field(24, ge=2, le=200)
    path: Literal["straight", "spherical"] = "straight"


@router.get("/runs/{name}/map")
def show_map(name: str, studio: TheStudio, method: AnyMethod = "auto") -> dict[str, Any]:
    """Return where the examples of the default split lie, with their labels and rates."""
    return plain(studio.desk(name).map(method))


@router.get("/runs/{name}/dimensions")
def dimensions(name: str, studio: TheStudio) -> dict[str, Any]:
    """Describe the latent dimensions, the largest rate first, what maps fit them, and the span of a table's columns."""
    desk = studio.desk(name)
    found = {"dimensions": desk.dimensions(), "methods": desk.methods, "ranges": desk.ranges()}
    return plain(found | {"split": desk.run.default_split})


@router.get("/runs/{name}/examples/{example}")
def show_example(name: str, example: int, studio: TheStudio, method: AnyMethod = "auto") -> dict[str, Any]:
    """Describe one example: its picture, reconstruction, rate, distortion, neighbours and place on the map."""
    desk = studio.desk(name)
    return _placed(desk, desk.example(example), method)


@router.post("/runs/{name}/inspect")
async def inspect(
    name: str,
    request: Request,
    studio: TheStudio,
    method: AnyMethod = "auto",
    filename: Annotated[str, Query(max_length=300)] = "the upload",
    invert: bool = False,
    center: bool = False,
) -> dict[str, Any]:
    """Describe an image or a table's row that the request's body holds, whatever its content type."""
    content = await request.body()  # the guard ends one that is too large
    desk = await asyncio.to_thread(studio.desk, name)
    found = await asyncio.to_thread(desk.inspect, content, name=filename, invert=invert, center=center)
    return await asyncio.to_thread(_placed, desk, found, method)


@router.post("/runs/{name}/interpolation")
def interpolate(name: str, ends: Ends, studio: TheStudio, method: AnyMethod = "auto") -> dict[str, Any]:
    """Walk between two latents; answers with every step's latent, its place on the map and its picture."""
    desk = studio.desk(name)
    return plain(desk.interpolate(ends.start, ends.end, num_steps=ends.num_steps, path=ends.path, method=method))


@router.get("/runs/{name}/prior")
def draw_prior(name: str, studio: TheStudio, seed: Seed = 0) -> dict[str, Any]:
    """Draw one latent of the prior."""
    return plain({"z": studio.desk(name).draw_prior(seed)})


@router.websocket("/runs/{name}/decode")
async def decode(socket: WebSocket, name: str, studio: TheStudio, method: AnyMethod = "auto") -> None:
    """Answer each question with its number, the point, the latent and the picture; the newest question wins."""
    await socket.accept()
    try:
        desk = await asyncio.to_thread(_with_map, studio, name, method)
    except VaelError as error:
        await _refuse(socket, error)
        return

    async def answer(message: bytes) -> None:
        number, question = read_question(message)
        found = await studio.decoder.ask(desk, method, question)
        await socket.send_bytes(number.to_bytes(4, "little") + found.to_bytes())

    await _converse(socket, answer)


@router.websocket("/runs/{name}/drawing")
async def draw(socket: WebSocket, name: str, studio: TheStudio, method: AnyMethod = "auto") -> None:
    """Describe each drawing that comes (a byte of flags, then an image's bytes); the newest wins."""
    await socket.accept()
    try:
        desk = await asyncio.to_thread(studio.desk, name)
    except VaelError as error:
        await _refuse(socket, error)
        return

    def look(message: bytes) -> dict[str, Any]:
        flags = message[0] if message else 0
        content, invert, center = message[1:], bool(flags & INVERT), bool(flags & CENTER)
        found = desk.inspect(content, name="drawing.png", invert=invert, center=center)
        return plain(_placed(desk, found, method))

    async def answer(message: bytes) -> None:
        loop = asyncio.get_running_loop()
        await socket.send_json(await loop.run_in_executor(studio.pool, look, message))

    await _converse(socket, answer)


async def _converse(socket: WebSocket, answer: Any) -> None:
    """Answer the newest message until the browser leaves; what makes no sense is told, and the talk goes on."""
    newest = Newest()
    listening = asyncio.create_task(_listen(socket, newest))
    try:
        while (message := await newest.take()) is not None:
            try:
                await answer(message)
            except VaelError as error:
                await socket.send_json({"detail": str(error)})
    except (WebSocketDisconnect, RuntimeError):  # the browser left while an answer was on its way
        pass
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
            await listening


async def _listen(socket: WebSocket, newest: Newest) -> None:
    """Take in what the browser sends."""
    try:
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            content = message.get("bytes")
            newest.put(content if content is not None else (message.get("text") or "").encode())
    finally:
        newest.close()


async def _refuse(socket: WebSocket, error: VaelError) -> None:
    """Say why nothing will come, and hang up."""
    await socket.send_json({"detail": str(error), "final": True})
    await socket.close(4404)


def _with_map(studio: Studio, name: str, method: AnyMethod) -> Desk:
    """Open a run and compute its map before the first question."""
    desk = studio.desk(name)
    if desk.has_map:
        desk.projection(method)
    return desk


def _placed(desk: Desk, found: dict[str, Any], method: AnyMethod) -> dict[str, Any]:
    """Add where the example lies on the map."""
    return plain(found | {"point": desk.place(found["z"], method)})
