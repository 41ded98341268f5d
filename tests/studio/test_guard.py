"""Who may talk to the studio: Host and Origin, the token, the headers, the port."""

import json
import socket
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from vael.studio.app import build_app
from vael.studio.guard import LARGEST_BODY

TOKEN = "a-secret-of-this-test"
WATCH = "ws://localhost/api/runs/digits/watch"


@pytest.fixture(scope="module")
def guarded(runs) -> Iterator[TestClient]:
    app = build_app(runs.root, token=TOKEN)
    with TestClient(app, base_url="http://studio.example:8765", follow_redirects=False) as client:
        yield client


@pytest.fixture(autouse=True)
def no_cookies(guarded: TestClient) -> None:
    guarded.cookies.clear()


@pytest.mark.parametrize("host", ["localhost", "localhost:8765", "127.0.0.1", "127.0.0.1:9", "[::1]", "[::1]:8765"])
def test_this_machine_under_its_own_names_is_answered(client: TestClient, host: str) -> None:
    assert client.get("/api/runs", headers={"host": host}).status_code == 200


FOREIGN_HOSTS = [
    "evil.example",
    "evil.example:8765",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "[::2]:8765",
    "",
]


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_foreign_host_is_refused(client: TestClient, host: str) -> None:
    """A name of the attacker's that resolves to 127.0.0.1 (DNS rebinding)."""
    for path in ("/api/runs", "/", "/plotly.js"):
        answer = client.get(path, headers={"host": host})
        assert answer.status_code == 403
        assert "localhost" in answer.json()["detail"]


@pytest.mark.parametrize("origin", ["http://localhost", "https://localhost"])
def test_the_studios_own_origin_is_answered(client: TestClient, origin: str) -> None:
    assert client.get("/api/runs", headers={"origin": origin}).status_code == 200


FOREIGN_ORIGINS = [
    "null",
    "http://evil.example",
    "http://localhost:9999",
    "http://localhost.evil.example",
    "file://",
    "",
]


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_a_foreign_origin_is_refused_and_nothing_happens(own: TestClient, scratch, origin: str) -> None:
    answer = own.delete("/api/runs/digits", headers={"origin": origin})
    assert answer.status_code == 403
    assert (scratch / "digits" / "run.json").exists()


def test_an_origin_with_another_port_than_the_hosts_is_foreign(client: TestClient) -> None:
    headers = {"host": "localhost:8765", "origin": "http://localhost:8766"}
    assert client.get("/api/runs", headers=headers).status_code == 403
    assert client.get("/api/runs", headers=headers | {"origin": "http://localhost:8765"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{"host": "evil.example"}, {"origin": "http://evil.example"}, {"origin": "null"}],
)
def test_a_foreign_websocket_is_refused(client: TestClient, headers: dict[str, str]) -> None:
    """Browsers let any page open a WebSocket to anywhere: only the server can refuse it."""
    with pytest.raises(WebSocketDisconnect) as refused, client.websocket_connect(WATCH, headers=headers):
        pass
    assert refused.value.code == 4403


def test_a_websocket_of_the_studios_own_page_is_answered(client: TestClient) -> None:
    with client.websocket_connect(WATCH, headers={"origin": "http://localhost", "host": "localhost"}) as socket:
        assert socket.receive_json()["summary"]["name"] == "digits"


def test_every_answer_says_what_a_page_may_load(client: TestClient) -> None:
    for path in ("/", "/js/main.js", "/api/runs", "/api/runs/missing", "/plotly.js"):
        headers = client.get(path).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'self'"
        assert "script-src" not in policy  # falls back to default-src: no inline scripts, none from elsewhere
        assert policy["base-uri"] == "'none'"
        assert "*" not in policy["frame-ancestors"].replace("localhost:*", "").replace("127.0.0.1:*", "")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in headers


def test_a_refusal_has_the_headers_too(client: TestClient) -> None:
    headers = client.get("/api/runs", headers={"host": "evil.example"}).headers
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("length", [str(LARGEST_BODY + 1), "9" * 30, "-1", "many"])
def test_a_body_that_says_it_is_too_large_is_refused_unread(client: TestClient, length: str) -> None:
    answer = client.post("/api/runs/digits/inspect", content=b"x", headers={"content-length": length})
    assert answer.status_code == 413
    assert "32 MB" in answer.json()["detail"]


class TestToken:
    """Beyond loopback every request must show the token."""

    @pytest.mark.parametrize("path", ["/", "/api/runs", "/plotly.js", "/api/openapi.json"])
    def test_without_it_nothing_is_told(self, guarded: TestClient, path: str) -> None:
        answer = guarded.get(path)
        assert answer.status_code == 401
        assert "token" in answer.json()["detail"]
        assert TOKEN not in answer.text

    @pytest.mark.parametrize("shown", ["", "wrong", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "ä"])
    def test_a_wrong_one_is_refused_wherever_it_is_shown(self, guarded: TestClient, shown: str) -> None:
        assert guarded.get("/api/runs", params={"token": shown}).status_code == 401
        assert guarded.get("/api/runs", headers={"authorization": f"Bearer {shown}".encode()}).status_code == 401
        assert guarded.get("/api/runs", headers={"cookie": f"vael_studio={shown}".encode()}).status_code == 401

    def test_in_the_address_it_becomes_a_cookie_and_leaves_the_address(self, guarded: TestClient) -> None:
        answer = guarded.get("/", params={"token": TOKEN, "theme": "dark"})
        assert answer.status_code == 303
        assert answer.headers["location"] == "/?theme=dark"
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert guarded.get("/api/runs").status_code == 200  # the client keeps the cookie

    def test_the_redirect_cannot_lead_elsewhere(self, guarded: TestClient) -> None:
        location = guarded.get("http://studio.example:8765//evil.example/x", params={"token": TOKEN}).headers[
            "location"
        ]
        assert not location.startswith("//")

    def test_as_a_bearer(self, guarded: TestClient) -> None:
        assert guarded.get("/api/runs", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200

    def test_a_foreign_origin_is_refused_even_with_it(self, guarded: TestClient) -> None:
        headers = {"authorization": f"Bearer {TOKEN}", "origin": "http://evil.example"}
        assert guarded.get("/api/runs", headers=headers).status_code == 403

    def test_a_websocket_needs_it(self, guarded: TestClient) -> None:
        with pytest.raises(WebSocketDisconnect) as refused, guarded.websocket_connect(WATCH):
            pass
        assert refused.value.code == 4403
        with guarded.websocket_connect(WATCH, headers={"cookie": f"vael_studio={TOKEN}"}) as socket:
            assert socket.receive_json()["summary"]["name"] == "digits"
        with guarded.websocket_connect(f"{WATCH}?token={TOKEN}") as socket:
            assert socket.receive_json()["summary"]["name"] == "digits"


def test_a_port_in_use_gives_way_to_the_next_and_it_is_said(runs, serve) -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    try:
        served = serve(runs.root, "--port", str(port))
    finally:
        taken.close()
    found = int(served.url.rpartition(":")[2])
    assert port < found < port + 50
    assert served.said["port_in_use"] == port


def test_beyond_loopback_the_address_holds_a_token(runs, serve) -> None:
    import httpx

    served = serve(runs.root, "--host", "0.0.0.0", "--port", "0", VAEL_STUDIO_TOKEN=TOKEN)
    assert served.said["url"].endswith(f"/?token={TOKEN}")
    assert json.dumps(served.said).count(TOKEN) == 1
    bare = served.said["url"].partition("?")[0].replace("0.0.0.0", "127.0.0.1")
    assert httpx.get(f"{bare}api/runs").status_code == 401
    assert httpx.get(f"{bare}api/runs", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
