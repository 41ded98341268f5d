"""Models with several stochastic layers: what every structure keeps, and linear ones whose evidence is known.

Witnesses: the covariance of x through all layers, by torch's multivariate normal in float64; all images of four pixels.
"""

import copy
import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.distributions import MultivariateNormal
from torch.fx.experimental.proxy_tensor import make_fx

from vael.build import build_model
from vael.errors import VaelError
from vael.models import STRUCTURES, VAE, at_mean, drawing, given
from vael.models.bottom_up import BottomUpVAE
from vael.random import seeded
from vael.recipe import Recipe
from vael.types import Batch, Observation

MLP = {"model.encoder.hidden_features": [6], "model.decoder.hidden_features": [6], "model.latent_dim": 3}
RESIDUAL = {
    "model.encoder": {"name": "residual", "channels": [4, 5]},
    "model.decoder": {"name": "residual", "channels": [6, 4]},
    "model.latent_dim": 3,
}
THREE = {"latent_dims": [2, 4], "hidden_features": [7, 5]}
CASES: dict[str, dict[str, Any]] = {
    "one-layer": MLP,
    "bottom-up": {**MLP, "model.structure": {"name": "bottom-up", **THREE}},
    "bottom-up-gated": {**MLP, "model.structure": {"name": "bottom-up", **THREE, "activation": "gated"}},
    "top-down": {**MLP, "model.structure": {"name": "top-down", **THREE}},
    "top-down-precision": {**MLP, "model.structure": {"name": "top-down", **THREE, "merge": "precision"}},
    "top-down-all": {**MLP, "model.structure": {"name": "top-down", **THREE, "sees_all": True}},
    "ladder": {**RESIDUAL, "model.structure": {"name": "ladder", "latents_per_scale": [2, 1], "latent_channels": 2}},
    "ladder-gap": {**RESIDUAL, "model.structure": {"name": "ladder", "latents_per_scale": [1, 0]}},
}
DEEP = [name for name in CASES if name != "one-layer"]
SHAPE = (1, 5, 4)
CLASSES = ("a", "b", "c")


def build(name: str, *, shape: tuple[int, ...] = SHAPE, settings: dict[str, Any] | None = None, stir: float = 0) -> VAE:
    """Build a small model; `stir` moves every weight, so that nothing is silent."""
    observation = Observation(shape, "binary", 2, classes=CLASSES)
    with seeded(0):
        recipe = Recipe().override(copy.deepcopy(CASES[name])).override(settings or {})
        model = build_model(recipe.model, observation)
        if stir:
            with torch.no_grad():
                for param in model.parameters():
                    param.add_(stir * torch.randn_like(param))
    return model.eval()


def draw_x(count: int, shape: tuple[int, ...] = SHAPE) -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 2, (count, *shape))).float()


def labels(count: int) -> Tensor:
    return torch.eye(len(CLASSES))[torch.arange(count) % len(CLASSES)]


def test_every_structure_has_a_case() -> None:
    assert {name for name in STRUCTURES if name in CASES} == set(STRUCTURES)


@pytest.mark.parametrize("condition", ["none", "label"])
@pytest.mark.parametrize("name", CASES)
class TestContract:
    def batch(self, condition: str) -> Batch:
        return Batch(draw_x(6), labels(6) if condition == "label" else None)

    def model(self, name: str, condition: str) -> VAE:
        return build(name, settings={"model.condition": condition}, stir=0.2)

    def test_terms_have_their_shapes(self, name: str, condition: str) -> None:
        model = self.model(name, condition)
        inference = model.infer(self.batch(condition), num_samples=3)
        assert inference.log_w.shape == (3, 6)
        assert inference.elbo.shape == inference.rate.shape == (6,)
        assert len(inference.latents) == len(model.latent_dims)
        for latent, dim in zip(inference.latents, model.latent_dims, strict=True):
            assert latent.z.shape == (3, 6, dim)
            assert latent.rate.shape == (6,)
            assert latent.rate_per_dim is not None
            assert latent.rate_per_dim.shape == (6, dim)
            torch.testing.assert_close(latent.rate_per_dim.sum(-1), latent.rate)
            assert bool((latent.rate > 0).all())

    def test_a_code_decodes_to_what_was_inferred(self, name: str, condition: str) -> None:
        model, batch = self.model(name, condition), self.batch(condition)
        inference = model(batch, at_mean)
        code = torch.cat([latent.z for latent in inference.latents], -1)[0]
        assert code.shape == (6, model.latent_dim)
        torch.testing.assert_close(model.decode(code, batch.context).log_prob(batch.x), inference.log_px[0])
        assert torch.equal(model(batch, at_mean).log_px, inference.log_px)

    def test_the_same_latents_give_the_same_weights(self, name: str, condition: str) -> None:
        model, batch = self.model(name, condition), self.batch(condition)
        inference = model(batch, drawing(3))
        again = model(batch, given([latent.z for latent in inference.latents]))
        torch.testing.assert_close(again.log_w, inference.log_w)

    def test_draws_are_codes(self, name: str, condition: str) -> None:
        model = self.model(name, condition)
        context = labels(7) if condition == "label" else None
        code = model.draw(7, context)
        assert code.shape == (7, model.latent_dim)
        assert model.decode(code, context).mean.shape == (7, *SHAPE)

    def test_examples_and_samples_do_not_see_each_other(self, name: str, condition: str) -> None:
        model, batch = self.model(name, condition), self.batch(condition)
        zs = [latent.z for latent in model.infer(batch, num_samples=3).latents]
        log_w = model(batch, given(zs)).log_w
        one = Batch(batch.x[2:3], None if batch.context is None else batch.context[2:3])
        alone = model(one, given([z[1:2, 2:3] for z in zs])).log_w
        torch.testing.assert_close(alone[0, 0], log_w[1, 2], rtol=1e-4, atol=1e-4)

    def test_gradient_reaches_every_parameter(self, name: str, condition: str) -> None:
        model, batch = self.model(name, condition), self.batch(condition)
        with seeded(1):
            model.infer(batch, num_samples=2).elbo.mean().backward()
        for key, param in model.named_parameters():
            assert param.grad is not None, key
            assert bool((param.grad != 0).any()), key

    def test_the_code_of_a_layer_matters(self, name: str, condition: str) -> None:
        model, batch = self.model(name, condition), self.batch(condition)
        code = torch.cat([latent.z for latent in model(batch, at_mean).latents], -1)[0].detach().requires_grad_()
        model.decode(code, batch.context).mean.sum().backward()
        assert code.grad is not None
        reached = [bool((part != 0).any()) for part in code.grad.split(model.latent_dims, -1)]
        sees_one = name.startswith("bottom-up") or name in ("top-down", "top-down-precision")
        assert reached == [True] + [not sees_one] * (len(reached) - 1)

    def test_the_rate_is_what_its_samples_say(self, name: str, condition: str) -> None:
        model, batch = self.model(name, condition), self.batch(condition)
        with seeded(2), torch.no_grad():
            latents = model.infer_latents(batch, drawing(4000))
        total = torch.stack([latent.log_ratio for latent in latents]).sum(0)
        rate = torch.stack([latent.rate for latent in latents]).sum(0)
        assert bool(((total.mean(0) - rate).abs() < 4 * total.std(0) / 4000**0.5).all())

    def test_a_step_traces(self, name: str, condition: str) -> None:
        model, batch = self.model(name, condition), self.batch(condition)
        params = dict(model.named_parameters())

        class Loss(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.model = model

            def forward(self, x: Tensor) -> Tensor:
                return self.model.infer(Batch(x, batch.context), num_samples=2).elbo.mean()

        def program(x: Tensor, *weights: Tensor) -> Tensor:
            held = {f"model.{key}": weight for key, weight in zip(params, weights, strict=True)}
            return torch.func.functional_call(Loss(), held, (x,))

        weights = [param.detach() for param in params.values()]
        traced = make_fx(program)(batch.x, *weights)
        with seeded(3):
            expected = program(batch.x, *weights)
        with seeded(3):
            torch.testing.assert_close(traced(batch.x, *weights), expected)


@pytest.mark.parametrize("name", DEEP)
def test_the_weights_are_unbiased(name: str) -> None:
    """The mean weight under q and the mean of p(x | z) under p estimate one evidence; over all images it is 1."""
    shape, num_samples = (1, 2, 2), 20_000
    model = build(name, shape=shape, stir=0.1)
    x = torch.tensor(list(itertools.product([0.0, 1.0], repeat=4))).reshape(16, *shape)
    with seeded(4), torch.no_grad():
        weights = model.infer(Batch(x), num_samples=num_samples).log_w.double().exp()
        drawn = model.decode(model.draw(num_samples)).mean.double().flatten(1)
    ones = x.flatten(1)
    chances = torch.where(ones.bool(), drawn.unsqueeze(1), 1 - drawn.unsqueeze(1)).prod(-1)
    error = ((weights.var(0) + chances.var(0)) / num_samples).sqrt()
    assert bool(((weights.mean(0) - chances.mean(0)).abs() < 4 * error).all())
    assert abs(float(weights.mean(0).sum()) - 1) < 3 * float((weights.var(0) / num_samples).sum().sqrt())


@pytest.mark.parametrize("name", DEEP)
def test_a_prior_made_of_posteriors_stands_at_the_top(name: str) -> None:
    prior = {"name": "vamp", "num_components": 5}
    model: Any = build(name, settings={"model.prior": prior}, stir=0.2)
    x = draw_x(6)
    with seeded(1):
        inference = model.infer(Batch(x), num_samples=3)
    inference.elbo.mean().backward()
    for key, param in model.prior.named_parameters():
        assert param.grad is not None or not param.requires_grad, key
    assert inference.latents[-1].p_z.batch_shape == ()
    assert model.encode(x).batch_shape == (6,)
    assert model.draw(7).shape == (7, model.latent_dim)


@pytest.mark.parametrize("name", DEEP)
def test_the_encoder_runs_once_for_all_samples(name: str) -> None:
    model: Any = build(name)
    sizes = []
    first = next(part for part in model.encoder.modules() if isinstance(part, (nn.Linear, nn.Conv2d)))
    first.register_forward_hook(lambda part, args, out: sizes.append(len(args[0])))
    model.infer(Batch(draw_x(6)), num_samples=5)
    assert sizes == [6]


LINEAR = {
    "model.encoder.hidden_features": [],
    "model.decoder.hidden_features": [],
    "model.latent_dim": 1,
    "model.likelihood": {"name": "gaussian", "sigma": 0.7, "link": "identity"},
}


def build_linear(structure: dict[str, Any]) -> Any:
    """Build a chain of linear Gaussians: the variances of p do not depend on the layer above."""
    settings = {**LINEAR, "model.structure": {"hidden_features": [], **structure}}
    with seeded(0), torch.no_grad():
        model: Any = build_model(Recipe().override(settings).model, Observation((5,), "real"))
        for conditional in model.conditionals:
            mean, log_var = conditional.head.weight.chunk(2)
            mean.mul_(2)
            log_var.zero_()
    return model.eval()


@dataclass(frozen=True)
class Joint:
    """The joint normal of a chain with one dimension a layer: (z_1, …, z_L, x), float64."""

    num_layers: int
    mean: Tensor
    covariance: Tensor

    @classmethod
    def of(cls, model: Any) -> "Joint":
        """Build it from the top down, one linear map of the layer above after the other."""
        num_layers = len(model.latent_dims)
        mean, covariance = torch.zeros(1, dtype=torch.float64), torch.eye(1, dtype=torch.float64)
        for conditional in reversed(list(model.conditionals)):
            head = copy.deepcopy(conditional.head).double()
            variance = torch.exp(head.bias[1:]).diag()
            mean, covariance = _below(mean, covariance, head.weight[:1], head.bias[:1], variance)
        out = copy.deepcopy(model.decoder.out).double()
        noise = torch.exp(2 * model.likelihood.log_sigma.double()) * torch.eye(5, dtype=torch.float64)
        mean, covariance = _below(mean, covariance, out.weight, out.bias, noise)
        order = [*range(5, 5 + num_layers), *range(5)]  # x came to stand first
        return cls(num_layers, mean[order].detach(), covariance[order][:, order].detach())

    def part(self, name: int | str) -> list[int]:
        """The places of a layer, or of x."""
        return list(range(self.num_layers, self.num_layers + 5)) if name == "x" else [int(name)]

    def regress(self, target: int | str, on: int | str) -> tuple[Tensor, Tensor, Tensor]:
        """E[target | on] = weight · on + bias, with what variance."""
        a, b = self.part(target), self.part(on)
        weight = torch.linalg.solve(self.covariance[b][:, b], self.covariance[b][:, a]).T
        variance = self.covariance[a][:, a] - weight @ self.covariance[b][:, a]
        return weight, self.mean[a] - weight @ self.mean[b], variance

    def message(self, layer: int) -> tuple[Tensor, Tensor, Tensor]:
        """p(x | z_l) as a normal of z_l: the weight and bias of its mean, and its variance."""
        weight, bias, variance = self.regress("x", layer)
        towards = torch.linalg.solve(variance, weight).T
        spread = 1 / (towards @ weight)
        return spread * towards, -(spread * towards) @ bias, spread


def _below(mean: Tensor, covariance: Tensor, weight: Tensor, bias: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Put weight · first + bias + noise before the variables that are there."""
    cross = weight @ covariance[:1]
    own = weight @ covariance[:1, :1] @ weight.T + noise
    whole = torch.cat([torch.cat([own, cross], 1), torch.cat([cross.T, covariance], 1)])
    return torch.cat([weight @ mean[:1] + bias, mean]), whole


@torch.no_grad()
def make_exact(model: Any, joint: Joint, *, widened: float = 0.0) -> None:
    """Set q to the posterior; `widened` adds to its log variances."""
    top = joint.num_layers - 1
    for layer, posterior in enumerate(model.posteriors):
        if isinstance(model, BottomUpVAE):
            weight, bias, variance = joint.regress(layer, "x" if layer == 0 else layer - 1)
        else:
            weight, bias, variance = joint.regress(top, "x") if layer == top else joint.message(layer)
        posterior.head.weight.copy_(torch.cat([weight, torch.zeros_like(weight)]))
        posterior.head.bias.copy_(torch.cat([bias, torch.log(variance[0]) + widened]))


LINEAR_CASES = {
    "bottom-up-2": {"name": "bottom-up", "latent_dims": [1]},
    "bottom-up-3": {"name": "bottom-up", "latent_dims": [1, 1]},
    "top-down-2": {"name": "top-down", "latent_dims": [1], "merge": "precision"},
    "top-down-3": {"name": "top-down", "latent_dims": [1, 1], "merge": "precision"},
}


@pytest.mark.parametrize("name", LINEAR_CASES)
class TestLinear:
    def case(self, name: str, *, widened: float) -> tuple[VAE, Tensor, Tensor]:
        model = build_linear(LINEAR_CASES[name])
        joint = Joint.of(model)
        make_exact(model, joint, widened=widened)
        x = torch.from_numpy(np.random.default_rng(5).standard_normal((6, 5))).float()
        places = joint.part("x")
        marginal = MultivariateNormal(joint.mean[places], joint.covariance[places][:, places])
        return model, x, marginal.log_prob(x.double())

    def test_every_weight_of_the_exact_posterior_is_the_evidence(self, name: str) -> None:
        model, x, exact = self.case(name, widened=0.0)
        with seeded(5), torch.no_grad():
            inference = model.infer(Batch(x), num_samples=50)
        torch.testing.assert_close(inference.log_w.double(), exact.expand(50, 6), rtol=0, atol=1e-4)

    def test_weights_average_to_the_evidence_and_the_bound_lies_below(self, name: str) -> None:
        model, x, exact = self.case(name, widened=0.8)
        with seeded(6), torch.no_grad():
            inference = model.infer(Batch(x), num_samples=20_000)
        relative = (inference.log_w.double() - exact).exp()
        assert float(relative.std(0).max()) < 2  # the averages mean something
        assert bool(((relative.mean(0) - 1).abs() < 3 * relative.std(0) / 20_000**0.5).all())
        assert bool((inference.elbo.double() < exact - 0.05).all())


def test_the_two_layers_of_burda_2016() -> None:
    settings = {
        "model.latent_dim": 100,
        "model.encoder": {"name": "mlp", "hidden_features": [200, 200], "activation": "tanh"},
        "model.decoder": {"name": "mlp", "hidden_features": [200, 200], "activation": "tanh"},
        "model.structure": {"name": "bottom-up", "latent_dims": [50], "hidden_features": [100, 100]},
    }
    model = build_model(Recipe().override(settings).model, Observation((1, 28, 28), "binary", 2))
    shapes = sorted(tuple(part.weight.shape) for part in model.modules() if isinstance(part, nn.Linear))
    up = [(200, 784), (200, 200), (200, 200), (100, 100), (100, 100), (100, 100)]  # encoder, q(z1), dense, q(z2)
    down = [(100, 50), (100, 100), (200, 100), (200, 100), (200, 200), (784, 200)]  # dense, p(z1), decoder
    assert shapes == sorted(up + down)


def test_a_ladder_begins_with_a_posterior_that_is_the_prior() -> None:
    latents = build("ladder").infer(Batch(draw_x(6)), num_samples=2).latents
    for latent in latents[:-1]:
        assert float(latent.rate.abs().max().detach()) == 0


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("ladder", {"model.encoder": "mlp"}, "does not work with model.encoder 'mlp': use model.encoder=residual"),
        ("ladder", {"model.decoder": "conv"}, "does not work with model.decoder 'conv': use model.decoder=residual"),
        ("ladder", {"model.posterior": "point"}, "does not work with model.posterior 'point'"),
        ("bottom-up", {"model.posterior": "full-normal"}, "use model.posterior=diagonal-normal"),
        ("ladder", {"model.encoder.channels": [4]}, "1 stages and model.decoder.channels 2"),
        ("ladder", {"model.structure.latents_per_scale": [1]}, "latents_per_scale expects 2 numbers"),
        ("ladder", {"model.structure.latent_channels": 0}, "latent_channels expects an integer ≥ 1"),
        ("bottom-up", {"model.structure.latent_dims": []}, "use model.structure=one-layer"),
        ("top-down", {"model.structure.latent_dims": [0]}, "latent_dims expects"),
        ("top-down", {"model.structure.hidden_features": []}, "or use precision"),
        ("one-layer", {"model.structure": "topdown"}, "did you mean 'top-down'"),
        ("one-layer", {"model.structure.latent_dims": [3]}, "takes no options"),
    ],
)
def test_what_does_not_fit_is_refused(name: str, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(VaelError, match=words):
        build(name, settings=settings)
