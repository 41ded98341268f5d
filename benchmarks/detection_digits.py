"""Detect foreign digits: trained on one digit of MNIST, tested on all, the mean AUROC over the ten digits.

    VAEL_DATA=… python benchmarks/detection_digits.py

One setting for all digits, every score from the same ten models a seed.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

import vael
from vael import data, tasks
from vael.recipe import parse_settings
from vael.tasks.detect import score_all

SETTINGS = (
    "data.valid_fraction=0",
    'model.encoder={name="mlp", hidden_features=[512, 256], activation="silu"}',
    'model.decoder={name="mlp", hidden_features=[256, 512], activation="silu"}',
    'training.learning_rate={name="cosine", start=2e-3, end=0.0}',
    "training.batch_size=128",
    "training.snapshots=0",
)
LIKELIHOODS = {"bernoulli": "rounded", "optimal-gaussian": "grey", "discretized-logistic": "levels"}


def run_digit(digit: int, seed: int, given: argparse.Namespace) -> dict[str, float]:
    """Train on one digit and return the AUROC of each score on all test digits."""
    splits = data.load("mnist").splits
    train, test = splits["train"], splits["test"]
    assert train.labels is not None
    assert test.labels is not None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digit.npz"
        np.savez(path, train=train.x[train.labels == digit][:, 0], test=test.x[:, 0])
        words = [
            *SETTINGS,
            f"model.likelihood={given.likelihood}",
            f"data.treatment={LIKELIHOODS[given.likelihood]}",
            f"model.latent_dim={given.latent_dim}",
            f"training.seed={seed}",
            f"training.epochs={given.epochs}",
            *given.set,
        ]
        run = vael.train(
            str(path), settings=parse_settings(words), runs=Path(folder), name="digit", on_record=print_none
        )
        known, judged = run.data("train"), run.data("test")
        found = {
            name: score_all(tasks.build_score(name, run.model, known, num_points=8), judged) for name in given.scores
        }
    return {name: float(roc_auc_score(test.labels != digit, values)) for name, values in found.items()}


def print_none(record: object) -> None:
    """Say nothing of a training's records."""


def main() -> int:
    """Print a row for each digit and their mean."""
    parser = argparse.ArgumentParser(description="One digit of MNIST as normal.")
    parser.add_argument("--likelihood", choices=LIKELIHOODS, default="bernoulli")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--latent-dim", type=int, default=32)
    parser.add_argument("--digits", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--set", action="append", default=[], help="further settings of the recipe")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--scores", nargs="+", default=["exemplar", "nll", "rate", "distortion", "embedding"])
    given = parser.parse_args()
    print(f"| digit | {' | '.join(given.scores)} |\n|{'---|' * (len(given.scores) + 1)}")
    rows = []
    for digit in given.digits:
        found = [run_digit(digit, seed, given) for seed in range(given.seeds)]
        rows.append([np.mean([each[name] for each in found]) for name in given.scores])
        print(f"| {digit} | {' | '.join(f'{value:.4f}' for value in rows[-1])} |", flush=True)
    print(f"| mean | {' | '.join(f'{value:.4f}' for value in np.mean(rows, axis=0))} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
