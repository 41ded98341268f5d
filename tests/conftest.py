"""What every room's tests share: where real data lie."""

import os
from pathlib import Path

import pytest
import torch

BESIDE = Path(__file__).parents[2] / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--device", default="cpu", help="run the trainings of the suite on this device (cuda, cuda:1)")


@pytest.fixture(scope="session")
def device(request: pytest.FixtureRequest) -> torch.device:
    return torch.device(str(request.config.getoption("--device")))


@pytest.fixture(scope="session")
def vael_data() -> Path:
    """Return the folder of real data: `$VAEL_DATA`, else `../shared/data`; skip where neither is there."""
    folder = Path(os.environ.get("VAEL_DATA") or BESIDE)
    if not (folder / "mnist").is_dir():
        pytest.skip(f"real data absent: no mnist/ in {folder} (set VAEL_DATA)")
    return folder.resolve()
