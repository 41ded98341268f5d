"""The runs folder as the studio sees it: names only, never paths, and summaries that are read again only on change."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from vael.errors import VaelError, unknown_name
from vael.runs import RunFolder, RunSummary, list_runs, summarise

__all__ = ["Missing", "Shelf"]

WATCHED = ("run.json", "metrics.jsonl", "recipe.toml")


class Missing(VaelError):
    """What was asked for is not there."""


@dataclass
class Shelf:
    """Find and list the runs of one folder.

    Arguments:
        root: The folder that holds the runs; it need not exist yet.
    """

    root: Path
    _known: dict[Path, tuple[tuple[float, ...], RunSummary]] = field(default_factory=dict, init=False, repr=False)

    def find(self, name: str) -> RunFolder:
        """Return the run called `name`.

        Raises:
            Missing: There is no such run, or the name is no plain folder name.
            VaelError: The run is damaged, or of a newer version.
        """
        return RunFolder.open(self.locate(name).path)

    def locate(self, name: str) -> RunFolder:
        """Return the run called `name`, a damaged one too: it can still be renamed and deleted.

        Raises:
            Missing: There is no such run, or the name is no plain folder name.
        """
        is_plain = Path(name).name == name and not name.startswith(".") and "\x00" not in name and "\\" not in name
        path = self.root / name
        if not is_plain or not os.path.isfile(path / "run.json"):  # also False for a name that no folder can have
            names = [folder.name for folder in list_runs(self.root)]
            raise Missing(str(unknown_name("run", name, names)) if names else f"no run '{name}': the folder is empty")
        return RunFolder(path)

    def summaries(self) -> list[RunSummary]:
        """Summarise every run, oldest first; a run whose files did not change is not read again."""
        folders = list_runs(self.root)
        found = [self.summary(folder) for folder in folders]
        here = {folder.path for folder in folders}
        self._known = {path: known for path, known in self._known.items() if path in here}
        return found

    def summary(self, folder: RunFolder) -> RunSummary:
        """Summarise one run."""
        stamp = _stamp(folder.path)
        stored = self._known.get(folder.path)
        if stored is not None and stored[0] == stamp and stored[1].state != "running":  # whose process may just be gone
            return stored[1]
        summary = summarise(folder)
        self._known[folder.path] = (stamp, summary)
        return summary


def _stamp(path: Path) -> tuple[float, ...]:
    """Return what changes when one of the run's files does."""
    stamp: list[float] = []
    for name in WATCHED:
        try:
            state = (path / name).stat()
        except OSError:
            stamp += [-1, -1]
        else:
            stamp += [state.st_mtime_ns, state.st_size]
    return tuple(stamp)
