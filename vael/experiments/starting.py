"""Start a training from the weights of another run: to go on under another objective, or on other data."""

from pathlib import Path
from typing import Any

import torch

from vael.errors import VaelError
from vael.runs import RunFolder
from vael.training import TrainingState, load_weights

__all__ = ["take_weights"]


@torch.no_grad()
def take_weights(state: TrainingState, run: str, *, runs: Path) -> dict[str, Any]:
    """Copy the weights of a run that fit into a fresh state, by name and shape; say how many for run.json.

    Arguments:
        state: The state at step 0; its average starts from the same weights.
        run: A path, or a name in the runs folder.
        runs: The folder that holds the runs.

    Raises:
        VaelError: No such run, it has no weights, or none of them fits.
    """
    folder = RunFolder.open(run, root=runs)
    mine, theirs = state.model.state_dict(), load_weights(folder.path / "model.safetensors")
    fitting = [name for name, tensor in mine.items() if name in theirs and theirs[name].shape == tensor.shape]
    if not fitting:
        raise VaelError(
            f"training.start_from = '{run}' has no weights that fit this model: name a run of the same networks"
        )
    for name in fitting:
        mine[name].copy_(theirs[name])
    for mean, param in zip(state.average, state.model.parameters(), strict=False):
        mean.copy_(param)
    return {"run": folder.name, "tensors": len(fitting), "of": len(mine)}
