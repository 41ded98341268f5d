"""Networks that play against a model, and what both sides minimise."""

import torch.nn.functional as F
from torch import Tensor, nn

from vael.errors import VaelError
from vael.networks.base import Encoder
from vael.networks.dense import dense_layers

__all__ = ["CodeCritic", "ObservationCritic", "fooling_loss", "judging_loss", "the_critic"]


class CodeCritic(nn.Module):
    """Judge codes.

    Arguments:
        latent_dim: D.
        hidden_features: The width of each hidden layer.
    """

    def __init__(self, latent_dim: int, hidden_features: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = dense_layers((latent_dim, *hidden_features), "relu")
        self.out = nn.Linear((latent_dim, *hidden_features)[-1], 1)

    def forward(self, z: Tensor) -> Tensor:
        """Return the log odds `(B,)` that codes `(B, D)` are of the first kind."""
        return self.out(self.layers(z)).float().squeeze(-1)


class ObservationCritic(nn.Module):
    """Judge observations, with the features that it judges by.

    Arguments:
        features: Observations `(B, *shape)` → features `(B, H)`.
    """

    def __init__(self, features: Encoder) -> None:
        super().__init__()
        self.features = features
        self.out = nn.Linear(features.out_features, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the log odds `(B,)` that x is data, and the features `(B, H)`."""
        features = self.features(x)
        return self.out(features).float().squeeze(-1), features.float()


def judging_loss(first: Tensor, second: Tensor) -> Tensor:
    """Return the cross entropy of telling two kinds apart from their log odds, nats, `()`; log 2 for a blind critic."""
    return 0.5 * (F.softplus(-first).mean() + F.softplus(second).mean())


def fooling_loss(second: Tensor) -> Tensor:
    """Return −log P(first kind) of the second kind's log odds, nats, `()`: its gradient does not fade when it loses."""
    return F.softplus(-second).mean()


def the_critic(critic: nn.Module | None, name: str) -> nn.Module:
    """Return the critic, which this objective cannot do without.

    Raises:
        VaelError: There is none.
    """
    if critic is None:
        raise VaelError(f"the objective '{name}' needs its critic: make one with build_critic(model) and pass it")
    return critic
