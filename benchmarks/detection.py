"""Detect anomalies in the 20 ODDS sets, beside PyOD's VAE, its Isolation Forest and nearest neighbours.

    pip install pyod==3.6.7
    VAEL_DATA=… python benchmarks/detection.py --output detection.json             # trained on half of the normals
    VAEL_DATA=… python benchmarks/detection.py --contaminated --output mixed.json  # trained on everything

One setting for all sets. `--contaminated` trains on everything and scores the same rows, also with a quarter of each
batch left out; otherwise half of the normal rows are the training, standardised by them, and the rest with all
anomalies the test. Sets are cut to 20,000 seeded rows. The AUROC is × 100. Fitting times are of one thread, each side
in turn. A broken-off run goes on: what the output holds already is not done again.
"""

import argparse
import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

LARGEST = 20_000
PEERS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "PyOD VAE": ("vae", "VAE", {"verbose": 0}),
    "PyOD IForest": ("iforest", "IForest", {}),
    "PyOD kNN": ("knn", "KNN", {}),
}
SCORES = ("exemplar", "nll", "rate", "distortion", "embedding")


def read_set(path: Path, seed: int, *, is_contaminated: bool) -> tuple[NDArray, NDArray, NDArray]:
    """Return training rows, test rows and whether each of these is an anomaly, standardised by the training rows."""
    with np.load(path) as arrays:
        x, y = arrays["X"].astype(np.float64), arrays["y"].astype(int)
    generator = np.random.default_rng(seed)
    if len(x) > LARGEST:
        kept = generator.permutation(len(x))[:LARGEST]
        x, y = x[kept], y[kept]
    train, test, truth = x, x, y
    if not is_contaminated:
        normal = generator.permutation(np.flatnonzero(y == 0))
        half = len(normal) // 2
        rest = np.concatenate([normal[half:], np.flatnonzero(y == 1)])
        train, test, truth = x[normal[:half]], x[rest], y[rest]
    mean, spread = train.mean(0), train.std(0)
    spread = np.where(spread > 0, spread, 1)
    return (train - mean) / spread, (test - mean) / spread, truth


def fit_vael(train: NDArray, seed: int) -> Callable[[NDArray], dict[str, NDArray]]:
    """Fit vael's detector and return what gives every score."""
    from vael.estimators import VAEDetector

    detector = VAEDetector(random_state=seed).fit(train)

    def score(test: NDArray) -> dict[str, NDArray]:
        found = {}
        for name in SCORES:
            detector.score_name = name
            found[f"vael {name}"] = -detector.score_samples(test)
        return found

    return score


def fit_trimmed(train: NDArray, seed: int) -> Callable[[NDArray], dict[str, NDArray]]:
    """Fit vael's detector as it is meant for rows among which are anomalies: heavy tails, a quarter left out."""
    from vael.estimators import VAEDetector

    detector = VAEDetector(likelihood="student-t", trim=0.25, score_name="nll", random_state=seed).fit(train)
    return lambda test: {"vael trimmed": -detector.score_samples(test)}


def fit_pyod(name: str, train: NDArray, seed: int, *, is_contaminated: bool) -> Callable[[NDArray], dict[str, NDArray]]:
    """Fit one of PyOD's detectors with its defaults; of training rows it has scores that leave each row itself out."""
    file, kind, options = PEERS[name]
    make = getattr(importlib.import_module(f"pyod.models.{file}"), kind)
    detector = make(**options) if name == "PyOD kNN" else make(**options, random_state=seed)  # kNN draws nothing
    detector.fit(train)
    if is_contaminated:
        return lambda test: {name: detector.decision_scores_}
    return lambda test: {name: detector.decision_function(test)}


def run_set(path: Path, seed: int, *, is_contaminated: bool) -> dict[str, Any]:
    """Return every method's AUROC on one set, and the seconds that each took to fit."""
    train, test, truth = read_set(path, seed, is_contaminated=is_contaminated)
    fits: dict[str, Callable[[], Callable[[NDArray], dict[str, NDArray]]]] = {"vael": lambda: fit_vael(train, seed)}
    if is_contaminated:
        fits["vael trimmed"] = lambda: fit_trimmed(train, seed)
    for name in PEERS:
        fits[name] = lambda name=name: fit_pyod(name, train, seed, is_contaminated=is_contaminated)
    auroc, seconds = {}, {}
    for name, fit in fits.items():
        began = time.perf_counter()
        score = fit()
        seconds[name] = time.perf_counter() - began
        for kind, found in score(test).items():
            auroc[kind] = 100 * float(roc_auc_score(truth, np.nan_to_num(found, posinf=1e300)))
    return {"auroc": auroc, "seconds": seconds, "rows": len(train)}


def show(done: dict[str, dict[str, Any]]) -> None:
    """Print the mean over sets of each method, its spread over seeds, the fitting times, and the sets."""
    methods = list(next(iter(done.values()))["auroc"])
    names = sorted({key.split("/")[0] for key in done})
    seeds = sorted({key.split("/")[1] for key in done})
    whole = [seed for seed in seeds if all(f"{name}/{seed}" in done for name in names)]
    print("| method | mean AUROC × 100 | over seeds | seconds to fit all sets |\n|---|---|---|---|")
    for method in methods:
        means = [np.mean([done[f"{name}/{seed}"]["auroc"][method] for name in names]) for seed in whole]
        seconds = [sum(seconds_of(done[f"{name}/{seed}"], method) for name in names) for seed in whole]
        print(f"| {method} | {np.mean(means):.2f} | ± {np.std(means):.2f} | {np.mean(seconds):.1f} |")
    print(f"\n| set | {' | '.join(methods)} |\n|{'---|' * (len(methods) + 1)}")
    for name in names:
        row = [np.mean([done[f"{name}/{seed}"]["auroc"][method] for seed in whole]) for method in methods]
        print(f"| {name} | {' | '.join(f'{value:.1f}' for value in row)} |")


def seconds_of(found: dict[str, Any], method: str) -> float:
    """Return how long the fit behind a method took; one fit of vael gives several scores."""
    return found["seconds"].get(method, found["seconds"]["vael"])


def main() -> int:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description="Anomaly detection on the 20 ODDS sets.")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--contaminated", action="store_true")
    parser.add_argument("--output", type=Path, required=True, help="a JSON file that grows; a run goes on from it")
    given = parser.parse_args()
    folder = Path(os.environ.get("VAEL_DATA", ".")) / "anomaly"
    paths = sorted(folder.glob("*.npz"))
    if not paths:
        print(f"no .npz files in {folder}: set VAEL_DATA to the folder that holds anomaly/", file=sys.stderr)
        return 1
    torch.set_num_threads(1)
    done: dict[str, Any] = json.loads(given.output.read_text()) if given.output.exists() else {}
    for seed in range(given.seeds):
        for path in paths:
            key = f"{path.stem}/{seed}"
            if key not in done:
                done[key] = run_set(path, seed, is_contaminated=given.contaminated)
                given.output.write_text(json.dumps(done, indent=1))
                words = ", ".join(f"{method} {value:.1f}" for method, value in done[key]["auroc"].items())
                print(f"{key}: {words}", file=sys.stderr, flush=True)
    show(done)
    return 0


if __name__ == "__main__":
    sys.exit(main())
