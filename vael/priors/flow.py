"""Normalising flows as priors."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.distributions import AffineTransform, Distribution

from vael.distributions.normalizing_flow import NormalizingFlow, load_zuko
from vael.errors import VaelError
from vael.priors.base import Encode, Prior
from vael.types import Observation

__all__ = ["Flow", "FlowKind"]

FlowKind = Literal["coupling", "autoregressive", "spline"]


class Flow(Prior):
    """Take p(z) = N(f(z); 0, I) |det ∂f/∂z|, f a chain of invertible maps; f(z; y) given a label.

    `coupling` moves one half of z by what the other half says (two passes to draw), `autoregressive` each number by
    what those before it say (D passes to draw), both by a shift and a scale; `spline` couples halves by monotone
    rational-quadratic splines on [−5, 5]. In one dimension there is nothing to condition on: the first two are normals.
    References: "Density estimation using Real NVP", Dinh et al. 2017, https://arxiv.org/abs/1605.08803; "Masked
    autoregressive flow for density estimation", Papamakarios et al. 2017, https://arxiv.org/abs/1705.07057; "Neural
    spline flows", Durkan et al. 2019, https://arxiv.org/abs/1906.04032; as a prior: "Variational lossy autoencoder",
    Chen et al. 2017, https://arxiv.org/abs/1611.02731.

    Arguments:
        latent_dim: D.
        observation: Not needed.
        context_dim: Y ≥ 0; the maps' networks see the label beside z.
        kind: coupling, autoregressive or spline.
        transforms: How many maps, in turn from the first number to the last and back.
        hidden_features: The widths of each map's network.
    """

    center: Tensor
    spread: Tensor

    def __init__(
        self,
        latent_dim: int,
        observation: Observation,
        context_dim: int = 0,
        *,
        kind: FlowKind = "coupling",
        transforms: int = 4,
        hidden_features: tuple[int, ...] = (128, 128),
    ) -> None:
        super().__init__(latent_dim, observation, context_dim)
        if transforms < 1 or min(hidden_features, default=0) < 1:
            raise VaelError(
                "model.prior 'flow' expects transforms ≥ 1 and hidden_features of widths ≥ 1, "
                f"got {transforms} and {list(hidden_features)}"
            )
        flows = load_zuko().flows  # loaded here once: `forward` finds it loaded
        passes = None if kind == "autoregressive" else 2
        made = flows.NSF if kind == "spline" else flows.MAF
        flow = made(latent_dim, context_dim, transforms=transforms, hidden_features=hidden_features, passes=passes)
        self.maps = flow.transform
        _start_near_identity(self.maps)
        # where codes to fit are far from N(0, I): they are standardised before the maps, whose splines end at 5
        self.register_buffer("center", torch.zeros(latent_dim))
        self.register_buffer("spread", torch.ones(latent_dim))

    def forward(self, encode: Encode, context: Tensor | None) -> Distribution:
        from zuko.transforms import ComposedTransform

        standardise = AffineTransform(-self.center / self.spread, 1 / self.spread, event_dim=1)
        batch_shape = () if context is None else context.shape[:-1]
        noise_scale = torch.ones(*batch_shape, self.latent_dim, device=self.center.device)
        return NormalizingFlow(ComposedTransform(standardise, self.maps(context)), noise_scale)


@torch.no_grad()
def _start_near_identity(maps: nn.Module) -> None:
    """Make what the networks say small, so that p(z) starts near N(0, I); in one dimension there are no networks."""
    for each in maps.children():
        for one in each.children() if isinstance(each, nn.ModuleList) else [each]:
            hyper = getattr(one, "hyper", None)
            for param in (one if hyper is None else hyper[-1]).parameters():
                param.mul_(0.01)
