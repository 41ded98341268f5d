"""What the tests of run folders share."""

import pytest

HOLD = """
import signal, sys, time
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a script runs the suite in the background
from vael.runs import RunFolder
with RunFolder(Path(sys.argv[1])).locked():
    print("locked", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def hold() -> str:
    """Return a program that trains into the run folder of its argument for a minute, as far as locks can tell."""
    return HOLD
