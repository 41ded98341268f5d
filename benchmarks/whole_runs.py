"""Time whole commands as a person meets them: ten epochs eager, compiled cold and compiled warm, memory, help.

    VAEL_DATA=… python benchmarks/whole_runs.py --output docs/performance/whole-runs.md

Each row is a fresh process. Cold means an empty compiler cache; warm is the same command again.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

VAEL = [sys.executable, "-m", "vael"]


def main() -> None:
    """Measure and print (and write) the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", type=Path)
    output = parser.parse_args().output
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(Path(folder))
    lines = ["# Whole commands", "", "command: `python benchmarks/whole_runs.py`", ""]
    lines += ["| what | seconds | peak memory of the process, MiB |", "| --- | ---: | ---: |"]
    lines += [f"| {what} | {seconds:.2f} | {mib:.0f} |" for what, seconds, mib in rows]
    text = "\n".join(lines) + "\n"
    print(text)
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")


def measure(folder: Path) -> list[tuple[str, float, float]]:
    """Run every command in a fresh process and return what, seconds and peak memory."""
    train = ["train", "mnist", "--recipe", "basic", "--quiet", "--runs", str(folder / "runs")]
    cache = {"TORCHINDUCTOR_CACHE_DIR": str(folder / "cache")}
    rows = [
        ("`vael train digits` (150 epochs)", *timed([*VAEL, "train", "--quiet", "--runs", str(folder / "runs")], {})),
        ("ten epochs of `basic`, eager", *timed([*VAEL, *train, "--set", "training.compile=off"], {})),
        ("ten epochs of `basic`, compiled, cold", *timed([*VAEL, *train], cache)),
        ("ten epochs of `basic`, compiled, warm", *timed([*VAEL, *train], cache)),
    ]
    helps = [timed([*VAEL, "--help"], {}) for _ in range(9)]
    bare = [timed([sys.executable, "-c", "pass"], {}) for _ in range(9)]
    rows.append(("`vael --help`, median of 9", statistics.median(h[0] for h in helps), max(h[1] for h in helps)))
    rows.append(("bare Python, median of 9", statistics.median(b[0] for b in bare), max(b[1] for b in bare)))
    return rows


def timed(command: list[str], env: dict[str, str]) -> tuple[float, float]:
    """Return the wall time of a command and the peak memory of its process, without its children's."""
    began = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, **env}, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
