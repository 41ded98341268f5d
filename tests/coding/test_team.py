"""Threads that meet: each gets its own, all stop when one fails, and torch is left as it was."""

import threading
from collections.abc import Iterator

import pytest
import torch

from vael.coding.team import Meet, Team


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_each_gets_its_own_of_what_all_brought() -> None:
    def job(i: int, meet: Meet) -> list[float]:
        found = [meet(10 * i + turn, lambda values: [sum(values) + value for value in values]) for turn in range(50)]
        return [torch.get_num_threads(), *found]

    with Team() as team:
        assert team.size == 3
        for count in (1, 2, 3):
            for i, (num_threads, *found) in enumerate(team.work(job, count)):
                assert num_threads == 1
                totals = [sum(10 * j + turn for j in range(count)) for turn in range(50)]
                assert found == [total + 10 * i + turn for turn, total in enumerate(totals)]
    assert torch.get_num_threads() == 3
    with Team(1) as other:  # a thread begun later has its own number too
        assert other.work(lambda i, meet: torch.get_num_threads(), 1) == [1]


@pytest.mark.parametrize("where", ["job", "meeting"])
def test_where_one_fails_all_end_and_its_error_comes_out(where: str) -> None:
    ended = threading.Event()

    def act(values: list[int]) -> list[int]:
        if where == "meeting":
            raise ValueError("no message")
        return values

    def job(i: int, meet: Meet) -> None:
        if where == "job" and i == 1:
            raise ValueError("no message")
        try:
            meet(i, act)
        finally:
            ended.set()

    with Team(3) as team:
        with pytest.raises(ValueError, match="no message"):
            team.work(job, 3)
        assert ended.is_set()
        assert team.work(lambda i, meet: meet(i, lambda values: values), 3) == [0, 1, 2]
    assert torch.get_num_threads() == 3
