"""Pictures that follow a pointer: many browsers ask, one decoder answers, and nobody waits for an old position.

A browser sends a place for every move of its pointer, perhaps faster than the decoder works. Each connection keeps the
newest place only; and what several connections ask while the decoder is busy is decoded in one batch.
"""

import asyncio
import struct
import time
from concurrent.futures import Executor
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import numpy as np

from vael.errors import VaelError
from vael.studio.desk import Answer, AnyMethod, Desk, Question

__all__ = ["Decoder", "Newest", "read_question"]

HEADER = struct.Struct("<II")  # the browser's number of the question, and its kind
KINDS = ("latent", "point")
LARGEST_BATCH = 64
QUICK = 0.002  # seconds: a batch that takes less is decoded without a thread


def read_question(message: bytes) -> tuple[int, Question]:
    """Read what the browser sent: u32 number, u32 kind (0 a latent, 1 a point of the map), then float32 values.

    Raises:
        VaelError: Too short, an unknown kind, or half a number at the end.
    """
    if len(message) < HEADER.size or len(message) % 4:
        raise VaelError(f"a question expects 8 bytes and then float32 numbers, got {len(message)} bytes")
    number, kind = HEADER.unpack_from(message)
    if kind >= len(KINDS):
        raise VaelError(f"a question expects kind 0 (latent) or 1 (point), got {kind}")
    return number, Question(KINDS[kind], np.frombuffer(message, "<f4", offset=HEADER.size).astype(np.float32))


@dataclass
class Newest:
    """Hold the newest message of one connection; an older one that nobody took is dropped."""

    _message: bytes | None = field(default=None, init=False)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    is_closed: bool = field(default=False, init=False)

    def put(self, message: bytes) -> None:
        """Take a message in."""
        self._message = message
        self._arrived.set()

    def close(self) -> None:
        """Say that no more will come."""
        self.is_closed = True
        self._arrived.set()

    async def take(self) -> bytes | None:
        """Wait for a message and take it; None once the connection is closed."""
        await self._arrived.wait()
        self._arrived.clear()
        message, self._message = self._message, None
        return None if self.is_closed else message


class Decoder:
    """Answer questions about opened runs, those about the same one that wait together in one batch.

    A small decoder takes less time than handing its work to a thread and back, so it runs where the question came in;
    a slower one works in a thread, and the studio goes on answering meanwhile.

    Arguments:
        pool: Where slow models compute; one thread, so that a training beside it keeps its cores.
    """

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self._waiting: list[_Asked] = []
        self._work: asyncio.Task[None] | None = None
        self._seconds: WeakKeyDictionary[Desk, float] = WeakKeyDictionary()  # that a batch takes, about

    async def ask(self, desk: Desk, method: AnyMethod, question: Question) -> Answer:
        """Return what a place in a run's latent space looks like; points are meant on the map of `method`.

        Raises:
            VaelError: The question makes no sense for this run.
        """
        desk.check(question)
        loop = asyncio.get_running_loop()
        asked = _Asked(desk, method, question, loop.create_future())
        self._waiting.append(asked)
        if self._work is None or self._work.done():
            self._work = loop.create_task(self._answer_all())
        return await asked.future

    async def _answer_all(self) -> None:
        """Work until nobody waits; whatever goes wrong is told to those who asked."""
        while self._waiting:
            first = self._waiting[0]
            batch = [asked for asked in self._waiting if asked.is_with(first)][:LARGEST_BATCH]
            self._waiting = [asked for asked in self._waiting if asked not in batch]
            try:
                answers = await self._decode(first.desk, first.method, [asked.question for asked in batch])
            except Exception as error:
                for asked in batch:
                    if not asked.future.done():
                        asked.future.set_exception(error)
                continue
            for asked, answer in zip(batch, answers, strict=True):
                if not asked.future.done():  # the browser left while we worked
                    asked.future.set_result(answer)
            await asyncio.sleep(0)  # what arrived meanwhile joins the next batch

    async def _decode(self, desk: Desk, method: AnyMethod, questions: list[Question]) -> list[Answer]:
        """Decode a batch here or in the thread, by how long the last ones took."""
        usual = self._seconds.get(desk, QUICK)
        began = time.perf_counter()
        if usual < QUICK and desk.is_free:
            answers = desk.answer(questions, method)
        else:
            loop = asyncio.get_running_loop()
            answers = await loop.run_in_executor(self._pool, desk.answer, questions, method)
        self._seconds[desk] = 0.8 * usual + 0.2 * (time.perf_counter() - began)
        return answers


@dataclass(frozen=True, eq=False)
class _Asked:
    """Hold a question until it is answered."""

    desk: Desk
    method: AnyMethod
    question: Question
    future: "asyncio.Future[Answer]"

    def is_with(self, other: "_Asked") -> bool:
        return self.desk is other.desk and self.method == other.method
