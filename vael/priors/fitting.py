"""Fitting a prior to codes that are there already, the aggregate posterior of a trained model.

A part of the codes is held out: it says when to stop, and how good the fit is.
"""

import math
import warnings
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from vael.errors import VaelError
from vael.priors.base import Prior
from vael.priors.flow import Flow
from vael.priors.gaussian_mixture import GaussianMixture
from vael.priors.second_stage import SecondStage
from vael.random import seeded

__all__ = ["Codes", "fit_by_likelihood", "fit_kernel", "fit_mixture", "held_out_density"]

MAX_ROWS = 100_000
"""Codes that expectation maximisation reads."""

MIN_VARIANCE = 1e-3
"""Of a component, as a share of the codes' variance: on a few codes that coincide a density has no upper bound."""

ROUND = 5
"""Steps of expectation maximisation between two looks at the held-out codes."""

BATCH_SIZE = 256
LEARNING_RATE = 1e-3
MIN_LEARNING_RATE = 5e-5
LARGEST_GRADIENT = 10.0
NEIGHBOUR = 5
"""The neighbour whose distance is a kernel's width, before all widths are scaled by one factor."""


@dataclass(frozen=True)
class Codes:
    """Hold what a prior is fitted to.

    Arguments:
        draw: Draws z ~ q(z | x) anew for every example to fit, `(N, D)`.
        held_out: `(M, D)`, draws for examples that no fit sees.
    """

    draw: Callable[[], Tensor]
    held_out: Tensor


@torch.no_grad()
def held_out_density(p_z: Distribution, codes: Codes) -> float:
    """Return the mean of log p(z) over the held-out codes, nats."""
    with seeded(0):
        return float(p_z.log_prob(codes.held_out).double().mean())


def fit_mixture(prior: GaussianMixture, codes: Codes, *, epochs: int, seed: int) -> None:
    """Fit a mixture by expectation maximisation (scikit-learn's), at most `epochs` times five steps.

    Raises:
        VaelError: Fewer codes than components.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture as Estimator

    center, spread, rows = _standardised(codes.draw()[:MAX_ROWS])
    _check_enough(len(rows), len(prior.mu))
    held_out = ((codes.held_out - center) / spread).double().cpu().numpy()
    estimator = Estimator(
        len(prior.mu),
        covariance_type="diag",
        init_params="k-means++",
        reg_covar=MIN_VARIANCE,
        max_iter=ROUND,
        warm_start=True,
        random_state=seed,
    )
    best, found = -math.inf, ()
    for _ in range(epochs):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # five steps are not meant to arrive
            estimator.fit(rows.double().cpu().numpy())
        score = float(estimator.score(held_out))
        if score < best + 1e-3:
            break
        best, found = score, (estimator.means_, estimator.covariances_, estimator.weights_)
    mu, variance, weights = (torch.from_numpy(np.asarray(array)).to(spread) for array in found)
    _write(prior, center + spread * mu, 0.5 * variance.log() + spread.log(), weights.clamp(min=1e-30).log())


def fit_kernel(prior: GaussianMixture, codes: Codes) -> None:
    """Put a normal on each of C codes, as wide as the way to its fifth neighbour, times what the held-out codes like.

    The kernels have the shape of the whole: the widths are relative to each dimension's standard deviation.

    Raises:
        VaelError: Fewer codes than components.
    """
    from sklearn.neighbors import NearestNeighbors

    center, spread, rows = _standardised(codes.draw())
    _check_enough(len(rows), max(len(prior.mu), NEIGHBOUR + 1))
    rows = rows[: len(prior.mu)]
    table = rows.cpu().numpy()
    reach = min(NEIGHBOUR, len(rows) - 1) + 1  # the nearest of all is the code itself
    distance = torch.from_numpy(NearestNeighbors(n_neighbors=reach).fit(table).kneighbors(table)[0][:, -1])
    distance = distance.clamp(min=float(distance.median()) / 100).to(rows)  # where codes coincide
    log_width = (distance / math.sqrt(rows.shape[1])).log().unsqueeze(-1) + spread.log()
    found = []
    for factor in np.geomspace(0.25, 4, 17):
        _write(prior, center + spread * rows, log_width + math.log(factor), torch.zeros(len(rows)))
        found.append((held_out_density(prior(_no_encoder, None), codes), float(factor)))
    _write(prior, center + spread * rows, log_width + math.log(max(found)[1]), torch.zeros(len(rows)))


def fit_by_likelihood(
    prior: Flow | SecondStage,
    codes: Codes,
    *,
    epochs: int,
    seed: int,
    on_epoch: Callable[[int, float], None] = lambda epoch, density: None,
) -> None:
    """Climb the likelihood with Adam, at most `epochs` times through fresh draws; keep what the held-out codes like.

    Where they like it no better for some epochs the learning rate is halved, and in the end that is the end.

    Arguments:
        prior: What to fit; it standardises the codes by itself.
        codes: What to fit it to.
        epochs: The most passes.
        seed: Seed of order and draws.
        on_epoch: Told the number of each pass and the mean log-density of the held-out codes, nats.
    """
    prior.center, prior.spread, _ = _standardised(codes.draw())
    optimizer = torch.optim.Adam(prior.parameters(), LEARNING_RATE)
    slower = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, "max", factor=0.5, patience=2)
    best, kept = -math.inf, deepcopy(prior.state_dict())
    with seeded(seed):
        for epoch in range(epochs):
            _climb(prior, optimizer, codes.draw())
            density = held_out_density(prior(_no_encoder, None), codes)
            if density > best:
                best, kept = density, deepcopy(prior.state_dict())
            on_epoch(epoch + 1, density)
            slower.step(density)
            if optimizer.param_groups[0]["lr"] < MIN_LEARNING_RATE:
                break
    prior.load_state_dict(kept)


def _climb(prior: Prior, optimizer: torch.optim.Optimizer, z: Tensor) -> None:
    """Go through all codes once, in a fresh order."""
    for batch in z[torch.randperm(len(z)).to(z.device)].split(BATCH_SIZE):
        loss = -prior(_no_encoder, None).log_prob(batch).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(prior.parameters(), LARGEST_GRADIENT)
        optimizer.step()


def _standardised(z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return mean and standard deviation `(D,)` of codes, and the codes with both taken out."""
    center, spread = z.mean(0), z.std(0).clamp(min=1e-6)  # a dimension that never changes
    return center, spread, (z - center) / spread


def _check_enough(count: int, num_components: int) -> None:
    if count < num_components:
        raise VaelError(f"{num_components} components expect as many codes, got {count}: use --set num_components=…")


@torch.no_grad()
def _write(prior: GaussianMixture, mu: Tensor, log_sigma: Tensor, log_weights: Tensor) -> None:
    prior.mu.copy_(mu)
    prior.log_sigma.copy_(log_sigma)
    prior.log_weights.copy_(log_weights)


def _no_encoder(x: Tensor) -> Distribution:
    raise VaelError("a prior that is made of posteriors cannot be fitted to codes")
