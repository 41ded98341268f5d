"""What the tests of tasks share: the command line, called in an empty folder."""

from collections.abc import Callable
from pathlib import Path

import pytest

from vael.cli import main


@pytest.fixture
def command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return a function that runs a command and checks its exit code; it returns what was printed, errors too."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str, code: int = 0) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main(list(words))
        assert (stopped.value.code or 0) == code
        return "".join(capsys.readouterr())

    return call
