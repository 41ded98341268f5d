"""pythae 0.1.2 as it comes from PyPI: its VAE, its BaseTrainer, its data loader with its own defaults.

One epoch is what `BaseTrainer.train` does for one: the begin and end callbacks (progress bar included) around
`train_step`. Nothing inside a step is altered.
"""

import importlib.metadata
import itertools
import math
import tempfile
from pathlib import Path

import torch
from architectures import BASIC, CONV_FACES
from images import read_faces, read_mnist
from protocol import Options, Side, serve
from pythae.data.datasets import BaseDataset  # pyright: ignore[reportMissingImports]
from pythae.models import VAE, VAEConfig  # pyright: ignore[reportMissingImports]
from pythae.models.base.base_utils import ModelOutput  # pyright: ignore[reportMissingImports]
from pythae.models.nn import BaseDecoder, BaseEncoder  # pyright: ignore[reportMissingImports]
from pythae.trainers import BaseTrainer, BaseTrainerConfig  # pyright: ignore[reportMissingImports]
from torch import Tensor, nn


class TwoHeads(BaseEncoder):
    """A trunk and two dense heads, for the mean and the logarithm of the variance."""

    def __init__(self, trunk: nn.Module, width: int, latent_dim: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.embedding = nn.Linear(width, latent_dim)
        self.log_var = nn.Linear(width, latent_dim)

    def forward(self, x: Tensor) -> ModelOutput:
        h = self.trunk(x)
        return ModelOutput(embedding=self.embedding(h), log_covariance=self.log_var(h))


class Reconstruction(BaseDecoder):
    """A network from z to the image, in the wrapper that pythae expects."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, z: Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=self.network(z))


def basic_model() -> VAE:
    """Build 784-400-20 with sigmoid outputs."""
    trunk = nn.Sequential(nn.Flatten(), nn.Linear(BASIC.in_features, BASIC.hidden_features), nn.ReLU())
    back = nn.Sequential(
        nn.Linear(BASIC.latent_dim, BASIC.hidden_features),
        nn.ReLU(),
        nn.Linear(BASIC.hidden_features, BASIC.in_features),
        nn.Sigmoid(),
        nn.Unflatten(1, (1, 28, 28)),
    )
    config = VAEConfig(input_dim=(1, 28, 28), latent_dim=BASIC.latent_dim, reconstruction_loss="bce")
    return VAE(config, TwoHeads(trunk, BASIC.hidden_features, BASIC.latent_dim), Reconstruction(back))


def conv_faces_model() -> VAE:
    """Build the convolutional network on 64×64 colour."""
    widths = (CONV_FACES.image_shape[0], *CONV_FACES.channels)
    geometry = (CONV_FACES.kernel_size, CONV_FACES.stride, CONV_FACES.padding)
    stages = list(itertools.pairwise(widths))
    down: list[nn.Module] = []
    up: list[nn.Module] = []
    for few, many in stages:
        down += [nn.Conv2d(few, many, *geometry), nn.BatchNorm2d(many), nn.ReLU()]
    for few, many in reversed(stages):
        up += [nn.ConvTranspose2d(many, few, *geometry), nn.BatchNorm2d(few), nn.ReLU()]
    small = (CONV_FACES.channels[-1], CONV_FACES.small_size, CONV_FACES.small_size)
    dense = nn.Linear(CONV_FACES.latent_dim, math.prod(small))
    back = nn.Sequential(dense, nn.ReLU(), nn.Unflatten(1, small), *up[:-2])
    trunk = nn.Sequential(*down, nn.Flatten())
    config = VAEConfig(input_dim=CONV_FACES.image_shape, latent_dim=CONV_FACES.latent_dim, reconstruction_loss="mse")
    return VAE(config, TwoHeads(trunk, math.prod(small), CONV_FACES.latent_dim), Reconstruction(back))


def basic_images(data_root: Path) -> tuple[Tensor, Tensor]:
    """Return train and test images, float (n, 1, 28, 28) in [0, 1]."""
    train, test = (torch.from_numpy(read_mnist(data_root, split)) for split in ("train", "test"))
    return train.unsqueeze(1) / 255, test.unsqueeze(1) / 255


def face_images(data_root: Path) -> tuple[Tensor, Tensor]:
    """Return train and test faces, float (n, 3, 64, 64) in [0, 1]."""
    faces = torch.from_numpy(read_faces(data_root, CONV_FACES.train_images + CONV_FACES.test_images)) / 255
    return faces[: CONV_FACES.train_images].clone(), faces[CONV_FACES.train_images :].clone()


NETWORKS = {"basic": (BASIC, basic_model, basic_images), "conv-faces": (CONV_FACES, conv_faces_model, face_images)}


class PythaeSide(Side):
    """pythae's trainer, driven one epoch at a time."""

    def __init__(self, options: Options) -> None:
        network, build_model, read_images = NETWORKS[options.network]
        torch.set_num_threads(options.threads)
        self.images = network.train_images
        train, self.test = read_images(options.data_root)
        self.folder = tempfile.TemporaryDirectory()
        config = BaseTrainerConfig(
            output_dir=self.folder.name,
            per_device_train_batch_size=network.batch_size,
            learning_rate=network.learning_rate,
            seed=options.seed,
            no_cuda=True,
        )
        torch.manual_seed(options.seed)
        dataset = BaseDataset(train, torch.zeros(len(train)))
        self.trainer = BaseTrainer(build_model(), dataset, training_config=config)
        self.trainer.prepare_training()
        self.trainer.callback_handler.on_train_begin(training_config=config, model_config=self.trainer.model_config)
        self.epoch = 0

    def train_epoch(self) -> float:
        self.epoch += 1
        trainer, config = self.trainer, self.trainer.training_config
        trainer.callback_handler.on_epoch_begin(
            training_config=config, epoch=self.epoch, train_loader=trainer.train_loader, eval_loader=None
        )
        train_loss = trainer.train_step(self.epoch)
        trainer.callback_handler.on_epoch_end(training_config=config)
        return train_loss

    @torch.no_grad()
    def test_loss(self) -> float:
        self.trainer.model.eval()
        total = sum(self.trainer.model({"data": x}).loss.item() * len(x) for x in self.test.split(100))
        return total / len(self.test)

    def describe(self) -> dict[str, str]:
        return {
            "pythae": importlib.metadata.version("pythae"),
            "torch": torch.__version__,
            "threads": str(torch.get_num_threads()),
            "precision": "float32",
        }


if __name__ == "__main__":
    serve(PythaeSide)
