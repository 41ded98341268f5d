"""Likelihood regret: how much better this x could be explained if the encoder knew it."""

import torch
from torch import Tensor
from torch.distributions import Distribution

from vael.models import Inference, Latent, OneLayerVAE, at_mean
from vael.tasks.climb import climb
from vael.tasks.detect.base import Score
from vael.tasks.points import normal_points
from vael.types import Batch

__all__ = ["Regret"]

NUM_STEPS = 100
LEARNING_RATE = 0.05


class Regret(Score):
    """Take L(x; q*) − L(x; q), q* the normal that explains this x best and q the encoder's.

    A foreign x that a model finds probable (smooth images under a model of rough ones) is still one that the encoder
    has never learnt to code: its bound rises by many nats once q is fitted to it alone. Both bounds are taken at the
    same fixed points.
    Reference: "Likelihood regret: an out-of-distribution detection score for variational auto-encoder", Xiao et al.
    2020, https://arxiv.org/abs/2003.02977.
    """

    name = "regret"
    summary = "how many nats the bound gains if the posterior is fitted to x alone; slow"
    needs_one_layer = True
    default_points = 8

    def __call__(self, batch: Batch) -> Tensor:
        model = self.model
        assert isinstance(model, OneLayerVAE)
        with torch.no_grad():
            start = model.infer_latents(batch, at_mean)[0]
        points = normal_points(self.num_points, start.z.shape[-1]).to(start.z).unsqueeze(1)

        def bound(q_z: Distribution) -> Tensor:
            z = q_z.mean + q_z.stddev * points
            return Inference(batch.x, model.decode(z), (Latent(z, q_z, start.p_z),)).elbo

        with torch.no_grad():
            before = bound(start.q_z).double()
        return climb(start.q_z, bound, num_steps=NUM_STEPS, learning_rate=LEARNING_RATE)[1] - before
