"""The autoregressive likelihood. Witness: all binary images of a few pixels, and drawing them pixel after pixel."""

import itertools

import pytest
import torch
from torch import Tensor, nn

from vael.distributions.autoregressive import AutoregressiveBernoulli
from vael.errors import VaelError
from vael.likelihoods.autoregressive import Autoregressive
from vael.networks.masked import MaskedConv2d
from vael.random import seeded
from vael.types import Observation


def build(shape: tuple[int, ...], **options: int) -> Autoregressive:
    """Build a small likelihood whose weights are large enough for pixels to matter."""
    with seeded(0):
        likelihood = Autoregressive(Observation(shape, "binary", 2), **{"num_filters": 6, "num_layers": 3, **options})
        with torch.no_grad():
            for param in likelihood.parameters():
                param.mul_(2)
    return likelihood.eval()


def draw_features(likelihood: Autoregressive, *lead: int) -> Tensor:
    shape = (*lead, likelihood.parameters_per_dim, *likelihood.observation.shape)
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def every_image(shape: tuple[int, ...]) -> Tensor:
    size = torch.Size(shape).numel()
    return torch.tensor(list(itertools.product([0.0, 1.0], repeat=size))).reshape(-1, *shape)


@pytest.mark.parametrize("shape", [(1, 2, 2), (1, 1, 7), (1, 3, 3), (3, 1, 2), (2, 2, 2)], ids=str)
def test_the_chances_of_all_images_sum_to_one(shape: tuple[int, ...]) -> None:
    likelihood = build(shape)
    p_x = likelihood(draw_features(likelihood, 2))
    x = every_image(shape)
    log_px = p_x.log_prob(x.unsqueeze(1))
    assert log_px.shape == (len(x), 2)
    torch.testing.assert_close(log_px.double().exp().sum(0), torch.ones(2, dtype=torch.float64), rtol=0, atol=1e-6)
    independent = torch.sigmoid(p_x.logits_of(x.unsqueeze(1).expand(-1, 2, *shape))).std(0)
    assert bool((independent > 1e-3).any())  # pixels do see each other


def test_a_pixel_sees_those_before_it_alone() -> None:
    likelihood = build((1, 5, 5), num_layers=4)
    x = torch.randn(1, 1, 5, 5, generator=torch.Generator().manual_seed(2)).requires_grad_()
    logits = likelihood.pixels(x, draw_features(likelihood, 1).flatten(1, 2)).flatten()
    for place in range(25):
        (grad,) = torch.autograd.grad(logits[place], x, retain_graph=True)
        assert bool((grad.flatten()[place:] == 0).all())
        assert place == 0 or float(grad.flatten()[place - 1]) != 0 or place % 5 == 0


def test_a_mask_hides_what_comes_later() -> None:
    first = MaskedConv2d(1, 1, 3, sees_itself=False)
    later = MaskedConv2d(1, 1, 3, sees_itself=True)
    assert first.mask.tolist() == [[1, 1, 1], [1, 0, 0], [0, 0, 0]]
    assert later.mask.tolist() == [[1, 1, 1], [1, 1, 0], [0, 0, 0]]


def test_drawing_solves_what_pixel_after_pixel_gives() -> None:
    likelihood = build((1, 4, 4))
    p_x = likelihood(draw_features(likelihood, 5))
    assert isinstance(p_x, AutoregressiveBernoulli)
    with seeded(3), torch.no_grad():
        drawn = p_x.sample()
    with seeded(3), torch.no_grad():
        noise = torch.rand(5, 1, 4, 4)
        x = torch.zeros(5, 1, 4, 4)
        for row, column in itertools.product(range(4), range(4)):
            chance = torch.sigmoid(p_x.logits_of(x))[:, 0, row, column]
            x[:, 0, row, column] = (noise[:, 0, row, column] < chance).float()
    assert torch.equal(drawn, x)


def test_draws_come_as_often_as_their_chance_says() -> None:
    shape, num_samples = (1, 2, 2), 20_000
    likelihood = build(shape)
    p_x = likelihood(draw_features(likelihood))
    x = every_image(shape)
    with seeded(4), torch.no_grad():
        drawn = p_x.sample(torch.Size((num_samples,)))
        chance = p_x.log_prob(x).exp()
    count = (drawn.unsqueeze(1) == x).flatten(2).all(-1).float().mean(0)
    assert bool(((count - chance).abs() < 4 * (chance * (1 - chance) / num_samples).sqrt() + 1e-6).all())


def test_the_mean_follows_the_likelier_path() -> None:
    likelihood = build((1, 3, 3))
    p_x = likelihood(draw_features(likelihood, 2, 4))
    mean = p_x.mean
    assert mean.shape == (2, 4, 1, 3, 3)
    torch.testing.assert_close(torch.sigmoid(p_x.logits_of((mean > 0.5).float())), mean)


@pytest.mark.parametrize("is_training", [True, False])
def test_an_image_does_not_see_the_others_of_its_batch(is_training: bool) -> None:
    likelihood = build((1, 5, 5)).train(is_training)
    features = draw_features(likelihood, 3, 6)
    x = (torch.rand(6, 1, 5, 5, generator=torch.Generator().manual_seed(5)) > 0.5).float()
    together = likelihood(features).log_prob(x)
    assert together.shape == (3, 6)
    for k, b in itertools.product(range(3), range(6)):
        torch.testing.assert_close(likelihood(features[k, b]).log_prob(x[b]), together[k, b])


def test_gradient_reaches_every_parameter_and_the_features() -> None:
    likelihood = build((1, 5, 5))
    features = draw_features(likelihood, 3).requires_grad_()
    likelihood(features).log_prob((torch.rand(3, 1, 5, 5) > 0.5).float()).sum().backward()
    assert features.grad is not None
    assert bool((features.grad != 0).any(0).all())
    for name, param in likelihood.named_parameters():
        assert isinstance(param, nn.Parameter)
        assert param.grad is not None, name
        assert bool((param.grad != 0).any()), name


@pytest.mark.parametrize(
    ("shape", "options", "words"),
    [
        ((4,), {}, "expects images"),
        ((1, 2, 2), {"num_layers": 0}, "num_layers and num_filters ≥ 1"),
        ((1, 2, 2), {"num_features": 0}, "num_features, num_layers"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(shape: tuple[int, ...], options: dict[str, int], words: str) -> None:
    with pytest.raises(VaelError, match=words):
        build(shape, **options)
