"""Walk from one example to another through the latent space."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vael.errors import VaelError
from vael.models import VAE
from vael.types import Batch

__all__ = ["Interpolation", "interpolate"]

PARALLEL = 1e-6  # below this sine the two directions are one and the straight line is the arc


@dataclass(frozen=True)
class Interpolation:
    """Hold a walk.

    Arguments:
        x: `(S, *shape)` float32, the mean of p(x | z) at each step, in the domain of the observation.
        z: `(S, D)` float32, the latents of the steps; the first and last are the two posterior means.
    """

    x: NDArray[np.float32]
    z: NDArray[np.float32]


@torch.inference_mode()
def interpolate(
    model: VAE, ends: Batch, *, num_steps: int = 10, path: Literal["straight", "spherical"] = "straight"
) -> Interpolation:
    """Decode points between the posterior means of two examples.

    Straight: z_t = (1−t) a + t b. Spherical: along the great circle, z_t = sin((1−t)Ω)/sin Ω · a + sin(tΩ)/sin Ω · b
    (White 2016, https://arxiv.org/abs/1609.04468).

    Arguments:
        model: The model; it is put into evaluation mode.
        ends: Two examples, `(2, *shape)`.
        num_steps: S ≥ 2, both ends counted.
        path: The way between them.

    Raises:
        VaelError: Not two examples, fewer than two steps, or an unknown path.
    """
    if len(ends.x) != 2 or num_steps < 2 or path not in ("straight", "spherical"):
        raise VaelError(
            "interpolate expects two examples, num_steps ≥ 2 and path straight or spherical, "
            f"got {len(ends.x)}, {num_steps} and '{path}'"
        )
    model.eval()
    start, end = model.encode(ends.x).mean
    t = torch.linspace(0, 1, num_steps, device=start.device).unsqueeze(-1)
    z = _arc(start, end, t) if path == "spherical" else (1 - t) * start + t * end
    return Interpolation(model.decode(z).mean.float().cpu().numpy(), z.cpu().numpy())


def _arc(start: Tensor, end: Tensor, t: Tensor) -> Tensor:
    cosine = torch.nn.functional.cosine_similarity(start, end, dim=0).clamp(-1, 1)
    omega = torch.acos(cosine)
    if torch.sin(omega) < PARALLEL:
        return (1 - t) * start + t * end
    return (torch.sin((1 - t) * omega) * start + torch.sin(t * omega) * end) / torch.sin(omega)
