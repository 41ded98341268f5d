"""The stack: what is pushed comes back and the bits below are untouched, for any symbols; lengths are Shannon's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vael.coding.message import Bank, Message
from vael.coding.normals import NormalCodec, _normal_cdf


def fresh(count: int = 2000) -> Message:
    words = np.random.Generator(np.random.PCG64(5)).integers(0, 2**32, count, dtype=np.uint32)
    words[-1] |= 1 << 31
    return Message(words)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 2**32), st.integers(0, 60), st.integers(2, 40))
def test_every_kind_of_symbol_comes_back(seed: int, count: int, num_symbols: int) -> None:
    generator, message = np.random.Generator(np.random.PCG64(seed)), fresh()
    before = message.words()
    flags, p = generator.random(count) < 0.5, generator.random(count) ** 8
    symbols = generator.integers(0, num_symbols, count)
    bank, which = Bank(generator.random((3, num_symbols)) ** 20), generator.integers(0, 3, count)
    num_bits = generator.integers(0, 49, count)
    numbers = generator.integers(0, 2**62, count) & ((1 << num_bits) - 1)
    message.push_flags(flags, p)
    message.push_chosen(symbols, bank, which)
    message.push_bits(numbers, num_bits)
    np.testing.assert_array_equal(message.pop_bits(num_bits), numbers)
    np.testing.assert_array_equal(message.pop_chosen(bank, which), symbols)
    np.testing.assert_array_equal(message.pop_flags(p), flags)
    np.testing.assert_array_equal(message.words(), before)


def test_the_length_is_the_information() -> None:
    generator, message = np.random.Generator(np.random.PCG64(0)), fresh()
    p = generator.random(20_000)
    flags = generator.random(20_000) < p
    begun = message.num_bits
    message.push_flags(flags, p)
    information = -np.log2(np.where(flags, p, 1 - p)).sum()
    assert message.num_bits - begun == pytest.approx(information, rel=1e-4)
    begun = message.num_bits
    message.push_bits(np.zeros(1000, np.int64), np.full(1000, 20))
    assert message.num_bits - begun == 20_000


def test_the_fewest_words_are_remembered() -> None:
    message = fresh(100)
    message.pop_bits(np.full(40, 32))
    message.push_bits(np.zeros(80, np.int64), np.full(80, 32))
    assert message.fewest_words == 60
    assert message.num_words == 140


def test_the_normal_cdf_is_scipys() -> None:
    from scipy.stats import norm

    x = np.linspace(-9, 9, 5001)
    np.testing.assert_allclose(_normal_cdf(x), norm.cdf(x), rtol=0, atol=3e-14)  # a probability has 24 bits


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**32), st.floats(-3, 25), st.floats(0, 12))
def test_numbers_come_back_wherever_they_lie(seed: int, log_scale: float, log_mean: float) -> None:
    """Also those a million σ away from μ, and under a σ far below the grid."""
    generator, message = np.random.Generator(np.random.PCG64(seed)), fresh()
    before = message.words()
    mean, scale = generator.normal(size=50) * np.exp(log_mean), np.exp(generator.normal(size=50) + log_scale)
    near = np.floor(mean + scale * generator.normal(size=50)).astype(np.int64)
    far = generator.integers(-(2**46), 2**46, 50)
    for places in (near, far):
        NormalCodec(mean, scale, is_cut=False).push(message, places)
        np.testing.assert_array_equal(NormalCodec(mean, scale, is_cut=False).pop(message), places)
    np.testing.assert_array_equal(message.words(), before)


@pytest.mark.parametrize("scale", [1.0, 2.7, 16.0, 31.9, 1234.5, 2.0**20])
def test_a_number_costs_what_its_density_says(scale: float) -> None:
    """Against −log₂ of the mass of its place under the exact normal, on average.

    μ is known to a quarter of a cell: ½ (1/8)²/3 σ⁻² nats where σ is so few places that they are the cells.
    """
    from scipy.stats import norm

    generator, message = np.random.Generator(np.random.PCG64(1)), fresh()
    mean = generator.normal(size=20_000) * 10 * scale
    places = np.floor(mean + scale * generator.normal(size=20_000)).astype(np.int64)
    mass = norm.cdf((places + 1 - mean) / scale) - norm.cdf((places - mean) / scale)
    begun = message.num_bits
    NormalCodec(mean, np.full(20_000, scale), is_cut=False).push(message, places)
    assert (message.num_bits - begun) / 20_000 == pytest.approx(-np.log2(mass).mean(), abs=1.5e-3 + 5e-3 / scale**2)


def test_no_bits_put_a_popped_number_far_away() -> None:
    """Under a cut code; a symbol that should never come still has probability 2⁻²⁴, which is not never."""
    message = fresh(200_000)
    for scale in (0.7, 20.0, 3000.0):
        places = NormalCodec(np.zeros(100_000), np.full(100_000, scale), is_cut=True).pop(message)
        assert float(np.abs(places + 0.5).max()) < 6 * scale * 1.04 + 2 * np.ceil(scale / 16)


def test_what_is_popped_has_the_normals_law() -> None:
    """Bits back samples from q; Kolmogorov and Smirnov's test."""
    from scipy.stats import kstest

    message = fresh(20_000)
    mean, scale = np.full(5000, 1000.3), np.full(5000, 200.0)
    z = (NormalCodec(mean, scale, is_cut=True).pop(message) + 0.5 - mean) / scale
    assert kstest(z, "norm").pvalue > 1e-3
