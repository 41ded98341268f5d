"""The latent explorer inside a notebook: a studio in a process of its own, and a frame that shows one page of it."""

import atexit
import functools
import html
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from vael.errors import VaelError

__all__ = ["Inline", "explore_inline"]


@dataclass(frozen=True)
class Inline:
    """Show a page of the studio where a notebook shows its results.

    Arguments:
        url: The page; it lives as long as this process.
        height: Pixels.
    """

    url: str
    height: int

    def __str__(self) -> str:
        """Say where the page is, for whoever is not in a notebook."""
        return self.url

    def _repr_html_(self) -> str:
        address = html.escape(self.url, quote=True)
        style = f"width: 100%; height: {self.height}px; border: 1px solid rgb(128 128 128 / 30%); border-radius: 8px"
        alone = html.escape(self.url.replace("?embedded=1", ""), quote=True)
        frame = f'<iframe src="{address}" style="{style}" title="Latent explorer"></iframe>'
        return f'{frame}<p><a href="{alone}" target="_blank">Open it alone</a></p>'


def explore_inline(path: Path, *, data_root: Path | None = None, height: int = 760) -> Inline:
    """Open the latent explorer of the run folder at `path`.

    The first call starts a studio on a free port of this machine; it ends with this process.

    Raises:
        VaelError: The studio cannot start.
    """
    root = path.absolute().parent
    return Inline(f"{_start_studio(root, data_root)}?embedded=1#/runs/{quote(path.name)}/explore", height)


@functools.cache
def _start_studio(root: Path, data_root: Path | None) -> str:
    """Start a studio of the runs folder and return its address, `http://…/`."""
    command = [sys.executable, "-m", "vael", "studio", str(root), "--port", "0", "--no-browser", "--json"]
    command += [] if data_root is None else ["--data-root", str(data_root)]
    with tempfile.TemporaryFile("w+") as said:  # no pipe: nobody would empty it
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, text=True, start_new_session=True
        )
        atexit.register(process.terminate)
        assert process.stdout is not None
        line = process.stdout.readline()
        said.seek(0)
        words = [] if line else said.read().strip().splitlines()
    if not line:
        raise VaelError(words[-1].removeprefix("vael: ") if words else "the studio ended before it began")
    return json.loads(line)["url"]
