"""Small runs of every shape that views meet."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import vael

QUICK = {"training.epochs": 2, "training.batch_size": 256, "training.snapshots": 8}
SMALL = {"model.encoder.hidden_features": [32], "model.decoder.hidden_features": [32]}
SETTINGS: dict[str, tuple[str | None, str, dict[str, object]]] = {
    "digits": ("digits", "digits", {}),
    "plane": ("digits", "digits", {"model.latent_dim": 2}),
    "line": ("digits", "digits", {"model.latent_dim": 1}),
    "full": ("digits", "digits", {"model.posterior": "full-normal"}),
    "autoencoder": ("digits", "autoencoder", {"data.treatment": "grey"}),
    "still": ("digits", "digits", {"training.snapshots": 0}),
    "table": (None, "table", {}),
}


@pytest.fixture(scope="session")
def make_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], vael.Run]:
    """Return a function that trains a named run, each once a session."""
    root = tmp_path_factory.mktemp("views")
    made: dict[str, Path] = {}

    def make(name: str) -> vael.Run:
        if name not in made:
            source, recipe, settings = SETTINGS[name]
            source = source or str(write_table(root / "table.csv"))
            changes = QUICK | SMALL | settings
            made[name] = vael.train(source, recipe=recipe, settings=changes, name=name, runs=root / "runs").path
        return vael.load(made[name])

    return make


def write_table(path: Path) -> Path:
    """Write a table of 300 rows and 3 columns that depend on one another."""
    cause = np.random.default_rng(0).normal(size=(300, 1))
    rows = cause * [1.0, -2.0, 30.0] + np.random.default_rng(1).normal(size=(300, 3)) + [0, 10, 100]
    lines = ["height,depth,cost", *(",".join(f"{value:.4f}" for value in row) for row in rows)]
    path.write_text("\n".join(lines))
    return path
