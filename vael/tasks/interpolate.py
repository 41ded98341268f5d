"""Walk from one example, or one latent, to another through the latent space."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from vael.errors import VaelError
from vael.models import VAE
from vael.tasks.checks import check_points
from vael.tasks.condition import condition
from vael.tasks.decode import decode_means
from vael.tasks.terms import encode
from vael.types import Batch

__all__ = ["Interpolation", "interpolate", "walk"]

Path = Literal["straight", "spherical"]

PARALLEL = 1e-6  # below this sine the two directions are one and the straight line is the arc


@dataclass(frozen=True)
class Interpolation:
    """Hold a walk.

    Arguments:
        x: `(S, *shape)` float32, the mean of p(x | z) at each step, in the domain of the observation.
        z: `(S, D)` float32, the latents of the steps; the first and last are the two ends.
    """

    x: NDArray[np.float32]
    z: NDArray[np.float32]


def interpolate(model: VAE, ends: Batch, *, num_steps: int = 10, path: Path = "straight") -> Interpolation:
    """Walk between the posterior means of two examples, and between their labels where the model has any, see `walk`.

    Arguments:
        model: The model; it is put into evaluation mode.
        ends: Two examples, `(2, *shape)`.
        num_steps: S ≥ 2, both ends counted.
        path: The way between them.

    Raises:
        VaelError: Not two examples, fewer than two steps, or an unknown path.
    """
    if len(ends.x) != 2:
        raise VaelError(f"interpolate expects two examples, got {len(ends.x)}")
    model.eval()
    with torch.inference_mode():
        start, end = encode(model, ends).mean.float().cpu().numpy()
        context = None
        if ends.context is not None:
            context = torch.lerp(ends.context[0], ends.context[1], _shares(num_steps).to(model.device))
    return _walk(model, start, end, num_steps=num_steps, path=path, context=context)


def walk(
    model: VAE,
    start: ArrayLike,
    end: ArrayLike,
    *,
    num_steps: int = 10,
    path: Path = "straight",
    label: int | None = None,
) -> Interpolation:
    """Decode points between two latents.

    Straight: z_t = (1−t) a + t b. Spherical: along the great circle, z_t = sin((1−t)Ω)/sin Ω · a + sin(tΩ)/sin Ω · b
    (White 2016, https://arxiv.org/abs/1609.04468).

    Arguments:
        model: The model; it is put into evaluation mode.
        start: a, `(D,)`.
        end: b, `(D,)`.
        num_steps: S ≥ 2, both ends counted.
        path: The way between them.
        label: The label of a conditional model; None takes its first.

    Raises:
        VaelError: An end that is no latent, fewer than two steps, an unknown path, or no such label.
    """
    return _walk(model, start, end, num_steps=num_steps, path=path, context=condition(model, label))


@torch.inference_mode()
def _walk(
    model: VAE, start: ArrayLike, end: ArrayLike, *, num_steps: int, path: Path, context: Tensor | None
) -> Interpolation:
    """Decode the points of a walk under one condition `(Y,)`, or under one a point `(S, Y)`."""
    if num_steps < 2 or path not in get_args(Path):
        raise VaelError(
            f"an interpolation expects num_steps ≥ 2 and path straight or spherical, got {num_steps} and '{path}'"
        )
    a, b = (torch.from_numpy(check_points(point, model.latent_dim)) for point in (start, end))
    if a.dim() != 1 or b.dim() != 1:
        raise VaelError(f"an interpolation expects one latent at each end, got {tuple(a.shape)} and {tuple(b.shape)}")
    model.eval()
    t = _shares(num_steps)
    z = _arc(a, b, t) if path == "spherical" else (1 - t) * a + t * b
    return Interpolation(decode_means(model, z, context), z.numpy())


def _shares(num_steps: int) -> Tensor:
    """Return how far each point of a walk is on its way, `(S, 1)` from 0 to 1."""
    return torch.linspace(0, 1, num_steps).unsqueeze(-1)


def _arc(start: Tensor, end: Tensor, t: Tensor) -> Tensor:
    cosine = torch.nn.functional.cosine_similarity(start, end, dim=0).clamp(-1, 1)
    omega = torch.acos(cosine)
    if torch.sin(omega) < PARALLEL:
        return (1 - t) * start + t * end
    return (torch.sin((1 - t) * omega) * start + torch.sin(t * omega) * end) / torch.sin(omega)
