import numpy as np
import pytest
import torch
from scipy.stats import norm

from vael.distributions import OptimalNormal
from vael.random import seeded

SHAPE = (6, 2, 3)  # six examples of a 2 × 3 event


def draw(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.standard_normal(SHAPE)), torch.from_numpy(2 + 3 * rng.standard_normal(SHAPE))


def variance(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64)


def test_training_uses_the_mean_squared_error_of_the_batch():
    mu, x = draw(0)
    mse = np.mean((x.numpy() - mu.numpy()) ** 2)
    expected = norm.logpdf(x.numpy(), mu.numpy(), np.sqrt(mse)).sum((1, 2))
    np.testing.assert_allclose(OptimalNormal(mu, variance(1.0), 2, training=True).log_prob(x), expected, rtol=1e-12)


def test_no_other_variance_explains_the_batch_better():
    mu, x = draw(0)
    best = float(OptimalNormal(mu, variance(1.0), 2, training=True).log_prob(x).sum())
    others = [norm.logpdf(x.numpy(), mu.numpy(), s).sum() for s in np.linspace(0.5, 8, 301)]
    assert max(others) <= best
    assert max(others) == pytest.approx(best, rel=1e-4)  # the grid comes near the optimum


def test_gradient_is_that_of_half_the_dimensions_times_log_mse():
    mu, x = draw(1)
    mu.requires_grad_()
    (-OptimalNormal(mu, variance(1.0), 2, training=True).log_prob(x).sum()).backward()
    assert mu.grad is not None
    error = mu.detach().numpy() - x.numpy()
    np.testing.assert_allclose(mu.grad, error / np.mean(error**2), rtol=1e-10)


def test_training_moves_the_running_variance_one_percent_of_the_way():
    mu, x = draw(2)
    running = variance(1.0)
    OptimalNormal(mu, running, 2, training=True).log_prob(x)
    assert float(running) == pytest.approx(0.99 * 1.0 + 0.01 * np.mean((x.numpy() - mu.numpy()) ** 2), rel=1e-12)


def test_running_variance_converges_to_the_mean_squared_error():
    mu, x = draw(2)
    running = variance(1.0)
    for _ in range(2000):
        OptimalNormal(mu, running, 2, training=True).log_prob(x)
    assert float(running) == pytest.approx(np.mean((x.numpy() - mu.numpy()) ** 2), rel=1e-6)


def test_afterwards_it_is_an_ordinary_normal_with_the_running_variance():
    mu, x = draw(3)
    running = variance(2.25)
    expected = norm.logpdf(x.numpy(), mu.numpy(), 1.5).sum((1, 2))
    np.testing.assert_allclose(OptimalNormal(mu, running, 2, training=False).log_prob(x), expected, rtol=1e-12)
    assert float(running) == 2.25


def test_a_batch_that_is_reproduced_exactly_has_a_finite_density():
    _, x = draw(4)
    mu = x.clone().requires_grad_()
    log_prob = OptimalNormal(mu, variance(1.0), 2, training=True).log_prob(x)
    log_prob.sum().backward()
    assert mu.grad is not None
    assert bool(torch.isfinite(log_prob).all())
    assert bool(torch.isfinite(mu.grad).all())


def test_samples_have_the_mean_and_the_running_variance():
    mu = torch.tensor([[-1.0, 4.0]])
    with seeded(0):
        drawn = OptimalNormal(mu, torch.tensor(2.25), 1, training=True).sample((20_000,))
    assert drawn.shape == (20_000, 1, 2)
    # four standard errors: 1.5/√20000 of the mean, 1.5/√40000 of the standard deviation
    np.testing.assert_allclose(drawn.mean(0), mu, atol=0.043)
    np.testing.assert_allclose(drawn.std(0), [[1.5, 1.5]], atol=0.03)


@pytest.mark.parametrize("num_event_dims", [1, 2, 3])
def test_shapes_split_at_the_event(num_event_dims: int):
    law = OptimalNormal(torch.zeros(4, 5, 2, 3), torch.ones(()), num_event_dims, training=False)
    assert law.batch_shape + law.event_shape == (4, 5, 2, 3)
    assert len(law.event_shape) == num_event_dims
    assert law.log_prob(torch.zeros(4, 5, 2, 3)).shape == law.batch_shape
