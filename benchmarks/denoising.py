"""Mend noisy MNIST: a VAE whose encoder sees noise beside a plain denoising autoencoder of the same size.

    VAEL_DATA=… python benchmarks/denoising.py

Both have the same networks, latent dimensions, batches, steps and noise (Gaussian, fresh at each visit, σ of each test
image the training's); the autoencoder has no rate and one code an image, the VAE the mean of p(x | z) over draws of z.
PSNR and SSIM are means over the 10,000 test images, with the standard error over seeds.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

import vael
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


def mend(side: str, sigma: float, seed: int, epochs: int, num_samples: int) -> tuple[float, float, float]:
    """Train one side and return mean PSNR of the noisy and of the mended test images, and mean SSIM of these."""
    words = [
        *SHARED,
        *SIDES[side],
        f'training.corruption={{name="gaussian", sigma={sigma}}}',
        f"training.seed={seed}",
        f"training.epochs={epochs}",
    ]
    with tempfile.TemporaryDirectory() as folder:
        run = vael.train("mnist", settings=parse_settings(words), runs=Path(folder), name="mends", on_record=print_none)
        before, after, ssim = [], [], []
        draws = 0 if side != "VAE" else num_samples
        for start in range(0, len(run.data("test")), BLOCK):
            found = run.denoise(list(range(start, start + BLOCK)), split="test", num_samples=draws, seed=start)
            assert found.before is not None
            assert found.after is not None
            before.append(found.before.psnr_db)
            after.append(found.after.psnr_db)
            ssim.append(found.after.ssim)
    return float(np.mean(before)), float(np.mean(after)), float(np.mean(ssim))


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
            rows = [mend(side, sigma, seed, given.epochs, given.num_samples) for seed in range(given.seeds)]
            before, after, ssim = np.mean(rows, axis=0)
            error = np.std(rows, axis=0, ddof=1)[1] / np.sqrt(len(rows)) if len(rows) > 1 else 0.0
            print(f"| {sigma} | {side} | {before:.2f} | {after:.2f} ± {error:.2f} | {ssim:.4f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
