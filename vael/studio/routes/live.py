"""What is pushed while it happens: one run's records, snapshots, findings and log."""

import asyncio
import contextlib
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from vael.errors import VaelError
from vael.experiments import Run
from vael.studio.live import Watcher
from vael.studio.state import TheStudio

__all__ = ["router"]

router = APIRouter(tags=["live"])

EVERY = 0.25  # seconds between two looks at the folder


@router.websocket("/runs/{name}/watch")
async def watch(socket: WebSocket, name: str, studio: TheStudio) -> None:
    """Send what changed about a run, as it changes: first everything, then the news."""
    await socket.accept()
    try:
        folder = studio.shelf.find(name)
        watcher = Watcher(studio.shelf, folder, Run(folder).has_rate)
    except VaelError as error:
        await socket.send_json({"detail": str(error), "final": True})
        await socket.close(4404)
        return
    leaving = asyncio.create_task(_wait_for_leaving(socket))
    try:
        while not leaving.done():
            changes = await asyncio.to_thread(_look, watcher)
            if changes is not None:
                await socket.send_json(changes)
                if changes.get("final"):
                    break
            await asyncio.wait([leaving], timeout=EVERY)
    except (WebSocketDisconnect, RuntimeError):  # the browser left while news was on its way
        pass
    finally:
        leaving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await leaving


def _look(watcher: Watcher) -> dict[str, Any] | None:
    """Return what changed; what cannot be read, and a run that is gone, are the last that is said."""
    try:
        changes = watcher.look()
    except VaelError as error:
        return {"detail": str(error), "final": True}
    return {**changes, "final": True} if changes is not None and "gone" in changes else changes


async def _wait_for_leaving(socket: WebSocket) -> None:
    """Return when the browser has left; what it says meanwhile does not matter."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
