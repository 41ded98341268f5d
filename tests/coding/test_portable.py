"""Elementary functions against NumPy's in long double, and the identities that hold for any right implementation."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import special
from torch import Tensor

from vael.coding import portable

GENERATOR = np.random.Generator(np.random.PCG64(0))
EVERY = np.concatenate([GENERATOR.normal(size=2000) * scale for scale in (1e-8, 1e-3, 0.1, 1, 10, 100)])
POSITIVE = np.abs(EVERY)
LONG = np.longdouble


def softplus(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


CASES: dict[str, tuple[Callable[[Tensor], Tensor], np.ndarray, Callable[[np.ndarray], np.ndarray]]] = {
    "exp": (portable.exp, EVERY, np.exp),
    "expm1": (portable.expm1, EVERY, np.expm1),
    "log": (portable.log, POSITIVE, np.log),
    "log1p": (portable.log1p, POSITIVE, np.log1p),
    "sigmoid": (portable.sigmoid, EVERY, lambda x: 1 / (1 + np.exp(-x))),
    "tanh": (portable.tanh, EVERY, np.tanh),
    "softplus": (portable.softplus, EVERY, softplus),
}


BY_TABLE = {"sigmoid": 5e-8, "tanh": 1e-7}
"""The largest error of what comes from a table."""


@pytest.mark.parametrize("name", BY_TABLE)
def test_what_comes_from_a_table_is_near_and_never_falls(name: str) -> None:
    function, x, reference = CASES[name]
    x = np.sort(np.concatenate([x, np.linspace(-25, 25, 100_001)]))
    found = function(torch.from_numpy(x)).numpy()
    assert float(np.abs(found - reference(x.astype(LONG))).max()) < BY_TABLE[name]
    assert bool((np.diff(found) >= 0).all())


@pytest.mark.parametrize("name", [name for name in CASES if name not in BY_TABLE])
def test_a_function_is_right_to_a_few_units_in_the_last_place(name: str) -> None:
    function, x, reference = CASES[name]
    found = function(torch.from_numpy(x)).numpy()
    expected = reference(x.astype(LONG))
    error = np.abs(found - expected) / np.abs(expected)
    assert float(error.max()) < 8e-16


def test_ends_are_finite_or_what_they_should_be() -> None:
    far = torch.tensor([-1e300, -800.0, 800.0, 1e300], dtype=torch.float64)
    assert portable.exp(far)[:2].tolist() == [0, 0]
    assert torch.isfinite(portable.exp(far)).all()
    np.testing.assert_allclose(portable.sigmoid(far), [0, 0, 1, 1], rtol=0, atol=4e-11)
    np.testing.assert_allclose(portable.tanh(far), [-1, -1, 1, 1], rtol=0, atol=8e-11)
    assert portable.softplus(far).tolist() == [0, 0, 800, 1e300]
    assert portable.log(torch.zeros(1, dtype=torch.float64)).item() == -np.inf


def test_sums_along_an_axis() -> None:
    x = torch.from_numpy(GENERATOR.normal(size=(5, 7, 3)) * 20)
    for dim in (0, 1, -1):
        assert torch.equal(portable.sum_in_order(x, dim, keepdim=True), portable.sum_in_order(x, dim).unsqueeze(dim))
        np.testing.assert_allclose(portable.logsumexp(x, dim), special.logsumexp(x.numpy(), dim), rtol=1e-14)
        np.testing.assert_allclose(
            portable.log_softmax(x, dim), special.log_softmax(x.numpy(), dim), rtol=1e-14, atol=1e-14
        )
        np.testing.assert_allclose(portable.softmax(x, dim), special.softmax(x.numpy(), dim), rtol=1e-13)


def test_the_order_of_a_sum_is_that_of_the_axis() -> None:
    """1 + 10¹⁶ − 10¹⁶ is 0 in this order and 1 in another."""
    assert portable.sum_in_order(torch.tensor([1.0, 1e16, -1e16], dtype=torch.float64), 0).item() == 0
    assert portable.sum_in_order(torch.tensor([1e16, -1e16, 1.0], dtype=torch.float64), 0).item() == 1


def test_the_bits_are_those_that_were_written_down() -> None:
    """What another machine must find too; the digests are of the IEEE doubles, computed once."""
    x = torch.linspace(-30, 30, 4001, dtype=torch.float64)
    for name, digest in EXPECTED.items():
        assert _digest(CASES[name][0](x.abs() if name == "log" else x)) == digest, name


def _digest(x: Tensor) -> int:
    """Mix the bits of float64 numbers into 64: a polynomial hash in wrapping integers."""
    total = np.uint64(0)
    with np.errstate(over="ignore"):
        for word in x.numpy().view(np.uint64):
            total = total * np.uint64(6364136223846793005) + word
    return int(total)


EXPECTED = {
    "exp": 10217362685258899875,
    "expm1": 7471754016782203368,
    "log": 14709073162650174411,
    "sigmoid": 17345129570749433394,
    "softplus": 17089316985503903871,
    "tanh": 3455233372428698611,
}
