"""Features in which samples are compared with data: the last hidden layer of a small network that tells labels apart.

No weights are shipped or fetched: the network learns the labels of the run's own training split in under a minute, and
is kept as safetensors. Distances in its features compare models of one data set with one another; they are not the
Fréchet Inception distance of the literature, which is defined by the weights of one Inception network (`inception.py`).
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from vael.data.batches import DeviceData
from vael.errors import VaelError
from vael.evaluation.examples import BATCH_SIZE, Labelled
from vael.evaluation.inception import InceptionNetwork
from vael.files import written_whole
from vael.networks.conv import ConvEncoder
from vael.networks.mlp import MLPEncoder
from vael.random import seeded
from vael.types import Observation

__all__ = ["ClassNetwork", "features_of", "learn_network", "measure_accuracy"]

NUM_FEATURES = 64
TRAIN_BATCH = 128
MAX_STEPS = 600
CELLS_SEEN = 120_000_000  # numbers of x in one training: bounds its time on large images
LEARNING_RATE = 2e-3


class ClassNetwork(nn.Module):
    """Tell the labels of x apart: a convolutional network for images, a perceptron for rows.

    Arguments:
        observation: What x is.
        num_classes: How many labels there are.
    """

    def __init__(self, observation: Observation, num_classes: int) -> None:
        super().__init__()
        self.observation = observation
        if observation.is_image:
            self.body: nn.Module = ConvEncoder(
                observation.shape, channels=(32, 64), kernel_size=4, hidden_features=(NUM_FEATURES,)
            )
        else:
            self.body = MLPEncoder(observation.shape, hidden_features=(128, NUM_FEATURES))
        self.scale = nn.BatchNorm1d(NUM_FEATURES, affine=False)  # distances then have a unit: the features' own spread
        self.head = nn.Linear(NUM_FEATURES, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features `(B, 64)` of x `(B, *shape)` in its domain, of unit variance over the training split."""
        return self.scale(self.body(self.observation.as_input(x)))

    @property
    def description(self) -> str:
        """What the features are, in words."""
        return "the class network, trained on the run's own labels"


def learn_network(
    observation: Observation, train: Labelled, *, cache: Path | None = None, seed: int = 0
) -> ClassNetwork:
    """Train the network on labelled examples, or read it from the cache.

    Arguments:
        observation: What x is.
        train: The training split with its labels.
        cache: The folder that keeps it, named by data and seed; None keeps nothing.
        seed: Seed of weights and batches.

    Raises:
        VaelError: Fewer than two classes.
    """
    num_classes = int(train.labels.max()) + 1 if len(train.labels) else 0
    if len(np.unique(train.labels)) < 2:
        raise VaelError("the class network expects labels of two classes or more: compare samples on labelled data")
    path = None if cache is None else cache / f"class_network_{_fingerprint(observation, train, seed)}.safetensors"
    with seeded(seed):
        network = ClassNetwork(observation, num_classes).to(train.data.device)
        if path is None or not _read(network, path):
            _train(network, train)
            if path is not None:
                _write(network, path)
    return network.eval()


def _train(network: ClassNetwork, train: Labelled) -> None:
    labels = torch.from_numpy(train.labels).to(train.data.device)
    batch_size = min(TRAIN_BATCH, len(labels))
    steps = max(100, min(MAX_STEPS, CELLS_SEEN // (batch_size * network.observation.num_dims)))
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    order = torch.empty(0, dtype=torch.int64, device=labels.device)
    network.train()
    for _ in range(steps):
        if len(order) < batch_size:
            order = torch.randperm(len(labels), device=labels.device)
        index, order = order[:batch_size], order[batch_size:]
        loss = F.cross_entropy(network.head(network(train.data.batch(index).x)), labels[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


@torch.inference_mode()
def measure_accuracy(network: ClassNetwork, examples: Labelled) -> float:
    """Return the share of examples whose label the network tells, 0 to 1."""
    found = [network.head(network(batch.x)).argmax(1).cpu().numpy() for batch in examples.data.in_order(BATCH_SIZE)]
    return float((np.concatenate(found) == examples.labels).mean())


def features_of(network: ClassNetwork | InceptionNetwork, x: Tensor) -> NDArray[np.float64]:
    """Return the features of x, `(B, H)` float64."""
    return network(x).double().cpu().numpy()


def _fingerprint(observation: Observation, train: Labelled, seed: int) -> str:
    """Hash what the trained weights follow from."""
    data: DeviceData = train.data
    words = (observation.shape, observation.domain, observation.num_levels, data.treatment.name, len(data), seed)
    digest = hashlib.blake2b(repr(words).encode(), digest_size=8)
    digest.update(np.ascontiguousarray(data.raw.cpu().numpy()).view(np.uint8).data)
    digest.update(np.ascontiguousarray(train.labels).view(np.uint8).data)
    return digest.hexdigest()


def _read(network: ClassNetwork, path: Path) -> bool:
    """Read weights into the network; False where they are not there, damaged or another network's."""
    try:
        weights: dict[str, Any] = load_file(path)
        network.load_state_dict(weights)
    except (OSError, SafetensorError, RuntimeError):
        return False
    return True


def _write(network: ClassNetwork, path: Path) -> None:
    try:
        with written_whole(path) as temporary:
            save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, temporary)
    except (OSError, SafetensorError) as error:
        raise VaelError(f"{path} cannot be written ({error}): name another cache folder") from None
