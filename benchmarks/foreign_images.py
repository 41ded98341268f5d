"""Tell foreign images: models of CIFAR-10 and of faces, shown each other's images and MNIST in colour.

    VAEL_DATA=… python benchmarks/foreign_images.py --runs runs

Both models are the recipe conv-cifar10 at 32×32 pixels; a run that is there already is not trained again. AUROC is of
foreign images against the model's own test images, 500 of each, larger scores being stranger.
"""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

import vael
from vael import tasks
from vael.data.batches import DeviceData
from vael.recipe import parse_settings
from vael.tasks.detect import score_all

COUNT = 500
FACES = "faces/celeba64_7k.zip"
MODELS = {"foreign-cifar10": ("cifar10", 12), "foreign-faces": (FACES, 15)}
FOREIGN = {"foreign-cifar10": (FACES, "mnist"), "foreign-faces": ("cifar10", "mnist")}


def place(source: str) -> str:
    """Return the path of a file of the data folder; a named source stays a name."""
    return str(Path(os.environ.get("VAEL_DATA", ".")) / source) if "/" in source else source


def train(name: str, runs: Path) -> vael.Run:
    """Train a model, or open the one that is there."""
    if (runs / name / "model.safetensors").exists():
        return vael.load(name, runs=runs)
    source, epochs = MODELS[name]
    words = ["data.size=32", 'data.color="rgb"', f"training.epochs={epochs}", "training.snapshots=0"]
    return vael.train(place(source), recipe="conv-cifar10", settings=parse_settings(words), runs=runs, name=name)


def some(data: DeviceData) -> DeviceData:
    """Draw some examples, always the same."""
    rows = np.random.default_rng(0).permutation(len(data))[:COUNT]
    return replace(data, raw=data.raw[torch.from_numpy(rows)])


def main() -> int:
    """Print a row for each model and kind of foreign image."""
    parser = argparse.ArgumentParser(description="Foreign images.")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--scores", nargs="+", default=["nll", "exemplar", "rate", "embedding", "typicality"])
    given = parser.parse_args()
    print(f"| trained on | foreign | {' | '.join(given.scores)} |\n|{'---|' * (len(given.scores) + 2)}")
    for name, others in FOREIGN.items():
        run = train(name, given.runs)
        scores = [tasks.build_score(kind, run.model, run.data("train"), num_points=8) for kind in given.scores]
        own = [score_all(score, some(run.data("test"))) for score in scores]
        for source in others:
            foreign = some(run.foreign_data(place(source))[0])
            cells = []
            for score, known in zip(scores, own, strict=True):
                found = score_all(score, foreign)
                truth = np.repeat([0, 1], [len(known), len(found)])
                cells.append(f"{roc_auc_score(truth, np.concatenate([known, found])):.3f}")
            print(f"| {MODELS[name][0]} | {source} | {' | '.join(cells)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
