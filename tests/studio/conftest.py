"""A folder of small trained runs, a real studio process over it, a browser, and the application without a server."""

import contextlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import vael

if importlib.util.find_spec("fastapi") is None:  # vael[studio] is not installed
    collect_ignore_glob = ["test_*.py"]

with warnings.catch_warnings(), contextlib.suppress(ModuleNotFoundError):
    warnings.simplefilter("ignore")  # newer starlettes prefer httpx2 and take httpx too: test modules import it quietly
    import fastapi.testclient  # noqa: F401

if TYPE_CHECKING:
    from fastapi.testclient import TestClient
    from playwright.sync_api import Browser, ConsoleMessage, Page

NARROW = {"model.encoder.hidden_features": [16], "model.decoder.hidden_features": [16]}
DIGITS = NARROW | {"training.epochs": 6}
TABLE = NARROW | {"training.epochs": 3}
START = 60.0  # seconds until a studio must have said where it is
PATIENCE = 20_000  # milliseconds until a page must show what is expected: what has to be quick says so in its own test


@dataclass(frozen=True)
class Runs:
    """Name the runs of the shared folder: tests read them and change nothing about them.

    Arguments:
        root: The folder.
        digits: 8×8 digits, 8 latent dimensions.
        plane: The same with 2.
        table: Three columns, named with a comma, a quote and an umlaut.
    """

    root: Path
    digits: str = "digits"
    plane: str = "plane"
    table: str = "table"


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    folder = tmp_path_factory.mktemp("studio")
    runs = Runs(folder / "runs")
    source = _write_table(folder / "rows.csv")
    vael.train("digits", settings=DIGITS, runs=runs.root, name=runs.digits, on_record=_drop)
    vael.train("digits", settings=DIGITS | {"model.latent_dim": 2}, runs=runs.root, name=runs.plane, on_record=_drop)
    vael.train(str(source), settings=TABLE, runs=runs.root, name=runs.table, on_record=_drop)
    return runs


@pytest.fixture(scope="session")
def workshop(runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two of the runs and three more: `colours`, `blind` (no density) and `told` (the label)."""
    folder = tmp_path_factory.mktemp("workshop")
    for name in (runs.digits, runs.table):
        shutil.copytree(runs.root / name, folder / "runs" / name)
    np.save(folder / "colours.npy", np.random.default_rng(0).integers(0, 256, (120, 12, 12, 3), np.uint8))
    made: dict[str, tuple[str, dict[str, Any]]] = {
        "colours": (str(folder / "colours.npy"), {"training.corruption": "greyscale"}),
        "blind": ("digits", {"model.posterior": "point", "objective.name": "autoencoder"}),
        "told": ("digits", {"model.condition": "label"}),
    }
    for name, (source, settings) in made.items():
        few = NARROW | {"training.epochs": 1} | settings
        vael.train(source, settings=few, runs=folder / "runs", name=name, on_record=_drop)
    return folder / "runs"


def _drop(record: object) -> None:
    """Take a record and print nothing."""


def _write_table(path: Path) -> Path:
    rng = np.random.default_rng(0)
    first = rng.normal(20, 3, 200)
    rows = np.stack([first, 2 * first + rng.normal(0, 1, 200), rng.normal(0, 1e-3, 200)], axis=1)
    lines = [",".join(f"{value:.6g}" for value in row) for row in rows]
    path.write_text('"length, cm","weight ""dry""",höhe\n' + "\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def scratch(runs: Runs, tmp_path: Path) -> Path:
    """Return a folder of its own with copies of two runs, to be changed."""
    folder = tmp_path / "runs"
    for name in (runs.digits, runs.table):
        shutil.copytree(runs.root / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def client(runs: Runs) -> "Iterator[TestClient]":
    """Return a client of the application over the shared folder."""
    yield from _client(runs.root)


@pytest.fixture
def own(scratch: Path) -> "Iterator[TestClient]":
    """Return a client of the application over a folder that may be changed."""
    yield from _client(scratch)


@pytest.fixture(scope="session")
def bench(workshop: Path) -> "Iterator[TestClient]":
    """Return a client of the application over the folder of runs to be used."""
    yield from _client(workshop)


def _client(root: Path) -> "Iterator[TestClient]":
    from fastapi.testclient import TestClient

    from vael.studio.app import build_app

    app = build_app(root)
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        yield client


@dataclass(frozen=True)
class Served:
    """Hold a running studio process: what its first line said, and the process."""

    said: dict[str, Any]
    process: "subprocess.Popen[str]"

    @property
    def url(self) -> str:
        """The address that it printed, without a slash at the end."""
        return self.said["url"].rstrip("/")


Serve = Callable[..., Served]


@pytest.fixture(scope="session")
def serve() -> Iterator[Serve]:
    """Return a function that starts `vael studio FOLDER …`; in the end all are stopped, and none may have failed."""
    started: list[Served] = []

    def start(root: Path, *options: str, **environment: str) -> Served:
        command = [sys.executable, "-m", "vael", "studio", str(root), "--no-browser", "--json", *options]
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=os.environ | {"PYTHONUNBUFFERED": "1"} | environment,
        )
        assert process.stdout is not None
        patience = threading.Timer(START, process.kill)
        patience.start()
        line = process.stdout.readline()
        patience.cancel()
        if not line:
            raise AssertionError(f"the studio said nothing and ended: {process.communicate()[1]}")
        started.append(Served(json.loads(line), process))
        return started[-1]

    yield start
    said = [_end(served.process) for served in started]
    assert [words for words in said if "Traceback" in words] == []


def _end(process: "subprocess.Popen[str]") -> str:
    """Stop a studio and return what it wrote to its stderr."""
    process.terminate()
    try:
        return process.communicate(timeout=10)[1]
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()[1]


@pytest.fixture(scope="session")
def studio(runs: Runs, serve: Serve) -> str:
    """Return the base address of a real studio over the shared folder."""
    return serve(runs.root, "--port", "0").url


@pytest.fixture(scope="module")  # while it is open, its event loop runs in this thread, and tests of asyncio cannot
def browser() -> Iterator["Browser"]:
    """Return a Chromium; skip where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="browser tests need playwright")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("browser tests need chromium on the path")
    playwright.expect.set_options(timeout=PATIENCE)
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def _is_wrong(message: "ConsoleMessage") -> bool:
    """Whether a line of the console is an error; Chromium logs refusals too, which the page itself has to show."""
    return message.type == "error" and re.search(r"with a status of (409|413|422)\b", message.text) is None


@pytest.fixture
def page(browser: "Browser") -> Iterator["Page"]:
    """Return an empty page of 1280 × 800 that lets no error of its scripts pass."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(PATIENCE)
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if _is_wrong(message) else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    page.close()
    assert wrong == []
