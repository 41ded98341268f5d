"""The latent explorer inside a notebook: `run.explore()` starts a studio of its own, which ends with the process."""

import functools
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import vael

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Serve a page from another port of this machine, as a notebook is."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Keep the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def put(body: str) -> str:
            html = f'<!doctype html><link rel="icon" href="data:,"><meta charset="utf-8">{body}'
            (tmp_path / "notebook.html").write_text(html, encoding="utf-8")
            return f"http://localhost:{server.server_port}/notebook.html"

        yield put
        server.shutdown()


def test_the_frame_shows_the_explorer_of_the_run(page: "Page", runs: Any, notebook: Callable[[str], str]) -> None:
    shown = vael.load(runs.root / "plane").explore(height=500)
    again = vael.load(runs.root / "digits").explore()
    assert str(shown).split("?")[0] == str(again).split("?")[0]  # one studio for all runs of the folder
    page.goto(notebook(f"<h1>Notebook</h1>{shown._repr_html_()}"))
    frame = page.frame_locator("iframe")
    frame.locator(".axes b").wait_for()
    frame.get_by_role("application").hover(position={"x": 100, "y": 100})
    frame.get_by_text("z = (").wait_for()
    assert frame.locator("#bar").is_hidden()
    assert page.locator("iframe").bounding_box()["height"] == 502  # pyright: ignore[reportOptionalSubscript] (borders)


def test_the_studio_ends_with_the_process_that_started_it(runs: Any) -> None:
    code = f"import vael; print(vael.load({str(runs.root / 'plane')!r}).explore(), flush=True)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    url = re.match(r"http://[^/]+/", found.stdout)
    assert url is not None
    for _ in range(200):
        try:
            urllib.request.urlopen(url[0], timeout=1).close()
        except OSError:
            return
        time.sleep(0.1)
    raise AssertionError(f"{url[0]} still answers")
