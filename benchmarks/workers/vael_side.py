"""vael as a user runs it: the shipped recipe, its own choice of precision, the loop that `vael train` drives."""

import tempfile
from pathlib import Path

import torch
from architectures import BASIC, CONV_FACES
from images import read_faces, read_mnist
from protocol import Options, Side, serve

from vael.data.batches import DeviceData
from vael.evaluation import evaluate
from vael.experiments import prepare
from vael.runs import Record
from vael.training import fit

EPOCHS = 1000  # more than any benchmark asks for: the work ahead that decides whether the step is compiled

SETTINGS = {
    "basic": {},
    "conv-faces": {"model.likelihood": {"name": "gaussian", "variance": "fixed", "sigma": 1.0, "link": "identity"}},
}


class VaelSide(Side):
    """The recipe of the network's name, trained epoch by epoch."""

    def __init__(self, options: Options) -> None:
        torch.set_num_threads(options.threads)
        settings = {"training.epochs": EPOCHS, "training.seed": options.seed, **SETTINGS[options.network]}
        with tempfile.TemporaryDirectory() as folder:
            self.parts = prepare(
                recipe=options.network, settings=settings, runs=Path(folder), data_root=options.data_root
            ).parts
        train, test = _images(options)
        self.test = DeviceData(torch.from_numpy(test), self.parts.treatment)
        data = DeviceData(torch.from_numpy(train), self.parts.treatment)
        self.images = len(train)
        events = fit(self.parts.state, self.parts.objective, data, self.parts.plan)
        self.records = (event for event in events if isinstance(event, Record))

    def train_epoch(self) -> float:
        seen, total = 0, 0.0
        while seen < self.images:
            record = next(self.records)
            seen += record.num_examples
            total += record.values["loss"] * record.num_examples
        return total / self.images

    def test_loss(self) -> float:
        result = evaluate(self.parts.model, self.test, num_samples=1)
        self.parts.model.train()
        assert result.elbo_nats is not None
        return -result.elbo_nats

    def describe(self) -> dict[str, str]:
        precision = self.parts.plan.precision
        mode = "one compiled graph a step" if self.parts.plan.compiled else "eager steps"
        numbers = "bfloat16 autocast" if precision.autocast else f"float32 ({precision.products})"
        return {"torch": torch.__version__, "precision": f"{numbers}, {mode}"}


def _images(options: Options) -> tuple:
    """Return the training and test images that every side uses, uint8 `(N, C, H, W)`."""
    if options.network == "basic":
        train, test = read_mnist(options.data_root, "train"), read_mnist(options.data_root, "test")
        assert len(train) == BASIC.train_images
        return train.reshape(-1, 1, 28, 28), test.reshape(-1, 1, 28, 28)
    faces = read_faces(options.data_root, CONV_FACES.train_images + CONV_FACES.test_images)
    return faces[: CONV_FACES.train_images], faces[CONV_FACES.train_images :]


if __name__ == "__main__":
    serve(VaelSide)
