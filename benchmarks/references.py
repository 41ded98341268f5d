"""Train the recipes whose results are known, over several seeds, and write the table of docs/results.md.

    VAEL_DATA=… python benchmarks/references.py                     # the three with published references
    VAEL_DATA=… python benchmarks/references.py --others            # every other recipe that MNIST or faces can train

Runs are kept in `runs/references/`; one that is finished is not trained again, one that was stopped goes on.
"""

import argparse
import statistics
from dataclasses import dataclass
from pathlib import Path

import vael
from vael.errors import VaelError

RUNS = Path("runs/references")


@dataclass(frozen=True)
class Reference:
    """A recipe, what is known of it (test loss in nats after its epochs), and how near is near enough."""

    recipe: str
    known: float
    tolerance: float


REFERENCES = [
    Reference("basic", 105.70, 0.5),
    Reference("binary-20", 87.65, 0.5),
    Reference("manifold-2d", 140.24, 2.0),
]
OTHERS = ["autoencoder", "pca", "deep", "sgd", "kingma-welling", "digits", "conv-faces", "conv-cifar10", "conv-mnist"]


def main() -> None:
    """Train what is missing and print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--others", action="store_true")
    parser.add_argument("--recipes", nargs="*", default=OTHERS)
    arguments = parser.parse_args()
    if arguments.others:
        print_others(arguments.recipes)
    else:
        print_references(arguments.seeds)


def print_references(seeds: int) -> None:
    """Print one row a recipe: the loss of every seed beside the reference."""
    print("| recipe | epochs | reference | measured, one run a seed | mean | difference | within | NLL bound, K = 64 |")
    print("| --- | ---: | ---: | --- | ---: | ---: | --- | --- |")
    for reference in REFERENCES:
        runs = [trained(reference.recipe, seed) for seed in range(seeds)]
        losses = [-run.evaluate(num_samples=1).elbo_nats for run in runs]  # pyright: ignore[reportOptionalOperand]
        mean = statistics.mean(losses)
        verdict = "yes" if abs(mean - reference.known) <= reference.tolerance else "**no**"
        nlls = [run.evaluate(num_samples=64) for run in runs]
        shown = " ".join(f"{n.nll_nats:.2f} ± {n.nll_nats_se:.2f}" for n in nlls[:1] if n.nll_nats) or "–"
        print(
            f"| `{reference.recipe}` | {runs[0].recipe.training.epochs} | {reference.known:.2f} | "
            f"{', '.join(f'{loss:.2f}' for loss in losses)} | {mean:.2f} | {mean - reference.known:+.2f} | "
            f"±{reference.tolerance}: {verdict} | {shown} |",
            flush=True,
        )


def print_others(recipes: list[str]) -> None:
    """Print one row a recipe, one seed each."""
    print("| recipe | epochs | ELBO | rate | distortion | active units | training time |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for recipe in recipes:
        run = trained(recipe, 0)
        r = run.info["results"]
        elbo, rate = ("–" if r[key] is None else f"{r[key]:.2f}" for key in ("elbo_nats", "rate_nats"))
        units = "–" if r["active_units"] is None else f"{r['active_units']} of {r['latent_dim']}"
        seconds = run.info["training_seconds"]
        epochs = run.metrics[-1]["epoch"]
        print(f"| `{recipe}` | {epochs} | {elbo} | {rate} | {r['distortion_nats']:.2f} | {units} | {seconds:.0f} s |")


def trained(recipe: str, seed: int) -> vael.Run:
    """Return the finished run of a recipe and a seed, training or resuming it if needed."""
    name = f"{recipe}-seed{seed}"
    try:
        return vael.resume(name, runs=RUNS)
    except VaelError:
        return vael.train(recipe=recipe, settings={"training.seed": seed}, name=name, runs=RUNS)


if __name__ == "__main__":
    main()
