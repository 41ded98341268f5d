"""Who may talk to the studio: this machine's own browser, or whoever holds the token.

A server on 127.0.0.1 is reachable by every web page that the user's browser shows. Two checks close that door. The
`Host` header must name this machine, so that a foreign name that resolves to 127.0.0.1 (DNS rebinding) gets nothing;
and an `Origin` header, which browsers send with every cross-site write and WebSocket, must be the studio's own.
"""

import hmac
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["LARGEST_BODY", "LOOPBACK", "Guard"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
LARGEST_BODY = 32 * 2**20
TOO_LARGE = f"an upload expects at most {LARGEST_BODY // 2**20} MB: make it smaller"
DIGITS = 12  # of a body's length; int() itself refuses numbers of thousands
COOKIE = "vael_studio"

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
        "connect-src 'self' ws: wss:; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'self' http://localhost:* http://127.0.0.1:* vscode-webview:"  # notebooks, for run.explore()
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


@dataclass(frozen=True)
class Guard:
    """Let a request through, or refuse it with one sentence.

    Arguments:
        app: The application behind it.
        token: What a request must show when the studio listens beyond this machine; None on loopback.
    """

    app: ASGIApp
    token: str | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check a request or a WebSocket before the application sees it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is None:
            counted = receive if scope["type"] == "websocket" else _with_limit(receive)
            await self.app(scope, counted, _with_headers(send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 4403, "reason": "refused"})
        else:
            await refusal(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        host = headers.get("host", "")
        if self.token is None and _name_of(host) not in LOOPBACK:
            return _refuse(403, f"the studio answers to localhost and 127.0.0.1, not to '{host}': open it by those")
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != host:
            return _refuse(403, f"a page of '{origin}' may not use the studio: open the studio itself")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > DIGITS or int(length) > LARGEST_BODY:
            return _refuse(413, TOO_LARGE)
        return None if self.token is None else self._ask_token(scope, headers)

    def _ask_token(self, scope: Scope, headers: Headers) -> Response | None:
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        shown = query.pop("token", [""])[0]
        cookie = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")  # others' cookies of this host come too
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        if self._fits(bearer) or self._fits(cookie):
            return None
        if not self._fits(shown):
            return _refuse(401, "this studio expects its token: open the address that 'vael studio' printed")
        if scope["type"] == "websocket":
            return None
        clean = "/" + scope["path"].lstrip("/\\") + (f"?{urlencode(query, doseq=True)}" if query else "")
        answer = RedirectResponse(clean, status_code=303)  # out of the address bar and of the history
        answer.set_cookie(COOKIE, self.token or "", httponly=True, samesite="strict")
        return answer

    def _fits(self, shown: str) -> bool:
        return hmac.compare_digest(shown.encode(), (self.token or "").encode())


def _name_of(host: str) -> str:
    """Return the name of a `Host` header without its port: `[::1]:8765` is `::1`."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if ":" in host else host


def _refuse(status: int, sentence: str) -> Response:
    return JSONResponse({"detail": sentence, "field": None}, status_code=status)


def _with_limit(receive: Receive) -> Receive:
    """Stop a body that came without its length once it is too large."""
    taken = 0

    async def receiving() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > LARGEST_BODY:
            raise HTTPException(413, TOO_LARGE)
        return message

    return receiving


def _with_headers(send: Send) -> Send:
    """Add the headers that tell the browser what a page of the studio may load."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            extra = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
            message["headers"] = [*message.get("headers", []), *extra]
        await send(message)

    return sending
