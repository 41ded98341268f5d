"""Inception-v3 against torchvision's own: its names, its number of weights, its features of the same weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from vael.build import build_model
from vael.data.batches import DeviceData
from vael.data.treatments import find_treatment
from vael.errors import VaelError
from vael.evaluation.inception import Inception, read_inception
from vael.evaluation.samples import judge_samples
from vael.random import seeded
from vael.recipe import ModelRecipe
from vael.types import Observation

GREY = Observation((1, 8, 8), "unit")
CPU = torch.device("cpu")


def weights() -> dict[str, torch.Tensor]:
    """Weights that any implementation can make again: drawn by NumPy, tensor by tensor in the order of their names."""
    generator, found = np.random.Generator(np.random.PCG64(0)), {}
    for name, tensor in sorted(Inception().state_dict().items()):
        shape = tuple(tensor.shape)
        if name.endswith("num_batches_tracked"):
            continue
        if name.endswith("conv.weight"):
            values = generator.normal(size=shape) * np.sqrt(2 / np.prod(shape[1:]))
        elif name.endswith(("running_var", "bn.weight")):
            values = generator.uniform(0.5, 1.5, shape)
        else:
            values = generator.normal(size=shape) * 0.1
        found[name] = torch.from_numpy(values.astype(np.float32))
    return found


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "inception_v3.safetensors"
    save_file({**weights(), "fc.bias": torch.zeros(1000)}, path)  # as in the original, there are classifying layers too
    return path


def test_it_has_as_many_weights_as_torchvisions() -> None:
    """27,161,264 in all (its documentation), 3,326,696 of them in the auxiliary branch, 2,049,000 in the last layer."""
    count = sum(tensor.numel() for tensor in Inception().parameters())
    assert count == 27_161_264 - 3_326_696 - (2048 + 1) * 1000


def test_its_features_are_torchvisions(file: Path) -> None:
    """The numbers come from torchvision 0.29's `Inception3` with these weights, transform_input off."""
    network = read_inception(file, GREY, CPU)
    x = torch.from_numpy(np.random.Generator(np.random.PCG64(1)).uniform(-1, 1, (1, 3, 299, 299)).astype(np.float32))
    with torch.inference_mode():
        found = network.inception(x)[0].double()
    assert found.shape == (2048,)
    assert float(found.mean()) == pytest.approx(6.4022930369, rel=1e-4)
    expected = [1.31872702, 0.01320105, 0.15911730, 3.40805149, 6.46626186, 24.50535965, 17.94249344, 33.06003952]
    at = [0, 319, 320, 1087, 1088, 1855, 1856, 2047]
    np.testing.assert_allclose(found[at].numpy(), expected, rtol=1e-4, atol=1e-4)


def test_grey_and_colour_in_any_domain_are_seen_alike(file: Path) -> None:
    """A white image is +1 in all three colours, in [0, 1] as in levels; a black one −1."""
    unit = read_inception(file, GREY, CPU)
    levels = read_inception(file, Observation((3, 8, 8), "levels", 256), CPU)
    x = torch.rand(2, 1, 8, 8)
    as_levels = (255 * x).expand(-1, 3, -1, -1)
    with torch.inference_mode():
        torch.testing.assert_close(unit(x), levels(as_levels), rtol=1e-3, atol=1e-3)
        assert torch.equal(unit._see(torch.ones(1, 1, 8, 8)), torch.ones(1, 3, 299, 299))
        assert torch.equal(unit._see(torch.zeros(1, 1, 8, 8)), -torch.ones(1, 3, 299, 299))


def test_samples_are_judged_on_its_features(file: Path) -> None:
    with seeded(0):
        model = build_model(ModelRecipe(latent_dim=2), GREY)
    data = DeviceData(torch.randint(0, 256, (20, 1, 8, 8), dtype=torch.uint8), find_treatment("grey", 256))
    found = judge_samples(model, data, read_inception(file, GREY, CPU))
    assert found.num_examples == 20
    assert found.samples.frechet_distance > 0
    assert "inception_v3.safetensors, blake2b" in found.features
    assert "299 × 299" in found.features


def test_what_is_no_such_file_or_no_image_is_refused(file: Path, tmp_path: Path) -> None:
    with pytest.raises(VaelError, match=r"is a pickle.*convert it once"):
        read_inception(tmp_path / "inception_v3_google-0cc3c7bd.pth", GREY, CPU)
    with pytest.raises(VaelError, match="cannot be read as safetensors"):
        read_inception(tmp_path / "missing.safetensors", GREY, CPU)
    other = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(3)}, other)
    with pytest.raises(VaelError, match="lacks 470 of 470 tensors"):
        read_inception(other, GREY, CPU)
    for observation in (Observation((5,), "real"), Observation((2, 8, 8), "unit"), Observation((1, 8, 8), "real")):
        with pytest.raises(VaelError, match="expect grey or colour images"):
            read_inception(file, observation, CPU)
