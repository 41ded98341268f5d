"""Run the studio: find a port, open the browser, serve until Ctrl-C."""

import asyncio
import json
import logging
import os
import secrets
import socket
import threading
import webbrowser
from dataclasses import dataclass
from pathlib import Path

import torch
import uvicorn

from vael.errors import VaelError
from vael.studio.app import build_app
from vael.studio.guard import LOOPBACK

__all__ = ["Address", "serve"]

LARGEST_MESSAGE = 8 * 2**20  # bytes of one WebSocket message: a drawing is a hundredth of it
PORTS_TRIED = 50


@dataclass(frozen=True)
class Address:
    """Say where to listen.

    Arguments:
        host: A loopback address, or another one, which then asks for a token.
        port: The first port to try; 0 takes any free one.
    """

    host: str = "127.0.0.1"
    port: int = 8765

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host in LOOPBACK


def serve(
    root: Path,
    address: Address,
    *,
    data_root: Path | None = None,
    token: str | None = None,
    open_browser: bool = True,
    as_json: bool = False,
) -> None:
    """Serve the studio of a runs folder until Ctrl-C.

    Arguments:
        root: The folder that holds the runs.
        address: Where to listen; a port in use gives way to the next free one, which is said.
        data_root: Where to look for data first.
        token: What a browser elsewhere must show; made up where the address is no loopback and none is given.
        open_browser: Whether to open the page.
        as_json: Print one JSON line with the address instead of words.

    Raises:
        VaelError: No port is free, or the host is not this machine's.
    """
    if not address.is_loopback:
        token = token or os.environ.get("VAEL_STUDIO_TOKEN") or secrets.token_urlsafe(16)
    torch.set_num_threads(1)  # a training beside it needs the cores, and one picture at a time needs but one
    listening = _listen(address)
    port = listening.getsockname()[1]
    url = f"http://{'localhost' if address.is_loopback else address.host}:{port}/"
    shown = f"{url}?token={token}" if token else url
    if as_json:
        given_way = address.port if address.port not in (0, port) else None
        print(json.dumps({"url": shown, "runs": str(root.absolute()), "port_in_use": given_way}), flush=True)  # noqa: T201
    else:
        _say(root, address, port, shown)
    if open_browser:
        threading.Timer(0.5, webbrowser.open, [shown]).start()
    config = uvicorn.Config(
        build_app(root, data_root=data_root, token=token),
        log_level=logging.WARNING,
        ws="websockets-sansio",
        ws_max_size=LARGEST_MESSAGE,
        ws_per_message_deflate=False,  # pictures are small, and packing them costs more than sending them
        timeout_graceful_shutdown=2,
    )
    logging.getLogger("uvicorn.error").addFilter(_is_worth_a_line)
    uvicorn.Server(config).run(sockets=[listening])


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    """Whether the server's log says more than that its end has cut off who was still waiting for an answer."""
    cause = record.exc_info[1] if record.exc_info else None
    is_cut_off = isinstance(cause, asyncio.CancelledError) or "exceptions.CancelledError" in record.getMessage()
    return not is_cut_off


def _listen(address: Address) -> socket.socket:
    """Take the port, or the next free one."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    last: OSError | None = None
    for port in [address.port] if address.port == 0 else range(address.port, min(address.port + PORTS_TRIED, 65536)):
        taken = socket.socket(family, socket.SOCK_STREAM)
        if os.name == "posix":
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind((address.host, port))
            taken.listen(128)
        except OSError as error:
            taken.close()
            last = error
            if error.errno not in _BUSY:
                break
        else:
            return taken
    reason = last.strerror if last else "no such port"
    raise VaelError(f"the studio cannot listen on {address.host}:{address.port} ({reason}): choose another --port")


_BUSY = (98, 48, 13, 10048, 10013)  # in use, or not allowed below 1024: Linux, macOS, Windows


def _say(root: Path, address: Address, port: int, url: str) -> None:
    if address.port not in (0, port):
        print(f"Port {address.port} is in use: taking {port}.")  # noqa: T201
    print(f"The studio of {root} is at {url}  (Ctrl-C ends it; trainings go on)", flush=True)  # noqa: T201
