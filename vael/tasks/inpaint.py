"""Fill in what is missing of x, by draws from p(x_missing | x_observed): Metropolis within Gibbs.

A chain holds z and the missing cells x_m, and its steps leave p(z, x_m | x_o) as it is. A step has two moves:

    z' ~ q(z | x_o, x_m), taken with probability min(1, w(z') / w(z)),   w(z) = p(x_o, x_m | z) p(z) / q(z | x_o, x_m)
    x_m ~ p(x_m | z)

Both weights are taken at the same, newest x. With every z' taken it is the pseudo-Gibbs sampling of Rezende et al.
2014, "Stochastic backpropagation and approximate inference in deep generative models",
https://arxiv.org/abs/1401.4082, which is right only where q is the true posterior; the weights correct it, "Leveraging
the exact likelihood of deep latent variable models", Mattei & Frellsen 2018, https://arxiv.org/abs/1802.04826. The
first steps take every z', since from a bad start the weights would lead slowly to where the mass is.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Distribution

from vael.distributions.quantised import Quantised
from vael.errors import VaelError
from vael.likelihoods.autoregressive import Autoregressive
from vael.likelihoods.base import Likelihood
from vael.likelihoods.logistic_mixture import LogisticMixture
from vael.models import VAE, drawing
from vael.random import seeded
from vael.tasks.terms import as_arrays
from vael.types import Batch

__all__ = ["Inpainting", "inpaint"]

WARM_SHARE = 0.25  # of the steps, the first ones: they take every z'
KEPT_SHARE = 0.5  # of the steps, the last ones: what the mean is taken over
NO_DENSITY = (
    "inpaint weighs draws of z by the density of q(z | x), got a posterior without one: train a model with "
    "model.posterior=diagonal-normal"
)


@dataclass(frozen=True)
class Inpainting:
    """Hold observations with holes and what a model puts there.

    Arguments:
        x: `(B, *shape)` float32, the observations as given, whatever stands in the holes.
        observed: `(B, *shape)` bool, True where a cell is there.
        fills: `(S, B, *shape)` float32, x with its holes filled, once a chain.
        mean: `(B, *shape)` float32, x with E[x_missing | x_observed] in its holes, over all chains and the second half
            of their steps: the estimate of least squared error.
        acceptance: `(B,)` float32, the share of proposed z that were taken once weights decided.
    """

    x: NDArray[np.float32]
    observed: NDArray[np.bool_]
    fills: NDArray[np.float32]
    mean: NDArray[np.float32]
    acceptance: NDArray[np.float32]


@dataclass(frozen=True)
class _State:
    """Hold S chains for each of B examples, side by side.

    Arguments:
        x: `(S·B, *shape)`, observed cells as given, the others drawn.
        z: The latents of each layer, lowest first, `(1, S·B, D_l)`.
        p_mean: `(S·B, *shape)`, E[x | z].
        is_taken: `(S·B,)`, whether the last step took the z that it proposed.
        observed: `(S·B, *shape)`.
        context: `(S·B, Y)`, or None.
    """

    x: Tensor
    z: tuple[Tensor, ...]
    p_mean: Tensor
    is_taken: Tensor
    observed: Tensor
    context: Tensor | None


@dataclass(frozen=True)
class _Walked:
    """Hold where chains ended, the mean of E[x | z] on their way, and the share of proposals taken, `(S·B,)`."""

    state: _State
    mean: Tensor
    acceptance: Tensor


@torch.inference_mode()
def inpaint(
    model: VAE, batch: Batch, *, num_fills: int = 4, num_steps: int = 200, draw: bool = False, seed: int = 0
) -> Inpainting:
    """Fill the cells that `batch.observed` says are missing, each fill by a chain of its own.

    Arguments:
        model: The model; it is put into evaluation mode. Any with a density q(z | x), and a p(x | z) under which the
            missing cells are independent of the others.
        batch: x and what of it is there; what stands in the missing cells (NaN, zero, …) makes no difference.
        num_fills: S ≥ 1.
        num_steps: How many steps each chain takes, ≥ 1; a fill is where it ends.
        draw: Whether a fill is drawn from p(x_missing | z), or is its mean, which is what pictures show.
        seed: Seed of the chains.

    Raises:
        VaelError: Nothing says what is missing, an observed cell is not finite, or the model cannot do it.
    """
    observed = _check(model, batch, num_fills, num_steps)
    model.eval()
    with seeded(seed):
        walked = _walk(model, _start(model, batch, observed, num_fills), num_steps)
    shown = walked.state.x if draw else walked.state.p_mean
    fills, means, shares = (part.unflatten(0, (num_fills, -1)) for part in (shown, walked.mean, walked.acceptance))
    fills, mean = (torch.where(observed, batch.x, part) for part in (fills, means.mean(0)))
    x, filled, expected, acceptance = as_arrays(batch.x, fills, mean, shares.mean(0))
    return Inpainting(x, observed.cpu().numpy(), filled, expected, acceptance)


def _start(model: VAE, batch: Batch, observed: Tensor, num_fills: int) -> _State:
    """Begin each chain with what the model makes up where cells are missing."""
    x, there = (part.repeat(num_fills, *[1] * (part.dim() - 1)) for part in (batch.x, observed))
    context = None if batch.context is None else batch.context.repeat(num_fills, 1)
    x = torch.where(there, x, model.decode(model.draw(len(x), context), context).mean)
    latents, p_x = model.infer_decoded(Batch(x, context), drawing(1))
    if any(isinstance(latent.q_z, Quantised) for latent in latents):
        raise VaelError(NO_DENSITY)
    x = torch.where(there, x, p_x.sample()[0])
    is_taken = torch.ones(len(x), dtype=torch.bool, device=x.device)
    return _State(x, tuple(latent.z for latent in latents), p_x.mean[0], is_taken, there, context)


def _walk(model: VAE, state: _State, num_steps: int) -> _Walked:
    num_warm, num_kept = int(WARM_SHARE * num_steps), max(1, int(KEPT_SHARE * num_steps))
    total, taken = torch.zeros_like(state.x), torch.zeros(len(state.x), device=state.x.device)
    for step in range(num_steps):
        state = _step(model, state, is_weighed=step >= num_warm)
        if step >= num_warm:
            taken += state.is_taken
        if step >= num_steps - num_kept:
            total += state.p_mean
    return _Walked(state, total / num_kept, taken / (num_steps - num_warm))


def _step(model: VAE, state: _State, *, is_weighed: bool) -> _State:
    """Propose z', take it or stay, and draw the missing cells anew."""

    def pick(layer: int, q_z: Distribution) -> Tensor:
        proposed = drawing(1)(layer, q_z)[:1]  # the first of two, where q depends on a layer that was picked before
        return torch.cat([proposed, state.z[layer]])

    def choose(pair: Tensor) -> Tensor:
        return torch.where(is_taken.view(-1, *[1] * (pair.dim() - 2)), pair[0], pair[1])

    inference = model(Batch(state.x, state.context), pick)
    is_taken = torch.ones_like(state.is_taken)
    if is_weighed:
        proposed, old = inference.log_w
        is_taken = (torch.rand_like(old).log() < proposed - old) | (old == -torch.inf)
    return replace(
        state,
        x=torch.where(state.observed, state.x, choose(inference.p_x.sample())),
        z=tuple(choose(latent.z).unsqueeze(0) for latent in inference.latents),
        p_mean=choose(inference.p_x.mean),
        is_taken=is_taken,
    )


def _check(model: VAE, batch: Batch, num_fills: int, num_steps: int) -> Tensor:
    """Return what is observed, and refuse what no chain can fill."""
    if min(num_fills, num_steps) < 1:
        raise VaelError(f"inpaint expects num_fills and num_steps ≥ 1, got {num_fills} and {num_steps}")
    if not model.has_density:
        raise VaelError(NO_DENSITY)
    x, observed = batch.x, batch.observed
    if observed is None or observed.shape != x.shape:
        got = "none" if observed is None else tuple(observed.shape)
        raise VaelError(f"inpaint expects a mask 'observed' of shape {tuple(x.shape)}, got {got}: see tasks.hide")
    if not bool(torch.isfinite(x[observed]).all()):
        raise VaelError("inpaint expects finite numbers where x is observed, got NaN or infinity: mask them")
    _check_likelihood(model.likelihood, observed)
    return observed


def _check_likelihood(likelihood: Likelihood, observed: Tensor) -> None:
    """Refuse missing cells that depend on observed ones given z: they would have to be drawn given both."""
    if isinstance(likelihood, Autoregressive):
        raise VaelError("inpaint expects pixels that are independent given z, got an autoregressive likelihood")
    is_coupled = isinstance(likelihood, LogisticMixture) and likelihood.is_conditional
    if is_coupled and not bool((observed == observed[:, :1]).all()):
        raise VaelError("a logistic mixture draws the channels of a pixel together, got some of them missing: hide all")
