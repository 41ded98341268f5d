"""Pictures of a training's moments, drawn from its snapshots; the data of the runs shown last are read only once."""

import threading
from collections import OrderedDict
from pathlib import Path

from vael.experiments import Run
from vael.figures.grid import Pixels
from vael.runs import RunFolder
from vael.studio.shelf import Missing
from vael.views import ANIMATIONS

__all__ = ["Moments", "drawing"]

MAX_HELD = 2  # runs whose data are held; the one used least recently goes first

drawing = threading.Lock()
"""One figure at a time: matplotlib keeps its fonts and its settings in one place for all threads."""


class Moments:
    """Draw moments of trainings; a run needs no weights yet, only its snapshots."""

    def __init__(self, data_root: Path | None = None) -> None:
        """Start with no run; data are looked for in `data_root` first."""
        self._data_root = data_root
        self._held: OrderedDict[tuple[str, int], Run] = OrderedDict()

    def draw(self, folder: RunFolder, step: int, kind: str, *, theme: str) -> Pixels:
        """Return the model as it was at one step, `(H, W, 3)` uint8.

        Raises:
            Missing: An unknown kind, no snapshot at that step, or a run that is gone.
            VaelError: The model has nothing of this kind to show, or its data are not here.
        """
        if kind not in ANIMATIONS:
            raise Missing(f"there is no picture '{kind}' of a moment: there are {', '.join(ANIMATIONS)}")
        with drawing:
            run = self._open(folder)
            steps = run.snapshots.steps()
            if step not in steps:
                raise Missing(f"run {run.name} has no snapshot at step {step}: there are {len(steps)}")
            shown = [run.snapshots.load_at(step)]
            if kind == "embeddings":
                shown.append(run.snapshots.load_at(steps[-1]))  # whose plane is the one they are all drawn in
            return next(ANIMATIONS[kind]().frames(run, shown, theme))

    def _open(self, folder: RunFolder) -> Run:
        """Return the run of a folder: the one that is held, unless its recipe was written anew since."""
        try:
            key = (str(folder.path), (folder.path / "recipe.toml").stat().st_mtime_ns)
        except OSError:
            raise Missing(f"run {folder.name} is gone") from None
        run = self._held.get(key)
        if run is None:
            self._held = OrderedDict((k, held) for k, held in self._held.items() if k[0] != key[0])
            run = self._held[key] = Run(folder, self._data_root)
        self._held.move_to_end(key)
        while len(self._held) > MAX_HELD:
            self._held.popitem(last=False)
        return run
