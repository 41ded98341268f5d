"""Likelihood regret: how much better this x could be explained if the encoder knew it."""

import torch
from torch import Tensor
from torch.distributions import Independent, Normal

from vael.errors import VaelError
from vael.models import Inference, Latent, OneLayerVAE, at_mean
from vael.tasks.detect.base import Score
from vael.tasks.detect.points import normal_points
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
        if not (isinstance(start.q_z, Independent) and type(start.q_z.base_dist) is Normal):
            raise VaelError("likelihood regret expects a diagonal normal posterior: use --score nll")
        points = normal_points(self.num_points, start.z.shape[-1]).to(start.z).unsqueeze(1)

        def bound(mu: Tensor, log_sigma: Tensor) -> Tensor:
            q_z = Independent(Normal(mu, log_sigma.exp(), validate_args=False), 1, validate_args=False)
            z = mu + log_sigma.exp() * points
            return Inference(batch.x, model.decode(z), (Latent(z, q_z, start.p_z),)).elbo

        mu = start.q_z.mean.detach().clone().requires_grad_()
        log_sigma = start.q_z.stddev.detach().log().requires_grad_()
        with torch.no_grad():
            before = bound(mu, log_sigma).double()
        optimizer = torch.optim.Adam([mu, log_sigma], lr=LEARNING_RATE, betas=(0.9, 0.98))
        best = before
        with torch.enable_grad():
            for _ in range(NUM_STEPS):
                elbo = bound(mu, log_sigma)
                best = torch.maximum(best, elbo.detach().double())
                mu.grad, log_sigma.grad = torch.autograd.grad(-elbo.sum(), [mu, log_sigma])
                optimizer.step()
        return best - before
