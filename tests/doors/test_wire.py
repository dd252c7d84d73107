"""A long answer leaves part by part: what a slow reader has not taken yet is not even made."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from regulars.doors.wire import Answer, send_answer

PARTS = 1_000
SIZE = 100_000
"""A hundred megabytes in all."""


class Reader:
    """A caller who reads a part at a time, and may leave after some."""

    def __init__(self, leaves_after: int = PARTS + 1) -> None:
        self.made = 0
        self.read = 0
        self.most_ahead = 0
        self.ended = False
        self._leaves_after = leaves_after
        self._left = asyncio.Event()

    async def parts(self) -> AsyncIterator[bytes]:
        for _ in range(PARTS):
            self.made += 1
            yield bytes(SIZE)

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.body" and message["body"]:
            self.most_ahead = max(self.most_ahead, self.made - self.read)
            await asyncio.sleep(0)
            self.read += 1
            if self.read == self._leaves_after:
                self._left.set()
        elif message["type"] == "http.response.body":
            self.ended = not message.get("more_body")

    async def receive(self) -> dict[str, Any]:
        await self._left.wait()
        return {"type": "http.disconnect"}


async def test_a_part_is_made_when_the_one_before_is_gone() -> None:
    reader = Reader()
    answer = Answer(200, parts=reader.parts())
    await send_answer(reader.send, answer, with_body=True, receive=reader.receive)
    assert (reader.made, reader.read, reader.most_ahead, reader.ended) == (PARTS, PARTS, 1, True)


async def test_nothing_more_is_made_for_a_caller_who_has_left() -> None:
    reader = Reader(leaves_after=3)
    answer = Answer(200, parts=reader.parts())
    await send_answer(reader.send, answer, with_body=True, receive=reader.receive)
    assert reader.made <= 5


async def test_who_asks_for_the_head_alone_has_nothing_made() -> None:
    reader = Reader()
    await send_answer(reader.send, Answer(200, parts=reader.parts()), with_body=False)
    assert (reader.made, reader.ended) == (0, True)
