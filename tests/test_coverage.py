"""Every row of docs/coverage.md is what it says: it trains for a few steps and samples."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

import vael
from vael.cli.app import app
from vael.experiments import prepare
from vael.recipe import parse_settings

PAGE = (Path(__file__).parents[1] / "docs" / "coverage.md").read_text(encoding="utf-8")
SMALL = {
    "training.epochs": 1,
    "training.snapshots": 0,
    "model.latent_dim": 12,
    "model.encoder": "mlp",
    "model.decoder": "mlp",
    "model.encoder.hidden_features": [16],
    "model.decoder.hidden_features": [16],
    "training.compile": "off",
}


def rows(heading: str) -> list[tuple[str, list[str]]]:
    """The rows of a section: theirs, and what stands in code in the last column."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line.strip("| ").split("|") for line in section.splitlines() if line.startswith("|")][2:]
    return [(cells[0].strip(), re.findall(r"`([^`]+)`", cells[-1])) for cells in lines]


def train(settings: list[str], runs: Path, name: str = "run") -> vael.Run:
    experiment = prepare("digits", settings=SMALL | parse_settings(settings), runs=runs, name=name)
    records = list(experiment.records())
    assert all(np.isfinite(record.values["loss"]) for record in records if "loss" in record.values)
    return vael.load(experiment.folder.path)


@pytest.mark.parametrize(
    ("theirs", "settings"), rows("Models"), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_model_trains_evaluates_and_samples(theirs: str, settings: list[str], tmp_path: Path) -> None:
    assert settings, f"{theirs} says nothing of what it is here"
    run = train(settings, tmp_path)
    assert np.isfinite(run.evaluate(num_samples=2).distortion_nats)
    assert np.isfinite(run.sample(4).x).all()


@pytest.mark.parametrize(
    ("theirs", "code"), rows("Samplers"), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_sampler_samples(theirs: str, code: list[str], tmp_path: Path) -> None:
    command, settings = shlex.split(code[0])[1:], code[1:]
    if any("prior=uniform-sphere" in setting for setting in settings):
        settings = [*settings, "model.posterior=von-mises-fisher"]
    run = train(settings, tmp_path)
    if command[0] == "refit-prior":
        with pytest.raises(SystemExit, match="0"):
            app([*(str(run.path) if word == "RUN" else word for word in command), "--name", "refitted"])
        run = vael.load(tmp_path / "refitted")
    assert np.isfinite(run.sample(4).x).all()


def test_every_row_that_is_left_out_says_why() -> None:
    section = PAGE.partition("## Left out\n")[2]
    reasons = [line.strip("| ").split("|")[-1].strip() for line in section.splitlines() if line.startswith("|")][2:]
    assert len(reasons) == 5
    assert all(len(reason.split()) > 5 for reason in reasons)


THEIRS = re.findall(
    r"\w+",
    """AE VAE BetaVAE DisentangledBetaVAE BetaTCVAE FactorVAE VAE_LinNF VAE_IAF IWAE MIWAE PIWAE CIWAE MSSSIM_VAE
    WAE_MMD INFOVAE_MMD VAMP SVAE PoincareVAE Adversarial_AE VAEGAN VQVAE HRQVAE HVAE RHVAE RAE_L2 RAE_GP Normal
    GaussianMixture TwoStageVAE MAF IAF HypersphereUniform PoincareDisk PixelCNN DIPVAE SWAE DFCVAE LogCoshVAE LVAE
    GammaVAE CategoricalVAE JointVAE ConditionalVAE""",
)


@pytest.mark.parametrize("name", THEIRS)
def test_every_name_of_theirs_stands_on_the_page(name: str) -> None:
    first = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("|")]
    assert any(re.search(rf"\b{name}\b", cell) for cell in first)
