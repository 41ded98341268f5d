"""Make every picture of docs/gallery.md again, each by the command that stands above it.

    VAEL_DATA=… python benchmarks/gallery.py --runs runs [--train] [--only manifold-2d]

The commands run in the runs folder, where `wine.csv` lies (UCI's winequality-white, with a header). With --train the
runs are trained, by the page's own commands.
The report's picture is a browser's (Playwright and chromium).
"""

import argparse
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "gallery.md"
COLORS = 256


def main() -> None:
    """Run the page's commands."""
    parser = argparse.ArgumentParser(description="Make every picture of docs/gallery.md again.")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs")
    parser.add_argument("--train", action="store_true", help="train the runs first")
    parser.add_argument("--only", default="", help="only commands that hold this word")
    options = parser.parse_args()
    for command, pictures in steps(PAGE.read_text(encoding="utf-8")):
        is_training = command[1] == "train"
        if options.only not in " ".join(command) or is_training != options.train:
            continue
        if is_training:
            vael(command, options.runs)
        elif command[1] == "report":
            screenshot(command, pictures, options.runs)
        else:
            for picture in pictures:
                draw(command, picture, options.runs)


def steps(text: str) -> Iterator[tuple[list[str], list[Path]]]:
    """Yield each command of the page with the pictures that follow it before the next command."""
    parts = re.split(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    for block, after in zip(parts[1::2], parts[2::2], strict=True):
        pictures = [PAGE.parent / name for name in re.findall(r"\]\(([^)#]+)", after) if name.startswith("images/")]
        for line in block.strip().splitlines():
            yield shlex.split(line), pictures


def draw(command: list[str], picture: Path, runs: Path) -> None:
    """Make one picture; figures are brought down to a palette, which halves them and nobody sees."""
    theme = ["--theme", "dark"] if picture.stem.endswith("-dark") else []
    words = [word for word in command if word not in ("--format", "webp")]
    vael([*words, *theme, "--output", str(picture)], runs)
    if picture.suffix == ".png":
        with Image.open(picture) as image:
            image.convert("RGB").quantize(COLORS, dither=Image.Dither.NONE).save(picture, optimize=True)
    print(f"{picture.relative_to(ROOT)}  {picture.stat().st_size / 1000:.0f} kB", flush=True)


def screenshot(command: list[str], pictures: list[Path], runs: Path) -> None:
    """Show the head of the report in both colour schemes."""
    from playwright.sync_api import sync_playwright

    vael(command, runs)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for picture in pictures:
            scheme = "dark" if picture.stem.endswith("-dark") else "light"
            context = browser.new_context(color_scheme=scheme, viewport={"width": 1000, "height": 1250})
            page = context.new_page()
            page.goto((runs / "report.html").resolve().as_uri())
            page.screenshot(path=picture)
        browser.close()
    (runs / "report.html").unlink()


def vael(command: list[str], runs: Path) -> None:
    """Run one command in the runs folder and stop if it fails."""
    words = [sys.executable, "-m", *command, "--runs", "."]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, cwd=runs)


if __name__ == "__main__":
    main()
