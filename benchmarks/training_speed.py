"""Compare the speed of training: all sides in one run, on the same data, taking turns epoch by epoch.

    python benchmarks/peers.py                     # once: the peers' own environments
    python benchmarks/training_speed.py            # network 'basic', all sides
    python benchmarks/training_speed.py --network conv-faces --output docs/speed-conv-faces.md

Every side is a process that sleeps while another one trains. One epoch each warms up and is not counted; then rounds
A B C D, A B C D, … are. The medians are compared, and each side with the reference round by round, so that a machine
that others use too disturbs the ratio less. `--output` writes the markdown, and the numbers as JSON beside it.
The data are looked for in `--data-root` or `$VAEL_DATA`.
"""

import argparse
import dataclasses
import datetime
import json
import os
import platform
import shlex
import statistics
import sys
from pathlib import Path
from typing import Any

from sides import GROUPS, SIDES, WAIT_POLICIES, Side, SideFailedError, Worker, expand_sides, start_workers
from speed_report import Comparison, Row, markdown, ratio_to

__all__ = ["main"]

NETWORK_SIDES = {"basic": "vael,tutorial,pythae,jax,floor", "conv-faces": "vael,pythae"}
ROOT = Path(__file__).resolve().parents[1]
Answers = list[dict[str, Any]]


def main() -> int:
    """Run the comparison that the command line asks for, print it and write it."""
    arguments, sides = _parse()
    load_before = os.getloadavg()[0]
    workers, skipped = start_workers(
        sides,
        network=arguments.network,
        threads=arguments.threads,
        data_root=arguments.data_root.resolve(),
        seed=arguments.seed,
        wait_policy=arguments.wait_policy,
    )
    try:
        rows = measure(workers, skipped, arguments.epochs)
    finally:
        for worker in workers:
            worker.stop()
    conditions = _conditions(arguments, load_before)
    comparison = Comparison(arguments.network, arguments.reference, rows, skipped, conditions)
    print(markdown(comparison))
    if arguments.output:
        write(comparison, arguments.output)
    return 0 if rows else 1


def measure(workers: list[Worker], skipped: dict[str, str], epochs: int) -> tuple[Row, ...]:
    """Take turns for one uncounted round and `epochs` counted ones; a side that fails leaves, with its reason."""
    answers: dict[str, Answers] = {worker.side.name: [] for worker in workers}
    for number in range(epochs + 1):
        for worker in [worker for worker in workers if worker.side.name not in skipped]:
            try:
                answers[worker.side.name].append(worker.ask("epoch"))
            except SideFailedError as error:
                skipped[worker.side.name] = f"failed in round {number}: {error}"
        _show_progress(number, answers, skipped)
    remaining = [worker for worker in workers if worker.side.name not in skipped]
    rows = [_row(worker, answers[worker.side.name], skipped) for worker in remaining]
    return tuple(row for row in rows if row)


def write(comparison: Comparison, output: Path) -> None:
    """Write the report as markdown to `output` and the numbers to the same name ending in .json."""
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(markdown(comparison))
    content = dataclasses.asdict(comparison)
    reference = next((row for row in comparison.rows if row.side == comparison.reference), None)
    for row, cells in zip(comparison.rows, content["rows"], strict=True):
        cells["train_loss"] = row.train_loss if row.train_loss == row.train_loss else None
        cells["median_seconds"] = row.median_seconds
        cells["images_per_second"] = row.images_per_second
        cells["ratio"] = dataclasses.asdict(ratio_to(reference, row)) if reference else None
    output.with_suffix(".json").write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def _row(worker: Worker, answers: Answers, skipped: dict[str, str]) -> Row | None:
    try:
        test_loss = worker.ask("test")["test_loss"]
    except SideFailedError as error:
        skipped[worker.side.name] = f"failed at the test set: {error}"
        return None
    counted = answers[1:]
    seconds = tuple(answer["seconds"] for answer in counted)
    idle_cpu = sum(answer["idle_cpu_seconds"] for answer in counted)
    idle = sum(answer["idle_seconds"] for answer in counted)
    return Row(
        side=worker.side.name,
        says=worker.side.says,
        seconds=seconds,
        images=counted[0]["images"],
        train_loss=counted[-1]["train_loss"],
        test_loss=test_loss,
        peak_mib=counted[-1]["peak_mib"],
        children_peak_mib=counted[-1]["children_peak_mib"],
        cpu_per_wall=statistics.median(answer["cpu_seconds"] / answer["seconds"] for answer in counted),
        idle_cpu_percent=100 * idle_cpu / idle if idle > 1 else 0.0,
        startup_seconds=worker.ready["startup_seconds"],
        about=worker.ready["about"],
    )


def _show_progress(number: int, answers: dict[str, Answers], skipped: dict[str, str]) -> None:
    label = f"round {number}" if number else "warm-up"
    times = [f"{name} {lines[-1]['seconds']:.2f} s" for name, lines in answers.items() if name not in skipped]
    print(f"{label}: {', '.join(times) or 'no side left'}", file=sys.stderr, flush=True)


def _conditions(arguments: argparse.Namespace, load_before: float) -> dict[str, Any]:
    command = ["python", os.path.relpath(sys.argv[0], ROOT), *_public_arguments(sys.argv[1:])]
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": f"{_processor()}, {os.cpu_count()} processors, {platform.system()} {platform.machine()}",
        "threads per side": arguments.threads,
        "epochs": f"{arguments.epochs} counted after 1 of warm-up, the sides taking turns",
        "waiting threads": f"policy '{arguments.wait_policy}'",
        "processes waiting before the start": f"{load_before:.2f} (load average over one minute)",
        "command": f"`{shlex.join(command)}`",
    }


def _public_arguments(words: list[str]) -> list[str]:
    """Drop --data-root and its value: a folder of this machine means nothing to a reader."""
    kept = [word for word in words if not word.startswith("--data-root=")]
    while "--data-root" in kept:
        at = kept.index("--data-root")
        del kept[at : at + 2]
    return kept


def _processor() -> str:
    """Return the processor's name, and which of the instructions for fast products it has."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    facts = {name.strip(): value.strip() for name, value in fields.items()}
    flags = facts.get("flags", "").split()
    fast = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in flags]
    return f"{facts.get('model name', platform.processor())} ({' '.join(fast) or 'no AVX'})"


def _parse() -> tuple[argparse.Namespace, list[Side]]:
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=list(NETWORK_SIDES), default="basic")
    parser.add_argument("--sides", help=f"commas between any of: {', '.join([*SIDES, *GROUPS])}; default: all")
    parser.add_argument("--epochs", type=int, default=5, help="counted epochs, at least 1")
    parser.add_argument("--threads", type=int, default=2, help="threads of each side")
    parser.add_argument("--wait-policy", choices=list(WAIT_POLICIES), default="system", help="passive: busy machines")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reference", choices=list(SIDES), default="vael", help="side that ratios refer to")
    parser.add_argument("--data-root", type=Path, default=os.environ.get("VAEL_DATA"), help="default: $VAEL_DATA")
    parser.add_argument("--output", type=Path, help="markdown file; the numbers go to the same name in .json")
    arguments = parser.parse_args()
    if arguments.data_root is None or not arguments.data_root.is_dir():
        parser.error("no data: give --data-root, or set VAEL_DATA to a folder that holds mnist/ and faces/")
    if arguments.epochs < 1 or arguments.threads < 1:
        parser.error("--epochs and --threads expect at least 1")
    try:
        return arguments, expand_sides((arguments.sides or NETWORK_SIDES[arguments.network]).split(","))
    except KeyError as error:
        parser.error(f"unknown side {error}: known are {', '.join([*SIDES, *GROUPS])}")


if __name__ == "__main__":
    sys.exit(main())
