"""How close made-up examples are to real ones, and how much of the real ones they cover.

Both are turned into features (`features.py`); there,

    precision  share of samples inside a ball of real examples        (fidelity)
    recall     share of real examples inside a ball of samples        (variety)
    density    how many balls of real examples hold a sample, over k  (fidelity, unharmed by outliers)
    coverage   share of real examples whose ball holds a sample       (variety, unharmed by outliers)

with balls that reach to the k-th nearest neighbour of their own kind, and two distances between the clouds as a whole.
References: "Improved precision and recall metric for assessing generative models", Kynkäänniemi et al. 2019,
https://arxiv.org/abs/1904.06991; "Reliable fidelity and diversity metrics for generative models", Naeem et al. 2020,
https://arxiv.org/abs/2002.09797; "Demystifying MMD GANs", Bińkowski et al. 2018, https://arxiv.org/abs/1801.01401.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from vael.data.batches import DeviceData
from vael.errors import VaelError
from vael.evaluation.examples import BATCH_SIZE, choose_examples, mean_and_error, measuring
from vael.evaluation.features import ClassNetwork, features_of
from vael.evaluation.inception import InceptionNetwork
from vael.models import VAE

__all__ = ["Closeness", "SampleQuality", "compare_features", "judge_samples"]

Shown = Literal["mean", "draw"]

BALL_NEIGHBOURS = 3  # of precision and recall, as Kynkäänniemi et al.
DENSITY_NEIGHBOURS = 5  # of density and coverage, as Naeem et al.
NUM_BLOCKS = 10  # disjoint parts of the examples, from which the kernel distance's error is found


@dataclass(frozen=True)
class Closeness:
    """Hold how one cloud of features lies to that of real examples.

    Arguments:
        precision: 0 to 1.
        recall: 0 to 1.
        density: ≥ 0; 1 for the same distribution.
        coverage: 0 to 1; 1 − 2⁻ᵏ or so for the same distribution.
        kernel_distance: Unbiased MMD² with the kernel (x·y/d + 1)³, the mean over disjoint blocks; 0 in expectation
            for the same distribution, and negative by chance.
        frechet_distance: ‖μ − μ'‖² + tr(Σ + Σ' − 2(ΣΣ')^½); biased upwards, the more the fewer the examples.
    """

    precision: float
    precision_se: float
    recall: float
    recall_se: float
    density: float
    density_se: float
    coverage: float
    coverage_se: float
    kernel_distance: float
    kernel_distance_se: float
    frechet_distance: float


@dataclass(frozen=True)
class SampleQuality:
    """Hold how close samples are to held-out examples, beside how close training examples are.

    Arguments:
        features: What the features are of.
        shown: Whether samples are the means of p(x|z) or draws from it.
        num_examples: How many samples, and how many examples.
        samples: The samples against the examples.
        train: Training examples against the same, what a perfect model would reach; None where none were given.
    """

    features: str
    shown: Shown
    num_examples: int
    samples: Closeness
    train: Closeness | None

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers by name, as JSON holds them."""
        return asdict(self)


@torch.inference_mode()
def judge_samples(
    model: VAE,
    data: DeviceData,
    network: ClassNetwork | InceptionNetwork,
    *,
    train: DeviceData | None = None,
    num_examples: int | None = 3000,
    shown: Shown = "mean",
    seed: int = 0,
) -> SampleQuality:
    """Compare as many samples with examples that the model was not trained on.

    Arguments:
        model: The model; it is put into evaluation mode. A conditional one is given the labels of the examples.
        data: The examples.
        network: What makes features.
        train: Training examples, to be compared with `data` in the place of samples.
        num_examples: How many to draw; None takes all.
        shown: Take the mean of p(x | z), as pictures of samples do, or a draw.
        seed: Seed of every draw.

    Raises:
        VaelError: Too few examples.
    """
    chosen = choose_examples(data, num_examples, seed)
    if len(chosen) < 2 * NUM_BLOCKS:
        raise VaelError(f"comparing samples expects {2 * NUM_BLOCKS} examples or more, got {len(chosen)}")
    real, made = [], []
    with measuring(model, seed):
        for batch in chosen.in_order(BATCH_SIZE):
            p_x = model.decode(model.draw(len(batch.x), batch.context), batch.context)
            made.append(features_of(network, p_x.mean if shown == "mean" else p_x.sample()))
            real.append(features_of(network, batch.x))
        others = None if train is None else choose_examples(train, len(chosen), seed)
        known = [] if others is None else [features_of(network, batch.x) for batch in others.in_order(BATCH_SIZE)]
    of_data = np.concatenate(real)
    samples = compare_features(of_data, np.concatenate(made), seed=seed)
    reached = compare_features(of_data, np.concatenate(known), seed=seed) if known else None
    return SampleQuality(network.description, shown, len(chosen), samples, reached)


def compare_features(real: NDArray, made: NDArray, *, seed: int = 0) -> Closeness:
    """Compare two clouds of features, `(N, H)` and `(M, H)`."""
    from scipy.spatial.distance import cdist

    across = cdist(real, made)
    real_radius, made_radius = _radii(real), _radii(made)
    is_inside = across <= real_radius[BALL_NEIGHBOURS][:, None]
    is_inside_made = across <= made_radius[BALL_NEIGHBOURS]
    is_near = across <= real_radius[DENSITY_NEIGHBOURS][:, None]
    return Closeness(
        *mean_and_error(is_inside.any(0)),
        *mean_and_error(is_inside_made.any(1)),
        *mean_and_error(is_near.sum(0) / DENSITY_NEIGHBOURS),
        *mean_and_error(is_near.any(1)),
        *kernel_distance(real, made, seed=seed),
        frechet_distance(real, made),
    )


def _radii(points: NDArray) -> dict[int, NDArray]:
    """Return the distance of every point to its k-th nearest other point, `(N,)` by k."""
    from scipy.spatial.distance import cdist

    furthest = min(DENSITY_NEIGHBOURS, len(points) - 1)
    nearest = np.partition(cdist(points, points), range(furthest + 1), axis=1)  # the nearest is the point itself
    return {k: nearest[:, min(k, furthest)] for k in (BALL_NEIGHBOURS, DENSITY_NEIGHBOURS)}


def kernel_distance(first: NDArray, second: NDArray, *, seed: int = 0) -> tuple[float, float]:
    """Return the mean of the unbiased MMD² over disjoint blocks, and its standard error."""
    generator = np.random.Generator(np.random.PCG64(seed))
    blocks = [np.array_split(generator.permutation(len(cloud)), NUM_BLOCKS) for cloud in (first, second)]
    return mean_and_error([mmd2(first[one], second[two]) for one, two in zip(*blocks, strict=True)])


def mmd2(first: NDArray, second: NDArray) -> float:
    """Return the unbiased estimate of MMD² with the kernel (x·y/d + 1)³ of `(N, d)` and `(M, d)`, N, M ≥ 2."""
    within = [(_kernel(cloud, cloud), len(cloud)) for cloud in (first, second)]
    means = [(matrix.sum() - np.trace(matrix)) / (count * (count - 1)) for matrix, count in within]
    return float(sum(means) - 2 * _kernel(first, second).mean())


def _kernel(first: NDArray, second: NDArray) -> NDArray:
    return (first @ second.T / first.shape[1] + 1) ** 3


def frechet_distance(first: NDArray, second: NDArray) -> float:
    """Return the squared Fréchet (2-Wasserstein) distance of the normals with the clouds' moments."""
    (mu, sigma), (nu, tau) = ((cloud.mean(0), np.cov(cloud, rowvar=False)) for cloud in (first, second))
    values, vectors = np.linalg.eigh(sigma)
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    cross = np.sqrt(np.linalg.eigvalsh(root @ tau @ root).clip(min=0)).sum()  # tr (ΣΤ)^½, from a symmetric matrix
    return float(((mu - nu) ** 2).sum() + np.trace(sigma) + np.trace(tau) - 2 * cross)
