"""Sweeps over the embedded digits that take seconds: two epochs of networks with a handful of units."""

from pathlib import Path

import pytest

from vael.sweeps import Space

SPACE = """
"training.learning_rate.start" = { low = 1e-3, high = 3e-2, log = true }
"training.batch_size" = { choices = [256, 512] }
"model.encoder.hidden_features" = { choices = [[8], [16]] }
"""
SMALL = {
    "training.epochs": 2,
    "training.batch_size": 512,
    "training.precision": "float32",
    "model.latent_dim": 2,
    "model.encoder.hidden_features": [8],
    "model.decoder.hidden_features": [8],
}


@pytest.fixture(scope="session")
def space() -> Space:
    return Space.from_toml(SPACE)


@pytest.fixture(scope="session")
def space_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("spaces") / "space.toml"
    path.write_text(SPACE)
    return path


@pytest.fixture(scope="session")
def words(space_file: Path) -> list[str]:
    """The words of `vael sweep digits` for the same sweep."""
    settings = [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]
    return ["sweep", "digits", "--space", str(space_file), *settings]


@pytest.fixture(scope="session")
def small() -> dict[str, object]:
    """The settings of such a sweep."""
    return dict(SMALL)
