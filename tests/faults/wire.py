"""HTTP/1.1 from bare sockets: the tests must know to the byte what was sent and what came back."""

import asyncio
import re
from typing import NamedTuple

ANSWER_SECONDS = 10.0
"""Nobody may be kept waiting for longer, whatever happens; the server itself promises three."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_RETRY = re.compile(rb"\r\nretry-after: *\d+\r\n", re.IGNORECASE)


class Answer(NamedTuple):
    status: int
    says_when: bool
    """Whether it has a Retry-After."""
    body: bytes


class NoAnswer(Exception):
    """The connection ended before a whole answer had come."""


class NobodyListens(Exception):
    """There is no server at that port."""


async def read_message(reader: asyncio.StreamReader) -> bytes:
    """A request or an answer, whole. Raises IncompleteReadError when the connection ends before, OSError."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return head + await reader.readexactly(int(length[1]) if length else 0)


class Line:
    """A connection to a port of this machine, made again when it has ended."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, request: bytes) -> Answer:
        """The answer to a request. Raises NoAnswer, NobodyListens, TimeoutError."""
        if self._writer is None:
            try:
                self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                raise NobodyListens from None
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                self._writer.write(request)
                message = await read_message(self._reader)
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            raise NoAnswer from None
        except TimeoutError:
            self.close()
            raise
        head, _, body = message.partition(b"\r\n\r\n")
        return Answer(int(head[9:12]), _RETRY.search(head + b"\r\n") is not None, body)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None


def request_of(path: str, body: str, headers: dict[str, str]) -> bytes:
    """A POST with a JSON body."""
    content = body.encode()
    named = {"host": "regulars.example", "content-type": "application/json"} | headers
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"POST {path} HTTP/1.1\r\n{lines}content-length: {len(content)}\r\n\r\n".encode() + content
