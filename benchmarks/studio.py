"""Measure the studio over loopback: decoding, pointer to pixels, a crowd, a long list, what watching costs a training.

    VAEL_DATA=… python benchmarks/studio.py runs/ --output docs/performance/studio.md

The runs folder holds `manifold-2d`, `binary-20` and `conv-faces` (missing ones are left out). Every part runs against a
real `vael studio` process; the pointer moves in a real Chromium.
"""

import argparse
import asyncio
import contextlib
import json
import math
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright
from websockets.asyncio.client import ClientConnection, connect
from websockets.sync.client import connect as connect_and_wait

VAEL = [sys.executable, "-m", "vael"]
RUNS = ("manifold-2d", "binary-20", "conv-faces")
NUM_CLIENTS, CROWD_SECONDS, CROWD_RATE = 32, 30.0, 60.0
NUM_RUNS, NUM_RECORDS = 50, 10_000
NUM_EPOCHS = 12

Row = tuple[str, str, str]


@dataclass(frozen=True)
class Studio:
    """A running studio."""

    url: str
    pid: int

    def socket(self, run: str) -> str:
        """Return the address that decodes."""
        return f"{self.url.replace('http', 'ws', 1)}api/runs/{run}/decode"

    def memory_mib(self) -> float:
        """Return the process's resident memory."""
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def main() -> None:
    """Measure and print (and write) the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", type=Path)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--only", choices=["decode", "pointer", "drag", "crowd", "list", "watch"], action="append")
    options = parser.parse_args()
    parts = {"decode": decoding, "pointer": pointing, "drag": panning, "crowd": crowding}
    chosen = options.only or [*parts, "list", "watch"]
    rows: list[Row] = []
    with running(options.runs) as studio:
        for name in [name for name in parts if name in chosen]:
            for run in [run for run in RUNS if (options.runs / run).is_dir()]:
                if name in ("decode", "pointer") or run == "binary-20":
                    rows += parts[name](studio, run)
    rows += listing() if "list" in chosen else []
    rows += watching() if "watch" in chosen else []
    head = "| what | target | measured |\n| --- | --- | --- |\n"
    body = "".join(f"| {what} | {target} | {measured} |\n" for what, target, measured in rows)
    text = f"# The studio\n\ncommand: `python benchmarks/studio.py runs/`\n\n{head}{body}"
    print(text)
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def running(runs: Path) -> Iterator[Studio]:
    """Run a studio on a free port."""
    command = [*VAEL, "studio", str(runs), "--port", "0", "--no-browser", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield Studio(json.loads(process.stdout.readline())["url"], process.pid)
    finally:
        process.terminate()
        process.wait(10)


def decoding(studio: Studio, run: str) -> list[Row]:
    """Time question to answer at the WebSocket, one after the other."""

    async def ask() -> list[float]:
        rng = np.random.default_rng(0)
        async with connect(studio.socket(run), compression=None) as socket:
            delays = []
            for number in range(1200):
                message = struct.pack("<II2f", number, 1, *rng.normal(size=2))
                began = time.perf_counter()
                await socket.send(message)
                await socket.recv()
                delays.append(1000 * (time.perf_counter() - began))
            return delays[200:]

    return [(f"`{run}`: a place of the map decoded, at the WebSocket", "", percentiles(asyncio.run(ask())))]


def pointing(studio: Studio, run: str) -> list[Row]:
    """Move the mouse over the map in Chromium; time each move until its picture is painted, and count pictures."""
    with chromium() as page:
        page.goto(f"{studio.url}#/runs/{run}/explore")
        page.locator(".axes b").wait_for(timeout=120_000)
        move_mouse(page, 120)
        before, began = page.evaluate("vaelDecoder.answered"), time.perf_counter()
        move_mouse(page, 600)
        seconds = time.perf_counter() - began
        pictures = page.evaluate("vaelDecoder.answered") - before
        delays = page.evaluate("vaelDecoder.delays.slice(-500)")
    target = "median < 2 ms, p99 < 15 ms" if run == "binary-20" else ""
    return [
        (f"`{run}`: pointer to pixels in Chromium, 60 moves a second", target, percentiles(delays)),
        (f"`{run}`: pictures a second", "60", f"{pictures / seconds:.0f}"),
    ]


def panning(studio: Studio, run: str) -> list[Row]:
    """Drag the map with the mouse and time the page's frames meanwhile."""
    with chromium() as page:
        page.goto(f"{studio.url}#/runs/{run}/explore")
        page.locator(".axes b").wait_for(timeout=120_000)
        page.evaluate(FRAMES)
        page.mouse.move(300, 300)
        page.mouse.down()
        move_mouse(page, 240)
        page.mouse.up()
        frames = np.diff(page.evaluate("window.frames_seen"))[20:]
    return [(f"`{run}`: a frame while the map of 10,000 points is dragged", "16.7 ms", percentiles(frames.tolist()))]


FRAMES = """() => {
  window.frames_seen = [];
  const next = (now) => { window.frames_seen.push(now); requestAnimationFrame(next); };
  requestAnimationFrame(next);
}"""


def move_mouse(page: Page, count: int) -> None:
    """Move the mouse over the map through the browser's own input, a move for each frame."""
    box = page.locator(".scatter canvas").last.bounding_box()
    assert box is not None
    for i in range(count):
        x, y = 0.5 + 0.35 * math.cos(i / 19), 0.5 + 0.35 * math.sin(i / 23)
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])


@contextlib.contextmanager
def chromium() -> Iterator[Page]:
    """Open a page in Debian's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser.new_page(viewport={"width": 1280, "height": 800})
        browser.close()


def crowding(studio: Studio, run: str) -> list[Row]:
    """Let many clients drag at once, each sending more than is answered."""
    before = studio.memory_mib()
    answered, delays, last = asyncio.run(drag_all(studio.socket(run)))
    what = f"`{run}`: {NUM_CLIENTS} clients drag for {CROWD_SECONDS:.0f} s, {CROWD_RATE:.0f} moves a second each"
    return [
        (f"{what}: errors", "0", str(NUM_CLIENTS - last)),
        (f"{what}: pictures a second, all together", "", f"{answered / CROWD_SECONDS:,.0f}"),
        (f"{what}: from the newest move to its picture", "", percentiles(delays)),
        (f"{what}: memory of the studio before and after", "bounded", f"{before:.0f}, {studio.memory_mib():.0f} MiB"),
    ]


async def drag_all(address: str) -> tuple[int, list[float], int]:
    """Return the answers of all, the delays of those answered, and how many clients saw their last move answered."""
    found = await asyncio.gather(*(drag(address, number) for number in range(NUM_CLIENTS)))
    return (
        sum(count for count, _, _ in found),
        [d for _, delays, _ in found for d in delays],
        sum(ok for *_, ok in found),
    )


async def drag(address: str, seed: int) -> tuple[int, list[float], bool]:
    """Send moves at a steady rate without waiting for answers; return answers, delays, and whether the last came."""
    rng, sent, delays = np.random.default_rng(seed), {}, []
    async with connect(address, compression=None) as socket:
        listening = asyncio.create_task(listen(socket, sent, delays))
        number, end = 0, time.perf_counter() + CROWD_SECONDS
        while time.perf_counter() < end:
            number += 1
            sent[number] = time.perf_counter()
            await socket.send(struct.pack("<II2f", number, 1, *rng.normal(size=2)))
            await asyncio.sleep(1 / CROWD_RATE)
        for _ in range(100):
            if number not in sent:
                break
            await asyncio.sleep(0.05)
        listening.cancel()
    return len(delays), delays, number not in sent


async def listen(socket: ClientConnection, sent: dict[int, float], delays: list[float]) -> None:
    """Take the answers in; an answered move leaves `sent`."""
    async for message in socket:
        assert isinstance(message, bytes), message
        (number,) = struct.unpack_from("<I", message)
        delays.append(1000 * (time.perf_counter() - sent.pop(number)))


def listing() -> list[Row]:
    """Time the list of many long runs, first and again."""
    with tempfile.TemporaryDirectory() as folder:
        make_runs(Path(folder))
        with running(Path(folder)) as studio:
            times = []
            for _ in range(10):
                began = time.perf_counter()
                with urllib.request.urlopen(f"{studio.url}api/runs") as answer:
                    assert len(json.load(answer)["runs"]) == NUM_RUNS
                times.append(time.perf_counter() - began)
    what = f"{NUM_RUNS} runs of {NUM_RECORDS:,} records listed"
    again = statistics.median(times[1:])
    return [(f"{what}, first", "< 0.5 s", f"{times[0]:.3f} s"), (f"{what}, again", "< 0.5 s", f"{again:.3f} s")]


def make_runs(root: Path) -> None:
    """Make run folders as a long training leaves them, without training."""
    template = root.parent / f"{root.name}-template"
    command = [*VAEL, "train", "digits", "--name", "one", "--quiet", "--runs", str(template)]
    subprocess.run([*command, "--set", "training.epochs=2", "--set", "training.snapshots=0"], check=True)
    records = [
        {"split": "train" if i % 2 == 0 else "valid", "epoch": i // 2 + 1, "step": 23 * (i // 2 + 1)}
        | {"elbo_nats": -100 - 50 / (i + 1), "loss": 100 + 50 / (i + 1), "rate_nats": 7.0, "distortion_nats": 93.0}
        for i in range(NUM_RECORDS)
    ]
    content = "".join(json.dumps(record) + "\n" for record in records)
    for number in range(NUM_RUNS):
        shutil.copytree(template / "one", root / f"run-{number:02}")
        (root / f"run-{number:02}" / "metrics.jsonl").write_text(content, encoding="utf-8")
    shutil.rmtree(template)


def watching(rounds: int = 3) -> list[Row]:
    """Time a training alone, with somebody who takes the news in, and with a page in Chromium; alternating."""
    sides: dict[str, list[list[float]]] = {"alone": [], "watched": [], "shown": []}
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as studio, chromium() as page:
        for number in range(rounds):
            for side, times in sides.items():
                shown = page if side == "shown" else None
                times.append(train(Path(folder), f"{side}-{number}", studio if side != "alone" else None, shown))
                page.goto("about:blank")
    what = f"`binary-20`, {NUM_EPOCHS} epochs ({statistics.median(map(sum, sides['alone'])):.0f} s alone)"
    return [
        (
            f"{what}, the news taken in, nothing drawn: time over alone",
            "< 1.05",
            ratios(sides, "watched", later),
        ),
        (
            f"{what}, the page open in Chromium on the same two cores, from the fourth epoch",
            "< 1.05",
            ratios(sides, "shown", later),
        ),
        (f"{what}, the same, the whole training with the page's loading", "", ratios(sides, "shown", sum)),
    ]


def later(epochs: Sequence[float]) -> float:
    """Return the median time of an epoch after the third: by then the page is loaded and snapshots come less often."""
    return statistics.median(epochs[3:])


def ratios(sides: dict[str, list[list[float]]], side: str, total: Callable[[Sequence[float]], float]) -> str:
    """Write the median of the ratios to the training before it that nobody watched, and all of them."""
    found = [total(watched) / total(alone) for watched, alone in zip(sides[side], sides["alone"], strict=True)]
    return f"{statistics.median(found):.3f} ({', '.join(f'{ratio:.3f}' for ratio in found)})"


def train(root: Path, name: str, studio: Studio | None = None, page: Page | None = None) -> list[float]:
    """Train for a few epochs, watched or not; return the seconds of each epoch."""
    command = [*VAEL, "train", "mnist", "--recipe", "binary-20", "--name", name, "--quiet", "--runs", str(root)]
    settings = ["--set", f"training.epochs={NUM_EPOCHS}", "--set", "training.compile=off"]
    process = subprocess.Popen([*command, *settings], stdout=subprocess.DEVNULL)
    if studio is not None:
        while not (root / name / "run.json").exists():
            time.sleep(0.05)
        if page is not None:
            page.goto(f"{studio.url}#/runs/{name}/live")
        else:
            watch(f"{studio.url.replace('http', 'ws', 1)}api/runs/{name}/watch", process)
    while process.poll() is None:
        if page is not None:
            page.wait_for_timeout(100)
        else:
            time.sleep(0.1)
    lines = (root / name / "timings.jsonl").read_text(encoding="utf-8").splitlines()
    return [record["seconds"] for record in map(json.loads, lines) if record["split"] == "train"]


def watch(address: str, process: "subprocess.Popen[bytes]") -> None:
    """Take the news in as a page does, until the training has ended."""
    with connect_and_wait(address, max_size=None) as socket:
        while process.poll() is None:
            with contextlib.suppress(TimeoutError):
                socket.recv(0.5)


def percentiles(delays: Sequence[float]) -> str:
    """Write median, 99th percentile and largest, in milliseconds."""
    median, tail = np.percentile(delays, [50, 99])
    return f"median {median:.2f} ms, p99 {tail:.2f} ms, largest {max(delays):.1f} ms ({len(delays):,})"


if __name__ == "__main__":
    main()
