"""Checkpoints: tensors as safetensors, counters as JSON beside them; a kill at any moment loses nothing.

The JSON is renamed into place last: a checkpoint is there exactly when its JSON is. The two newest are kept.
"""

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from vael.errors import VaelError
from vael.runs import atomic_path, write_atomically
from vael.training.state import TrainingState

__all__ = ["load_checkpoint", "load_weights", "save_checkpoint", "save_weights"]

KEPT = 2


def save_checkpoint(folder: Path, state: TrainingState, extra: dict[str, Any]) -> None:
    """Write a checkpoint of a state and drop all but the newest two.

    Arguments:
        folder: The `checkpoints/` folder, made if needed.
        state: What to save.
        extra: More entries for the JSON (the length of metrics.jsonl).

    Raises:
        VaelError: It cannot be written; the earlier checkpoints stay.
    """
    folder.mkdir(exist_ok=True)
    base = folder / f"step_{state.step:09d}"
    save_weights(base.with_suffix(".safetensors"), state.tensors())
    write_atomically(base.with_suffix(".json"), (json.dumps(state.numbers() | extra) + "\n").encode())
    for old in sorted(folder.glob("step_*.json"))[:-KEPT]:
        old.unlink()
    complete = {path.stem for path in folder.glob("step_*.json")}
    for path in folder.glob("step_*.safetensors"):
        if path.stem not in complete:
            path.unlink()


def load_checkpoint(folder: Path, state: TrainingState) -> dict[str, Any] | None:
    """Load the newest checkpoint into a state and return its JSON; None where there is none.

    Raises:
        VaelError: The newest checkpoint is damaged or belongs to another model.
    """
    found = sorted(folder.glob("step_*.json"))
    if not found:
        return None
    try:
        numbers = json.loads(found[-1].read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise VaelError(f"{found[-1]} is damaged ({error}): remove it to go on from the one before") from None
    state.load(load_weights(found[-1].with_suffix(".safetensors")), numbers)
    return numbers


def save_weights(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write tensors as one safetensors file, atomically.

    Raises:
        VaelError: It cannot be written; what was there before stays.
    """
    with atomic_path(path) as temporary:
        try:
            save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, temporary)
        except SafetensorError as error:  # safetensors hides the OSError inside its own
            raise OSError(str(error)) from error


def load_weights(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file.

    Raises:
        VaelError: It is missing, truncated or no safetensors file.
    """
    try:
        return load_file(path)
    except FileNotFoundError:
        raise VaelError(f"{path} is missing: the run has written no weights yet, or they were removed") from None
    except (SafetensorError, OSError) as error:
        raise VaelError(f"{path} is damaged ({error}): restore it from a copy, or train again") from None
