"""Take the pictures of the studio that the documentation shows, in both themes and on a phone, from real runs.

    VAEL_DATA=… python benchmarks/studio_pictures.py runs/ --output docs/images/studio

The runs folder holds `basic`, `binary-20`, `manifold-2d`, `beta-4`, `digits`, trained with the recipes of their names
(`beta-4` is `binary-20` with objective.beta=4), and `colours`, of CIFAR-10 as docs/tasks/colorize.md says. They are
copied, a training is started beside them, and one is watched while it goes on. Faces are left out: their data may not
be shown on.
"""

import argparse
import contextlib
import io
import json
import math
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright
from studio import VAEL, running

SHOWN = ("colours", "basic", "manifold-2d", "beta-4", "digits", "binary-20")
LONG_NAME = "binary-20-with-a-name-that-says-all-about-seed-and-schedule"
SCREENS = {"": ("light", 1280, 800), "-dark": ("dark", 1280, 800), "-phone": ("light", 390, 844)}


@dataclass(frozen=True)
class Shot:
    """One picture: where, what is done there first, and whether it shows the whole page."""

    name: str
    place: str
    act: Callable[[Page], None]
    whole: bool = False


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", type=Path)
    parser.add_argument("--output", type=Path, default=Path("docs/images/studio"))
    parser.add_argument("--only", action="append", help="names of pictures")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, browsing() as open_page:
        full, empty = Path(folder) / "runs", Path(folder) / "empty"
        for name in SHOWN:
            shutil.copytree(options.runs / name, full / name)
        many = copy_many(options.runs / "digits", Path(folder) / "many")
        live = None if options.only and "live" not in options.only else start_training(full)
        for root, shots in ((full, SHOTS), (empty, [EMPTY]), (many, [MANY])):
            with running(root) as studio:
                for shot in [shot for shot in shots if not options.only or shot.name in options.only]:
                    take(shot, studio.url, open_page, options.output)
        if live is not None:
            live.terminate()
            live.wait()


@contextlib.contextmanager
def browsing() -> Iterator[Callable[[str, int, int], Page]]:
    """Give a function that opens pages in Debian's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])

        def open_page(theme: str, width: int, height: int) -> Page:
            scheme = "dark" if theme == "dark" else "light"
            return browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)

        yield open_page
        browser.close()


def start_training(root: Path) -> "subprocess.Popen[bytes]":
    """Start a training that goes on while it is pictured; return when it has come to its sixth epoch."""
    command = [*VAEL, "train", "mnist", "--recipe", "binary-20", "--name", "live", "--quiet", "--runs", str(root)]
    settings = ["--set", "training.epochs=60", "--set", "training.compile=off", "--set", "training.seed=7"]
    process = subprocess.Popen([*command, *settings])
    path = root / "live" / "metrics.jsonl"
    while not path.exists() or len(path.read_text(encoding="utf-8").splitlines()) < 12:
        time.sleep(0.5)
    return process


def copy_many(source: Path, root: Path) -> Path:
    """Make fifty runs of one, as if started one after the other."""
    for number in range(50):
        name = LONG_NAME if number == 41 else f"digits-{number + 1}"
        shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("snapshots", "checkpoints", "figures"))
        path = root / name / "run.json"
        info = json.loads(path.read_text(encoding="utf-8"))
        info["status"] = ("finished", "finished", "finished", "interrupted", "failed")[number % 5]
        path.write_text(json.dumps(info), encoding="utf-8")
    return root


def take(shot: Shot, url: str, open_page: Callable[[str, int, int], Page], output: Path) -> None:
    """Take one picture on every screen."""
    for suffix, (theme, width, height) in SCREENS.items():
        page = open_page(theme, width, height)
        page.goto(f"{url}{shot.place}")
        shot.act(page)
        page.wait_for_timeout(900)
        content = page.screenshot(full_page=shot.whole or "phone" in suffix)
        page.close()
        path = output / f"{shot.name}{suffix}.webp"  # a third of a PNG's size
        Image.open(io.BytesIO(content)).convert("RGB").save(path, quality=86, method=6)
        print(path)


def settle(page: Page) -> None:
    """Wait until nothing is loaded any more."""
    page.wait_for_load_state("networkidle", timeout=60_000)


def wait(seconds: float) -> Callable[[Page], None]:
    """Wait a while: a page with a socket is never idle."""
    return lambda page: page.wait_for_timeout(1000 * seconds)


def explore(page: Page) -> None:
    """Wait for the map and go to a place."""
    page.locator(".axes b").wait_for(timeout=60_000)
    page.wait_for_timeout(500)


def walk(page: Page) -> None:
    """Walk between two places of the map."""
    explore(page)
    place = page.get_by_role("application")
    box = place.bounding_box()
    assert box is not None
    page.keyboard.down("Shift")
    for x, y in ((0.62, 0.74), (0.42, 0.28)):
        place.click(position={"x": x * box["width"], "y": y * box["height"]})
    page.keyboard.up("Shift")
    page.wait_for_timeout(1200)
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("slider", name="Step of the walk").fill("22")


def draw_three(page: Page) -> None:
    """Draw a digit with the mouse."""
    canvas = page.locator("canvas").first
    canvas.wait_for()
    page.wait_for_timeout(1500)
    box = canvas.bounding_box()
    assert box is not None
    for number, (middle, start) in enumerate(((0.33, -2.4), (0.64, -1.3))):
        for step in range(31):
            angle = start + step / 30 * (3.9 if number else 3.6)
            x, y = 0.47 + 0.17 * math.cos(angle), middle + 0.16 * math.sin(angle)
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
            if step == 0 and number == 0:
                page.mouse.down()
    page.mouse.up()
    page.wait_for_timeout(1500)


def use(page: Page) -> None:
    """Wait for the answer of a verb."""
    page.locator(".answer .card").first.wait_for(timeout=120_000)
    page.locator(".working").wait_for(state="hidden", timeout=120_000)
    page.wait_for_timeout(1000)


def compress(page: Page) -> None:
    """Compress the images that are offered."""
    page.get_by_role("button", name="Compress", exact=True).click()
    page.get_by_role("heading", name=re.compile("images in")).wait_for(timeout=120_000)


SHOTS = [
    Shot("runs", "#/", wait(1.5)),
    Shot("train", "#/train?recipe=binary-20", settle),
    Shot("compare", "#/compare?run=binary-20&run=beta-4", wait(3), whole=True),
    Shot("live", "#/runs/live/live", wait(4), whole=True),
    Shot("explore", "#/runs/manifold-2d/explore?z=0.35,0.62", explore),
    Shot("example", "#/runs/binary-20/explore?example=12", explore),
    Shot("walk", "#/runs/manifold-2d/explore", walk),
    Shot("draw", "#/runs/binary-20/draw", draw_three),
    Shot("detect", "#/runs/digits/use?verb=detect", use),
    Shot("denoise", "#/runs/digits/use?verb=denoise", use),
    Shot("inpaint", "#/runs/binary-20/use?verb=inpaint&examples=3&hide=bottom", use),
    Shot("colorize", "#/runs/colours/use?verb=colorize", use),
    Shot("cluster", "#/runs/digits/use?verb=cluster", use),
    Shot("compress", "#/runs/digits/use?verb=compress&count=180", compress),
    Shot("figures", "#/runs/binary-20/figures", wait(8)),
    Shot("recipe", "#/runs/binary-20/recipe", settle),
]
EMPTY = Shot("empty", "#/", wait(1))
MANY = Shot("fifty", "#/", wait(2))


if __name__ == "__main__":
    main()
