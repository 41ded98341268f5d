"""Binary images whose pixels see each other: the decoder says what, masked convolutions say how it is drawn."""

from torch import Tensor
from torch.distributions import Distribution

from vael.distributions.autoregressive import AutoregressiveBernoulli
from vael.errors import VaelError
from vael.likelihoods.base import Likelihood
from vael.networks.masked import PixelCNN
from vael.types import Observation

__all__ = ["Autoregressive"]


class Autoregressive(Likelihood):
    """Let each pixel depend on z and on the pixels before it: −log p(x | z) = −Σ_d log p(x_d | x_<d, z).

    A strong likelihood needs z less: watch the rate, and warm β up or give free bits. Drawing takes some tens of passes
    through the network, and the `mean` of p(x | z) is the chance of each pixel along the likeliest path.
    References: "PixelVAE: a latent variable model for natural images", Gulrajani et al. 2017,
    https://arxiv.org/abs/1611.05013; "Conditional image generation with PixelCNN decoders", van den Oord et al. 2016,
    https://arxiv.org/abs/1606.05328.

    Arguments:
        num_features: How many numbers for each pixel the decoder hands on.
        num_layers: Masked layers, ≥ 1; how far a pixel sees grows with them.
        num_filters: Feature maps of each.
    """

    domains = ("binary",)
    densities = ("binary",)
    is_of_images = True

    def __init__(
        self, observation: Observation, *, num_features: int = 2, num_layers: int = 5, num_filters: int = 32
    ) -> None:
        super().__init__(observation)
        if not observation.is_image:
            raise VaelError(
                f"the autoregressive likelihood expects images (C, H, W), got observations of shape "
                f"{observation.shape}: use model.likelihood=bernoulli"
            )
        if min(num_features, num_layers, num_filters) < 1:
            raise VaelError(
                "the autoregressive likelihood expects num_features, num_layers and num_filters ≥ 1, got "
                f"{num_features}, {num_layers} and {num_filters}"
            )
        self.parameters_per_dim = num_features
        channels = observation.shape[0]
        self.pixels = PixelCNN(channels, num_features * channels, num_layers=num_layers, num_filters=num_filters)

    def forward(self, features: Tensor) -> Distribution:
        lead, shape = features.shape[:-4], self.observation.shape
        seen = features.flatten(-4, -3)

        def logits_of(x: Tensor) -> Tensor:
            both = seen.expand(*x.shape[:-3], *seen.shape[-3:]).reshape(-1, *seen.shape[-3:])
            return self.pixels(x.reshape(-1, *shape), both).reshape(x.shape)

        return AutoregressiveBernoulli(logits_of, lead, shape, features.device)
