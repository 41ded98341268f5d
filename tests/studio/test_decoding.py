"""What answers a moving pointer: the newest place wins, and what waits together is decoded together."""

import asyncio
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import vael
from vael.errors import VaelError
from vael.studio.decoding import Decoder, Newest, read_question
from vael.studio.desk import Desk, Question
from vael.tasks import decode


@pytest.fixture(scope="module")
def desk(runs: Any) -> Desk:
    return Desk(vael.load(runs.root / "plane"))


def test_the_newest_message_is_taken_and_older_ones_are_dropped() -> None:
    async def talk() -> list[bytes | None]:
        newest = Newest()
        newest.put(b"old")
        newest.put(b"new")
        taken = [await newest.take()]
        later = asyncio.create_task(newest.take())
        await asyncio.sleep(0)
        assert not later.done()
        newest.put(b"next")
        taken.append(await later)
        newest.close()
        return [*taken, await newest.take()]

    assert asyncio.run(talk()) == [b"new", b"next", None]


def test_questions_that_wait_together_are_decoded_in_one_call(desk: Desk) -> None:
    sizes: list[int] = []
    hold = threading.Event()
    answer = desk.answer

    class Slow(Desk):
        def answer(self, questions: Any, method: Any) -> Any:
            hold.wait(5)
            sizes.append(len(questions))
            return answer(questions, method)

    slow = Slow(desk.run)
    places = np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32)

    async def ask() -> Any:
        with ThreadPoolExecutor(1) as pool:
            decoder = Decoder(pool)
            asked = [asyncio.create_task(decoder.ask(slow, "direct", Question("point", place))) for place in places]
            await asyncio.sleep(0.05)
            hold.set()
            return await asyncio.gather(*asked)

    answers = asyncio.run(ask())
    assert sum(sizes) == 20
    assert len(sizes) <= 2
    expected = desk.run.pixels(decode(desk.run.model, places))
    for found, place, picture in zip(answers, places, expected, strict=True):
        np.testing.assert_array_equal(found.z, place)
        assert np.abs(found.picture.astype(int) - picture.astype(int)).max() <= 1  # float32 sums depend on the batch


def test_a_question_that_makes_no_sense_fails_alone(desk: Desk) -> None:
    async def ask() -> Any:
        with ThreadPoolExecutor(1) as pool:
            decoder = Decoder(pool)
            good = decoder.ask(desk, "direct", Question("latent", np.zeros(2, np.float32)))
            bad = decoder.ask(desk, "direct", Question("latent", np.array([0, np.nan], np.float32)))
            return await asyncio.gather(good, bad, return_exceptions=True)

    good, bad = asyncio.run(ask())
    assert good.picture.shape == (8, 8, 3)
    assert isinstance(bad, VaelError)
    assert "2 finite numbers" in str(bad)


def test_what_goes_wrong_in_the_decoder_reaches_who_asked_and_the_next_is_answered(desk: Desk) -> None:
    class Broken(Desk):
        def answer(self, questions: Any, method: Any) -> Any:
            raise MemoryError("too much")

    async def ask() -> Any:
        with ThreadPoolExecutor(1) as pool:
            decoder, question = Decoder(pool), Question("latent", np.zeros(2, np.float32))
            with pytest.raises(MemoryError):
                await decoder.ask(Broken(desk.run), "direct", question)
            return await decoder.ask(desk, "direct", question)

    assert asyncio.run(ask()).picture.shape == (8, 8, 3)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (b"", "got 0 bytes"),
        (struct.pack("<II", 1, 7), "got 7"),
        (struct.pack("<IIf", 1, 0, 1.0) + b"x", "got 13 bytes"),
    ],
)
def test_a_broken_message_is_refused_with_what_was_expected(message: bytes, words: str) -> None:
    with pytest.raises(VaelError, match=words):
        read_question(message)


def test_a_message_is_read_as_it_was_sent() -> None:
    number, question = read_question(struct.pack("<II2f", 41, 1, 0.5, -2.0))
    assert number == 41
    assert question.kind == "point"
    assert question.values.tolist() == [0.5, -2.0]
