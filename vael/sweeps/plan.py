"""A sweep's folder: what is searched, written down once, so that the same command goes on and others may help."""

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from vael.errors import VaelError
from vael.experiments.parts import Parts
from vael.experiments.run import RUNS
from vael.recipe import Recipe
from vael.runs import write_atomically
from vael.runs.moving import check_name
from vael.sweeps.league import check_league
from vael.sweeps.space import Space

__all__ = ["FORMAT", "Sweep", "open_sweep"]

FORMAT = 1
"""Version of sweep.json; a newer one is refused."""
VALID_FRACTION = 0.1  # of the training examples, where the source has no validation split
LIGHT = {"training.snapshots": 0, "training.checkpoint_seconds": 1e9}  # a trial is begun anew, never taken up again


@dataclass(frozen=True)
class Sweep:
    """Hold what is searched, and where.

    Arguments:
        path: The sweep's folder.
        recipe: The recipe whose settings are searched.
        space: What varies.
        trial_settings: What every trial changes besides: a validation split where the source has none, no snapshots.
        storage: The address of an SQL storage; None is `journal.log` in the folder.
        identity: Tells this sweep from others of its name in a shared storage.
        has_test: Whether the data have a test split to measure the best trial on.
        data_root: Where to look for data first.
    """

    path: Path
    recipe: Recipe
    space: Space
    trial_settings: Mapping[str, Any]
    storage: str | None = None
    identity: str = ""
    has_test: bool = True
    data_root: Path | None = None

    @property
    def name(self) -> str:
        """The sweep's name: that of its folder."""
        return self.path.name

    def trial_path(self, number: int) -> Path:
        """Return the run folder of a trial."""
        return self.path / "trials" / f"{number:03d}"

    def trial_recipe(self, params: Mapping[str, Any]) -> Recipe:
        """Return the recipe that a trial trains."""
        return self.recipe.override({**self.space.settings(params), **self.trial_settings})

    def found_recipe(self, params: Mapping[str, Any], *, title: str, reference: str) -> Recipe:
        """Return the recipe to retrain a trial with: the data in the splits that the recipe itself asks for."""
        return self.recipe.override({**self.space.settings(params), "title": title, "reference": reference})

    @classmethod
    def reopen(cls, path: Path, data_root: Path | None = None) -> "Sweep":
        """Read a sweep's folder.

        Raises:
            VaelError: The folder holds no sweep, a damaged one, or one of a newer version.
        """
        stated = _read(path)
        return cls(
            path,
            Recipe.from_toml(stated["recipe"], where=f"{path}/sweep.json"),
            Space.from_dict(stated["space"]),
            stated["trial_settings"],
            stated["storage"],
            stated["identity"],
            stated["has_test"],
            data_root,
        )


def open_sweep(
    recipe: str | Recipe,
    *,
    space: str | Path | Space | None = None,
    settings: Mapping[str, Any] | None = None,
    name: str | None = None,
    storage: str | None = None,
    runs: Path = RUNS,
    data_root: Path | None = None,
) -> Sweep:
    """Check everything that can be checked before a training, and make the sweep's folder, or open it again.

    Arguments:
        recipe: A name of `vael recipes`, a file, or a `Recipe`.
        space: A file, or a `Space`; None takes the one that ships for the recipe.
        settings: Values of the recipe to replace, by path.
        name: The sweep's name; None is `sweep-` and the recipe's, so that the same call goes on.
        storage: The address of an SQL storage (`sqlite:///sweep.db`); None keeps a journal in the folder.
        runs: The folder that holds the runs.
        data_root: Where to look for data first.

    Raises:
        VaelError: What was asked for cannot be done, or another sweep has the name.
    """
    label = Path(recipe).stem if isinstance(recipe, str) else "recipe"
    chosen = recipe if isinstance(recipe, Recipe) else Recipe.find(recipe)
    chosen = chosen.override(settings or {})
    check_league(chosen)
    if not isinstance(space, Space):
        shipped = recipe if isinstance(recipe, str) else label
        space = Space.find(shipped, None if space is None else Path(space))
    space = space.checked(chosen)
    name = name or f"sweep-{label}"
    check_name(name)
    stated = _stated(chosen, space, storage, data_root)
    path = Path(runs) / name
    _write(path, stated)
    return Sweep.reopen(path, data_root)


def _stated(recipe: Recipe, space: Space, storage: str | None, data_root: Path | None) -> dict[str, Any]:
    """Say what is searched; the data are read and the model is built once, to see that both can be."""
    trial_settings: dict[str, Any] = dict(LIGHT)
    base = recipe.override({**space.fixed, **trial_settings})
    parts = Parts.build(base, data_root)
    if "valid" not in parts.dataset.splits:
        trial_settings["data.valid_fraction"] = VALID_FRACTION
        parts = Parts.build(base.override(trial_settings), data_root)
    return {
        "format": FORMAT,
        "recipe": recipe.to_toml(),
        "space": space.as_dict(),
        "trial_settings": trial_settings,
        "storage": storage,
        "has_test": "test" in parts.dataset.splits,
        "fingerprint": parts.dataset.fingerprint(),
    }


def _write(path: Path, stated: Mapping[str, Any]) -> None:
    """Write sweep.json, or see that the one that is there says the same."""
    if path.exists() and not (path / "sweep.json").exists() and any(path.glob("[!.]*")):
        raise VaelError(f"{path} is there and holds no sweep: choose another --name")
    try:
        path.mkdir(parents=True, exist_ok=True)
        with FileLock(path / ".sweep.lock"):
            if (path / "sweep.json").exists():
                return _check_same(path, _read(path), stated)
            own = {"started": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "identity": uuid.uuid4().hex}
            content = json.dumps({**own, **stated}, indent=2, ensure_ascii=False) + "\n"
            return write_atomically(path / "sweep.json", content.encode())
    except OSError as error:
        raise VaelError(f"cannot write into {path} ({error.strerror or error}): choose another --runs folder") from None


def _check_same(path: Path, before: Mapping[str, Any], stated: Mapping[str, Any]) -> None:
    recipe = Recipe.from_toml(before["recipe"], where=f"{path}/sweep.json").to_toml()  # an older vael knew fewer keys
    before = {**before, "recipe": recipe}
    words = {"fingerprint": "data", "has_test": "data", "trial_settings": "splits"}
    for key, value in stated.items():
        if before.get(key) != value:
            what = words.get(key, key)
            raise VaelError(f"the sweep {path} was begun with another {what}: choose another --name to begin a new one")


def _read(path: Path) -> dict[str, Any]:
    try:
        stated = json.loads((path / "sweep.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise VaelError(f"{path} holds no sweep: 'vael sweep RECIPE' makes one") from None
    except (OSError, ValueError) as error:
        raise VaelError(f"{path}/sweep.json cannot be read ({error}): choose another --name") from None
    if not isinstance(stated, dict) or stated.get("format") != FORMAT:
        raise VaelError(f"{path}/sweep.json expects format {FORMAT}: it is damaged, or a newer vael's")
    return stated
