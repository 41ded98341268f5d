"""What importance weighting costs: a step with K draws against K times the decoder's part of a step with one.

    python benchmarks/importance_cost.py [--eager]

The decoder's part is decoding one draw an example, its log p(x | z), and the gradient and update of that. Each turn
takes every side once; the medians over turns are printed as a table.
"""

import argparse
import statistics
from dataclasses import dataclass
from time import perf_counter as clock

import torch
from torch import Tensor, nn

from vael.build import build_model, build_plan
from vael.data.batches import DeviceData
from vael.data.treatments import find_treatment
from vael.models import VAE
from vael.objectives import Loss, Objective
from vael.objectives.elbo import ELBO
from vael.objectives.importance_weighted import ImportanceWeighted
from vael.random import seeded
from vael.recipe import Recipe
from vael.training import TrainingState
from vael.training.step import CompiledStep, EagerStep
from vael.types import Batch, Observation

NUM_SAMPLES = 50
CPU = torch.device("cpu")


@dataclass(frozen=True)
class DecoderPart(Objective):
    """Decode one draw an example and judge it; nothing is inferred."""

    def __call__(self, model: VAE, batch: Batch, step: Tensor, critic: nn.Module | None = None) -> Loss:
        z = torch.randn(1, len(batch.x), model.latent_dim)
        distortion = -model.decode(z).log_prob(batch.x).mean()
        nothing = torch.zeros(())
        return Loss(distortion, nothing, distortion.detach(), nothing)


SIDES: dict[str, Objective] = {
    "decoder's part, K = 1": DecoderPart(),
    "whole step, K = 1": ELBO(),
    f"plain, K = {NUM_SAMPLES}": ImportanceWeighted(NUM_SAMPLES),
    f"stl, K = {NUM_SAMPLES}": ImportanceWeighted(NUM_SAMPLES, gradient="stl"),
    f"dreg, K = {NUM_SAMPLES}": ImportanceWeighted(NUM_SAMPLES, gradient="dreg"),
    f"dreg, K = {NUM_SAMPLES}, n = 8": ImportanceWeighted(NUM_SAMPLES, gradient="dreg", num_resampled=8),
}


def measure(batch_size: int, turns: int, *, eager: bool) -> dict[str, float]:
    """Return each side's median seconds a step."""
    recipe = Recipe.find("vae-1-layer")
    plan = build_plan(recipe.training, CPU, turns, compiled=not eager)
    index = torch.arange(batch_size)
    seconds: dict[str, list[float]] = {name: [] for name in SIDES}
    with seeded(0):
        data = DeviceData((torch.rand(batch_size, 1, 28, 28) < 0.2).to(torch.uint8), find_treatment("static", 2))
        model = build_model(recipe.model, Observation((1, 28, 28), "binary", 2))
        state = TrainingState.start(model, plan.optimizer.slots, averaged=True)
        kind = EagerStep if eager else CompiledStep
        steps = {name: kind(state, objective, data, plan) for name, objective in SIDES.items()}
        with plan.precision.multiplying():
            for turn in range(turns + 3):
                for name, take_step in steps.items():
                    began = clock()
                    take_step(index, turn, 1e-4)
                    seconds[name].append(clock() - began)
    return {name: statistics.median(times[3:]) for name, times in seconds.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=30)
    parser.add_argument("--eager", action="store_true", help="take eager steps instead of compiled ones")
    options = parser.parse_args()
    print("| batch | side | ms a step | times the decoder's part |\n| ---: | --- | ---: | ---: |")
    for batch_size in (20, 100):
        found = measure(batch_size, options.turns, eager=options.eager)
        part = found["decoder's part, K = 1"]
        for name, median in found.items():
            print(f"| {batch_size} | {name} | {1e3 * median:.2f} | {median / part:.1f} |", flush=True)


if __name__ == "__main__":
    main()
