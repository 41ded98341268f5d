"""A detection score says how strange x is to a model."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor

from vael.data.batches import DeviceData
from vael.errors import VaelError
from vael.models import VAE, OneLayerVAE
from vael.types import Batch

__all__ = ["Score"]


class Score(ABC):
    """Return how strange each x is: nats, larger is stranger, the same at every call and whatever the batch.

    A member is built once for a model and the examples that it knows, and then called with batches.

    Arguments:
        model: The model, in evaluation mode.
        reference: Examples of what is normal, those that the model was trained on.
        num_points: K ≥ 1 fixed latents an example, where the member integrates over z; None takes its own choice.

    Raises:
        VaelError: The model lacks what the member is made of, or K < 1.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    needs_density: ClassVar[bool] = True
    """Whether q(z | x) must have a density."""
    needs_one_layer: ClassVar[bool] = False
    """Whether the member is defined for one stochastic layer without a condition only."""
    default_points: ClassVar[int] = 32
    """K, how many latents are decoded for each example; 1 for members that do not integrate over z."""

    def __init__(self, model: VAE, reference: DeviceData, *, num_points: int | None = None) -> None:
        if num_points is not None and num_points < 1:
            raise VaelError(f"a detection score expects num_points ≥ 1, got {num_points}")
        self.model = model
        self.reference = reference
        self.num_points = self.default_points if num_points is None or self.default_points == 1 else num_points

    @classmethod
    def find_misfit(cls, model: VAE) -> str | None:
        """Say what the model lacks, or None where the member serves it."""
        if cls.needs_density and not model.has_density:
            return "a posterior with a density"
        if cls.needs_one_layer and (not isinstance(model, OneLayerVAE) or model.context_dim):
            return "a model with one stochastic layer and no condition"
        return None

    @abstractmethod
    def __call__(self, batch: Batch) -> Tensor:
        """Return the scores of a batch, `(B,)` float64."""
