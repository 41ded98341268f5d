import pytest
import torch

from vael.random import capture_random_state, restore_random_state, seeded


def test_the_same_seed_draws_the_same_numbers():
    with seeded(3):
        first = torch.randn(5)
    with seeded(3):
        second = torch.randn(5)
    assert torch.equal(first, second)


def test_another_seed_draws_other_numbers():
    with seeded(3):
        first = torch.randn(5)
    with seeded(4):
        second = torch.randn(5)
    assert not torch.equal(first, second)


def test_a_seeded_block_draws_what_a_fresh_generator_draws():
    with seeded(11):
        drawn = torch.randn(5)
    assert torch.equal(drawn, torch.randn(5, generator=torch.Generator().manual_seed(11)))


def test_the_outer_stream_goes_on_as_if_the_block_were_not_there():
    with seeded(0):
        expected = torch.rand(4)
    with seeded(0):
        before = torch.rand(2)
        with seeded(99):
            torch.rand(17)
        after = torch.rand(2)
    assert torch.equal(torch.cat([before, after]), expected)


def test_the_outer_state_comes_back_after_an_error():
    before = torch.get_rng_state()
    with pytest.raises(ZeroDivisionError), seeded(5):
        raise ZeroDivisionError
    assert torch.equal(torch.get_rng_state(), before)


def test_a_captured_state_can_be_restored_twice():
    with seeded(0):
        state = capture_random_state()
        first = torch.rand(3)
        restore_random_state(state)
        second = torch.rand(3)
        restore_random_state(state)
        third = torch.rand(3)
    assert torch.equal(first, second)
    assert torch.equal(first, third)


def test_a_captured_state_does_not_follow_the_generator():
    with seeded(0):
        state = capture_random_state()
        kept = state["cpu"].clone()
        torch.rand(1000)
        assert torch.equal(state["cpu"], kept)
        assert not torch.equal(torch.get_rng_state(), kept)
