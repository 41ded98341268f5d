"""Start a training elsewhere than at random: from another run's weights, or from the frequencies in the data."""

from pathlib import Path
from typing import Any

import torch

from vael.data.batches import DeviceData
from vael.errors import VaelError
from vael.networks.base import Decoder
from vael.random import seeded
from vael.runs import RunFolder
from vael.training import TrainingState, load_weights

__all__ = ["fit_bias", "take_weights"]

BIAS_RATE = 0.1  # the largest step of a bias, falling to nothing: what a log scale has to move is several units
BIAS_BATCH = 200


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
    state.average_from_here()
    return {"run": folder.name, "tensors": len(fitting), "of": len(mine)}


def fit_bias(state: TrainingState, examples: DeviceData, steps: int, *, seed: int) -> None:
    """Train the bias of the decoder's last layer alone, at z = 0, towards the constant p(x) that explains x best.

    A network moves each weight by no more than the learning rate a step, and where a likelihood starts far from the
    frequencies of the data (a pixel that is always black, in 256 levels) the first epochs go into biases alone. Here
    they are fitted at a rate of their own (Adam, falling to 0 along a cosine) in seconds, whatever the likelihood.

    Arguments:
        state: The state at step 0; its average starts from the same bias.
        examples: The training split.
        steps: ≥ 1, of 200 examples each.
        seed: Of the order of the examples.
    """
    model, decoder = state.model, state.model.get_submodule("decoder")
    assert isinstance(decoder, Decoder)
    bias = decoder.last_bias
    z = torch.zeros(1, decoder.latent_dim, device=examples.device)
    optimizer = torch.optim.Adam([bias], lr=BIAS_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    was_training = model.training
    model.eval()
    with seeded(seed):
        for _ in range(steps):
            x = examples.batch(torch.randint(len(examples), (BIAS_BATCH,), device=examples.device)).x
            features = decoder(z)
            loss = -model.likelihood(features.expand(len(x), *features.shape[1:])).log_prob(x).mean()
            (bias.grad,) = torch.autograd.grad(loss, [bias])
            optimizer.step()
            schedule.step()
    model.train(was_training)
    bias.grad = None
    state.average_from_here()
