"""Train a mixture as prior jointly with its model (VaDE) over several seeds; print how well its clusters meet labels.

    VAEL_DATA=… python benchmarks/clustering.py                                        # MNIST, 10 seeds
    VAEL_DATA=… python benchmarks/clustering.py --source digits --seeds 3 --first 100 --joint 100

A seed has three stages: a model with a standard normal prior and a small β, whose encoder spreads the examples out; the
same weights with a mixture fitted to its codes; both trained together from there. The mixture starts from the clusters
of a mixture with full covariances (their weights, means and variances), which are better clusters than those of the
diagonal mixture that fits best; --start refit takes that one, which is what `vael refit-prior` fits.

Runs are kept in `runs/clustering/`. What is finished is not trained again, what was stopped goes on.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

import vael
from vael.errors import VaelError
from vael.evaluation.examples import mean_and_error
from vael.priors.gaussian_mixture import GaussianMixture
from vael.recipe import Recipe, parse_settings
from vael.tasks.cluster import ClusterMethod
from vael.training import save_weights

NUM_CLUSTERS = 10
MEASURES = ("accuracy", "nmi", "ari")


@dataclass(frozen=True)
class Setting:
    """What is trained, and where it is kept.

    Arguments:
        source: mnist, digits or another source with labels.
        recipe: The joint stage; the first has its networks, another prior and a smaller β.
        first: Epochs of the first stage.
        joint: Epochs of the joint stage.
        beta: β of the first stage.
        start: `full` or `refit`, see above.
        runs: The folder of the runs.
    """

    source: str
    recipe: Recipe
    first: int
    joint: int
    beta: float
    start: str
    runs: Path


def main() -> None:
    """Train what is missing and print a row for each way to cluster."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", default="mnist")
    parser.add_argument("--recipe", default="vade-mnist")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=20, help="epochs of the first stage")
    parser.add_argument("--joint", type=int, default=40, help="epochs of the joint stage")
    parser.add_argument("--beta", type=float, default=0.1, help="of the first stage")
    parser.add_argument("--start", choices=("full", "refit"), default="full")
    parser.add_argument("--split", default="test")
    parser.add_argument("--runs", type=Path, default=Path("runs/clustering"))
    parser.add_argument("--set", action="append", default=[], help="of the recipe, as of vael train")
    options = parser.parse_args()
    recipe = Recipe.find(options.recipe).override(parse_settings(options.set))
    setting = Setting(options.source, recipe, options.first, options.joint, options.beta, options.start, options.runs)
    found: dict[str, list[list[float]]] = {}
    for seed in range(options.seeds):
        for way, numbers in judged(setting, seed, options.split).items():
            found.setdefault(way, []).append(numbers)
        print(f"seed {seed}: " + ", ".join(f"{way} {rows[-1][0]:.4f}" for way, rows in found.items()), flush=True)
    print_table(found)


def judged(setting: Setting, seed: int, split: str) -> dict[str, list[float]]:
    """Return accuracy, NMI, ARI and empty clusters of each way to cluster."""
    first = first_stage(setting, seed)
    start = start_stage(setting, first, seed)
    joint = joint_stage(setting, start, seed)
    ways: dict[str, tuple[vael.Run, ClusterMethod]] = {
        "k-means of the first stage": (first, "k-means"),
        "full mixture of the first stage": (first, "gaussian-mixture"),
        "prior before the joint stage": (start, "prior"),
        "prior after the joint stage": (joint, "prior"),
        "full mixture after the joint stage": (joint, "gaussian-mixture"),
        "spectral of the first stage": (first, "spectral"),
        "spectral after the joint stage": (joint, "spectral"),
    }
    found = {}
    for way, (run, method) in ways.items():
        clusters = run.cluster(method, NUM_CLUSTERS, split, seed=seed)
        numbers = [getattr(clusters.agreement, measure) for measure in MEASURES]
        found[way] = [*numbers, float((clusters.sizes == 0).sum())]
    return found


def first_stage(setting: Setting, seed: int) -> vael.Run:
    """Return the model that spreads the examples out: a small β, and a prior that knows no clusters."""
    settings = {
        "model.prior": "standard-normal",
        "objective": {"name": "elbo", "beta": setting.beta},
        "training.epochs": setting.first,
        "training.seed": seed,
    }
    return trained(setting, f"first-{seed}", setting.recipe, settings)


def start_stage(setting: Setting, first: vael.Run, seed: int) -> vael.Run:
    """Return the same weights with a mixture as prior."""
    name = f"{setting.source}-start-{setting.start}-{seed}"
    try:
        run = vael.load(name, runs=setting.runs)
    except VaelError:
        options = {"num_components": NUM_CLUSTERS}
        run = first.refit_prior("gaussian-mixture", settings=options, name=name, runs=setting.runs, seed=seed)
    if setting.start == "full":
        put_clusters(first, run, seed)
    return run


def put_clusters(first: vael.Run, run: vael.Run, seed: int) -> None:
    """Give the prior the shares, means and variances of the first stage's clusters, with full covariances."""
    codes, found = first.embed("train"), first.cluster("gaussian-mixture", NUM_CLUSTERS, "train", seed=seed)
    shares = found.probabilities.astype(np.float64)
    z, spread = codes.mean.astype(np.float64), np.square(codes.stddev, dtype=np.float64)
    weights = shares.mean(0)
    mu = shares.T @ z / shares.sum(0)[:, None]
    variance = shares.T @ (z**2 + spread) / shares.sum(0)[:, None] - mu**2
    prior = run.model.get_submodule("prior")
    assert isinstance(prior, GaussianMixture)
    with torch.no_grad():
        prior.mu.copy_(torch.from_numpy(mu))
        prior.log_sigma.copy_(torch.from_numpy(0.5 * np.log(variance)))
        prior.log_weights.copy_(torch.from_numpy(np.log(weights)))
    save_weights(run.path / "model.safetensors", run.model.state_dict())


def joint_stage(setting: Setting, start: vael.Run, seed: int) -> vael.Run:
    """Return encoder, decoder and mixture trained together, from the start's weights."""
    settings = {
        "model.prior": {"name": "gaussian-mixture", "num_components": NUM_CLUSTERS},
        "training.epochs": setting.joint,
        "training.seed": seed,
        "training.start_from": str(start.path),
    }
    return trained(setting, f"joint-{setting.start}-{seed}", setting.recipe, settings)


def trained(setting: Setting, name: str, recipe: Recipe, settings: dict[str, Any]) -> vael.Run:
    """Return the finished run of a name, training or resuming it if needed."""
    name = f"{setting.source}-{name}"
    if (setting.runs / name).exists():
        return vael.resume(name, runs=setting.runs)
    settings = {"training.snapshots": 0, **settings}
    return vael.train(setting.source, recipe=recipe, settings=settings, name=name, runs=setting.runs)


def print_table(found: dict[str, list[list[float]]]) -> None:
    """Print the mean over seeds ± its standard error."""
    print("| clusters | accuracy | NMI | ARI | least accuracy | empty clusters |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for way, rows in found.items():
        table = np.array(rows)
        means = [mean_and_error(table[:, i]) for i in range(len(MEASURES))]
        cells = [
            f"{100 * mean:.1f} ± {100 * error:.1f}" if not i else f"{mean:.3f} ± {error:.3f}"
            for i, (mean, error) in enumerate(means)
        ]
        print(f"| {way} | {' | '.join(cells)} | {100 * table[:, 0].min():.1f} | {table[:, 3].mean():.1f} |")


if __name__ == "__main__":
    main()
