"""The studio's sockets: what is pushed, and talks that survive nonsense."""

import socket
import struct
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from exchange import png
from fastapi.testclient import TestClient

import vael


def question(number: int, values: list[float], kind: int = 0) -> bytes:
    return struct.pack("<II", number, kind) + np.array(values, "<f4").tobytes()


def test_a_latent_is_decoded(client: TestClient, runs) -> None:
    run = vael.load(runs.root / runs.digits)
    z = run.embed().mean[5]
    with client.websocket_connect("ws://localhost/api/runs/digits/decode") as socket:
        socket.send_bytes(question(7, z.tolist()))
        answer = socket.receive_bytes()
    assert struct.unpack_from("<I", answer) == (7,)
    point, latent = np.frombuffer(answer, "<f4", 2, 4), np.frombuffer(answer, "<f4", 8, 12)
    np.testing.assert_allclose(point, run.project().points[5], atol=1e-4)
    np.testing.assert_array_equal(latent, z)
    pixels = np.frombuffer(answer, np.uint8, -1, 12 + 32).reshape(8, 8, 3)
    assert abs(pixels.astype(int) - run.pixels(run.reconstruct([5]).mean)[0]).max() <= 1


NONSENSE = (
    question(1, [0.0] * 7),
    question(1, []),
    question(1, [float("nan")] * 8),
    question(1, [float("inf")] * 8),
    question(1, [0.0] * 3, kind=1),
    question(1, [0.0] * 8, kind=9),
    question(1, [0.0] * 8)[:-1],
    question(1, [0.0] * 100_000),
    b"",
    b"x",
)


@pytest.mark.parametrize("nonsense", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_is_told_and_the_talk_goes_on(client: TestClient, nonsense: bytes) -> None:
    with client.websocket_connect("ws://localhost/api/runs/digits/decode") as socket:
        socket.send_bytes(nonsense)
        assert "expects" in socket.receive_json()["detail"]
        socket.send_text("words")
        assert "expects" in socket.receive_json()["detail"]
        socket.send_bytes(question(2, [0.0] * 8))
        assert socket.receive_bytes()[:4] == b"\x02\0\0\0"


def test_a_drawing_is_described_as_an_upload_is(client: TestClient) -> None:
    drawn = png()
    with client.websocket_connect("ws://localhost/api/runs/digits/drawing") as socket:
        for flags, query in ((0, ""), (1, "?invert=true"), (2, "?center=true"), (3, "?invert=true&center=true")):
            socket.send_bytes(bytes([flags]) + drawn)
            told, posted = (
                socket.receive_json(),
                client.post(f"/api/runs/digits/inspect{query}", content=drawn).json(),
            )
            assert told["x"] == posted["x"]
            assert told["z"] == pytest.approx(posted["z"], abs=1e-5)


@pytest.mark.parametrize("nonsense", [b"", b"\x00", b"\x00no image", b"\xff" + png()[:50]])
def test_a_drawing_that_is_none(client: TestClient, nonsense: bytes) -> None:
    with client.websocket_connect("ws://localhost/api/runs/digits/drawing") as socket:
        socket.send_bytes(nonsense)
        assert socket.receive_json()["detail"].startswith("drawing.png ")
        socket.send_bytes(b"\x00" + png())
        assert socket.receive_json()["score_nats"] > 0


@pytest.mark.parametrize("kind", ["watch", "decode", "drawing"])
def test_a_run_that_is_not_there_is_told_once(client: TestClient, kind: str) -> None:
    with client.websocket_connect(f"ws://localhost/api/runs/digit/{kind}") as socket:
        told = socket.receive_json()
        assert told["final"]
        assert "did you mean 'digits'" in told["detail"]
        assert socket.receive()["type"] == "websocket.close"


def test_one_who_leaves_midway_leaves_no_trace(client: TestClient) -> None:
    for _ in range(5):
        with client.websocket_connect("ws://localhost/api/runs/digits/drawing") as socket:
            socket.send_bytes(b"\x00" + png(500, 500))
        with client.websocket_connect("ws://localhost/api/runs/digits/decode") as socket:
            socket.send_bytes(question(1, [0.0] * 8))
        with client.websocket_connect("ws://localhost/api/runs/digits/watch"):
            pass
    assert client.get("/api/runs/digits/examples/0").status_code == 200


def test_one_who_hangs_up_in_the_middle_of_an_upload(studio: str) -> None:
    """On a real server, whose stderr is looked at when the tests end."""
    place = urlsplit(studio)
    head = f"POST /api/runs/digits/inspect HTTP/1.1\r\nHost: localhost:{place.port}\r\nContent-Length: 100000\r\n\r\n"
    for sent in (b"", b"half"):
        with socket.create_connection((place.hostname or "", place.port or 0)) as connection:
            connection.sendall(head.encode() + sent)
    with socket.create_connection((place.hostname or "", place.port or 0)) as connection:
        connection.sendall(b"\x16\x03\x01 no HTTP at all\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400")
    assert httpx.get(f"{studio}/api/runs").status_code == 200
