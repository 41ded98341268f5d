"""Mend noisy MNIST: a VAE whose encoder sees noise beside a plain denoising autoencoder of the same size.

    VAEL_DATA=… python benchmarks/denoising.py

Both have the same networks, latent dimensions, batches, steps and noise (Gaussian, fresh at each visit, σ of each test
image the training's); the autoencoder has no rate and one code an image; the VAE takes the mean of p(x | z) over draws
of z, once from q(z | seen) as the encoder has it, once from q fitted to what is seen through noise of this σ.
PSNR and SSIM are means over the 10,000 test images, with the standard error over seeds.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

import vael
from vael import tasks
from vael.data.corruptions import Gaussian
from vael.recipe import parse_settings

SHARED = (
    "data.treatment=grey",
    'model.encoder={name="mlp", hidden_features=[512, 256], activation="silu"}',
    'model.decoder={name="mlp", hidden_features=[256, 512], activation="silu"}',
    "model.latent_dim=64",
    'model.likelihood={name="optimal-gaussian"}',
    'training.learning_rate={name="cosine", start=1e-3, end=0.0}',
    "training.batch_size=128",
    "training.snapshots=0",
)
SIDES = {
    "denoising autoencoder": ("model.posterior=point", "objective=autoencoder"),
    "VAE": ("model.posterior=diagonal-normal",),
}
BLOCK = 1000


def mend(side: str, sigma: float, seed: int, epochs: int, num_samples: int) -> dict[str, tuple[float, float, float]]:
    """Train one side; return, by way of mending, mean PSNR before and after and mean SSIM after."""
    words = [
        *SHARED,
        *SIDES[side],
        f'training.corruption={{name="gaussian", sigma={sigma}}}',
        f"training.seed={seed}",
        f"training.epochs={epochs}",
    ]
    with tempfile.TemporaryDirectory() as folder:
        run = vael.train("mnist", settings=parse_settings(words), runs=Path(folder), name="mends", on_record=print_none)
        if side != "VAE":
            return {side: judge(run, sigma, num_samples=0, num_steps=0)}
        return {
            "VAE, the encoder's q": judge(run, sigma, num_samples=num_samples, num_steps=0),
            "VAE, q fitted to what is seen": judge(run, sigma, num_samples=num_samples, num_steps=10),
        }


def judge(run: vael.Run, sigma: float, *, num_samples: int, num_steps: int) -> tuple[float, float, float]:
    """Mend the test images; return mean PSNR before and after, and mean SSIM after."""
    rows = []
    for start in range(0, len(run.data("test")), BLOCK):
        spoilt = tasks.spoil(run.batch(list(range(start, start + BLOCK)), split="test"), Gaussian(sigma), seed=start)
        found = tasks.denoise(run.model, spoilt, num_samples=num_samples, sigma=sigma, num_steps=num_steps, seed=start)
        assert found.before is not None
        assert found.after is not None
        rows.append((found.before.psnr_db.mean(), found.after.psnr_db.mean(), found.after.ssim.mean()))
    before, after, ssim = np.mean(rows, axis=0)
    return float(before), float(after), float(ssim)


def print_none(record: object) -> None:
    """Say nothing of a training's records."""


def main() -> int:
    """Print a row for each noise and side."""
    parser = argparse.ArgumentParser(description="Denoising beside a plain denoising autoencoder.")
    parser.add_argument("--sigmas", type=float, nargs="+", default=[0.3, 0.4, 0.5])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--num-samples", type=int, default=32)
    given = parser.parse_args()
    print("| σ | side | PSNR of the noisy, dB | PSNR, dB | SSIM |\n|---|---|---|---|---|")
    for sigma in given.sigmas:
        for side in SIDES:
            found = [mend(side, sigma, seed, given.epochs, given.num_samples) for seed in range(given.seeds)]
            for way in found[0]:
                rows = [each[way] for each in found]
                before, after, ssim = np.mean(rows, axis=0)
                error = np.std(rows, axis=0, ddof=1)[1] / np.sqrt(len(rows)) if len(rows) > 1 else 0.0
                print(f"| {sigma} | {way} | {before:.2f} | {after:.2f} ± {error:.2f} | {ssim:.4f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
