"""Checkpoints: whole or not there, the two newest kept, the earlier one safe when the disk is full."""

import json
import resource
import signal
from pathlib import Path

import pytest
import torch

from vael.build import build_model
from vael.errors import VaelError
from vael.recipe import ModelRecipe, Part
from vael.training import TrainingState, load_checkpoint, load_weights, save_checkpoint, save_weights
from vael.types import Observation


def state_with(hidden: int = 8) -> TrainingState:
    recipe = ModelRecipe(latent_dim=2, encoder=Part("mlp", {"hidden_features": [hidden]}))
    return TrainingState.start(build_model(recipe, Observation((1, 8, 8), "unit")), ("exp_avg",), averaged=False)


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    saved = state_with()
    saved.step = 12
    saved.slots["exp_avg"][0].fill_(3.0)
    save_checkpoint(tmp_path / "c", saved, {"metrics_bytes": 5})
    loaded = state_with()
    assert load_checkpoint(tmp_path / "c", loaded) == saved.numbers() | {"metrics_bytes": 5}
    assert all(torch.equal(tensor, loaded.tensors()[name]) for name, tensor in saved.tensors().items())


def test_an_empty_folder_has_no_checkpoint(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path, state_with()) is None


def test_only_the_two_newest_are_kept(tmp_path: Path) -> None:
    state = state_with()
    for state.step in (1, 2, 3, 10):
        save_checkpoint(tmp_path, state, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"step_{step:09d}.{ending}" for step in (3, 10) for ending in ("json", "safetensors")
    ]


def test_weights_without_their_json_are_no_checkpoint(tmp_path: Path) -> None:
    """What a kill between the two renames leaves behind."""
    state = state_with()
    state.step = 1
    save_checkpoint(tmp_path, state, {})
    save_weights(tmp_path / "step_000000002.safetensors", state.tensors())
    loaded = load_checkpoint(tmp_path, state_with())
    assert loaded is not None
    assert loaded["step"] == 1


def test_a_full_disk_keeps_the_earlier_checkpoint(tmp_path: Path) -> None:
    """The kernel refuses every file beyond 2 kB, as a full disk would."""
    state = state_with()
    state.step = 1
    save_checkpoint(tmp_path, state, {})
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
        state.step = 2
        with pytest.raises(VaelError, match=r"cannot write .*step_000000002.safetensors.*is kept"):
            save_checkpoint(tmp_path, state, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, state_with(8), {})
    with pytest.raises(VaelError, match="another recipe"):
        load_checkpoint(tmp_path, state_with(9))


def test_damaged_weights_are_named(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_weights(path, {"a": torch.ones(100)})
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(VaelError, match=r"model.safetensors is damaged"):
        load_weights(path)
    with pytest.raises(VaelError, match="is missing"):
        load_weights(tmp_path / "none.safetensors")


def test_a_damaged_json_is_named(tmp_path: Path) -> None:
    state = state_with()
    save_checkpoint(tmp_path, state, {})
    (tmp_path / "step_000000000.json").write_text(json.dumps({"step": 0})[:-2])
    with pytest.raises(VaelError, match=r"step_000000000.json is damaged"):
        load_checkpoint(tmp_path, state)
