"""Measure how many images a second a run codes and decodes without loss, the exact arithmetic included.

    python benchmarks/coding_speed.py RUN [--threads 2] [--count 10000]

The images are the test split's; for a model of binary pixels they are binarised by one fixed draw. Nothing is verified
while the clock runs. Every turn codes and decodes once.
"""

import argparse
from time import perf_counter as clock

import numpy as np
import torch

import vael


def main() -> None:
    """Print a row a turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--turns", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    run = vael.load(given.run)
    x = run.exact_images(split="test").x[: given.count]
    if run.observation.domain == "binary" and x.max() > 1:
        x = (x > np.random.default_rng(0).integers(0, 255, x.shape)).astype(np.uint8)
    run.compress(x[:100], verify=False)
    print("| threads | coded, images/s | decoded, images/s | bytes | bits per dimension |\n|---:|---:|---:|---:|---:|")
    for _ in range(given.turns):
        times = [clock()]
        coded = run.compress(x, verify=False)
        times.append(clock())
        run.decompress(coded.content)
        times.append(clock())
        there, back = len(x) / np.diff(times)
        size = len(coded.content)
        print(f"| {given.threads} | {there:,.0f} | {back:,.0f} | {size:,} | {coded.bits_per_dim:.4f} |", flush=True)


if __name__ == "__main__":
    main()
