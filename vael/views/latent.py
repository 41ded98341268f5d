"""What a run's latent dimensions carry: their order by rate, and which are dead."""

import numpy as np
from numpy.typing import NDArray

from vael.errors import VaelError
from vael.evaluation import find_active
from vael.experiments import Run
from vael.tasks import draw_latent
from vael.views.base import Look, name_examples

__all__ = ["activity_of", "choose_start", "rank_dims", "rate_per_dim"]


def choose_start(run: Run, look: Look) -> tuple[NDArray[np.float32], str]:
    """Return where a walk starts, `(D,)`, and its name: an example's posterior mean, or a draw of the prior.

    Raises:
        VaelError: More than one example, or one that is not there.
    """
    if look.start == "prior":
        return draw_latent(run.model, seed=look.seed), f"a draw of the prior (seed {look.seed})"
    examples = look.examples or (0,)
    if len(examples) != 1:
        raise VaelError(f"this figure starts from one example, got {len(examples)}")
    (name,) = name_examples(run, examples, look.split)
    return run.embed(look.split).mean[examples[0]], f"the posterior mean of {name}"


def rate_per_dim(run: Run, split: str | None = None) -> NDArray[np.float64]:
    """Return each dimension's mean rate over a split, `(D,)` nats; NaN where the dimensions do not factorise."""
    return run.embed(split).rate_per_dim_nats.astype(np.float64).mean(0)


def activity_of(run: Run, split: str | None = None) -> NDArray[np.bool_]:
    """Return `(D,)` bool: which dimensions are active over a split."""
    return find_active(run.embed(split).mean)


def rank_dims(run: Run, split: str | None = None) -> list[int]:
    """Order the dimensions by their rate, largest first; by the variance of their means where they have no rate."""
    rates = rate_per_dim(run, split)
    weights = run.embed(split).mean.var(0) if np.isnan(rates).any() else rates
    return np.argsort(-weights, kind="stable").tolist()
