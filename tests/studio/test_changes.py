"""What changes a run from the studio: rename, delete, stop, resume, train."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from exchange import sentence
from fastapi.testclient import TestClient

from vael.runs import RunFolder
from vael.studio.state import Studio


def test_rename(own: TestClient, scratch: Path) -> None:
    assert own.get("/api/runs/digits/examples/0").status_code == 200  # it is open when it moves
    assert own.patch("/api/runs/digits", json={"name": "Ziffern, 1. Versuch"}).json() == {"name": "Ziffern, 1. Versuch"}
    assert not (scratch / "digits").exists()
    assert own.get("/api/runs/Ziffern,%201.%20Versuch/examples/0").status_code == 200
    sentence(own.get("/api/runs/digits"), 404)


def test_delete_removes_the_folder(own: TestClient, scratch: Path) -> None:
    assert own.get("/api/runs/digits/map").status_code == 200
    assert own.delete("/api/runs/digits").status_code == 204
    assert [path.name for path in scratch.iterdir()] == ["table"]
    sentence(own.get("/api/runs/digits/map"), 404)
    sentence(own.delete("/api/runs/digits"), 404)


def test_a_name_that_is_taken(own: TestClient, scratch: Path) -> None:
    assert "exists" in sentence(own.patch("/api/runs/digits", json={"name": "table"}), 409)
    answer = own.post("/api/runs", json={"recipe": "digits", "name": "table"})
    assert "taken" in sentence(answer, 422)
    assert answer.json()["field"] == "name"


def test_what_is_being_trained_is_left_alone(own: TestClient, scratch: Path) -> None:
    folder = RunFolder(scratch / "digits")
    folder.update_info(status="running")
    with folder.locked():
        assert "stop it first" in sentence(own.delete("/api/runs/digits"), 409)
        assert "stop it first" in sentence(own.patch("/api/runs/digits", json={"name": "other"}), 409)
        assert "being trained" in sentence(own.post("/api/runs/digits/resume", json={}), 409)
    assert (scratch / "digits" / "model.safetensors").exists()


def test_what_is_not_being_trained_cannot_be_stopped(own: TestClient) -> None:
    assert "not being trained" in sentence(own.post("/api/runs/digits/stop"), 409)


@pytest.mark.parametrize("epochs", [0, -1, 1.5, "many", 10**7])
def test_a_number_of_epochs_that_is_none(own: TestClient, epochs: Any) -> None:
    sentence(own.post("/api/runs/digits/resume", json={"epochs": epochs}), 422)


def test_a_training_from_start_to_stop_to_end(own: TestClient, scratch: Path) -> None:
    order = {"recipe": "digits", "settings": ["training.epochs=100000"], "name": "mine"}
    assert own.post("/api/runs", json=order).json() == {"name": "mine"}
    with own.websocket_connect("ws://localhost/api/runs/mine/watch") as socket:
        until(lambda: socket.receive_json().get("records"))
        assert "stop it first" in sentence(own.delete("/api/runs/mine"), 409)
        assert own.post("/api/runs/mine/stop").status_code == 202
        until(lambda: socket.receive_json().get("summary", {}).get("state") == "interrupted")
    epoch = RunFolder(scratch / "mine").metrics()[-1]["epoch"]
    assert own.post("/api/runs/mine/resume", json={"epochs": epoch + 2}).status_code == 202
    until(lambda: own.get("/api/runs/mine").json()["summary"]["state"] == "finished")
    assert own.get("/api/runs/mine").json()["summary"]["epoch"] == epoch + 2
    until(lambda: state_of(own).trainings.tidy() == 0)
    assert own.delete("/api/runs/mine").status_code == 204


def state_of(client: TestClient) -> Studio:
    """Return what the application knows, to wait for what no address tells."""
    return client.app.state.studio  # pyright: ignore[reportAttributeAccessIssue, reportFunctionMemberAccess]


def until(holds: Callable[[], Any], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)
