"""Requests that come by the thousand a second, answered without ASGI's messages.

A door says what a request is answered with, from its target, its headers and its whole body; that is written
at once. It stands where uvicorn has its cycle of request and response, and behind the same limits.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any, Final, TypeAlias

import structlog
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from regulars.doors import wire
from regulars.doors.wire import Headers

Reply: TypeAlias = tuple[int, Headers, bytes]
"""Status, headers but for the content's length, body."""
Door: TypeAlias = Callable[[bytes, list[tuple[bytes, bytes]], bytes], Awaitable[Reply]]
"""Answers a POST: target, headers with names in lower case, body."""
FindDoor: TypeAlias = Callable[[bytes], Door | None]
"""The door for a POST to this target; None: it goes the usual way."""

log = structlog.get_logger(__name__)

BROKEN: Final[Reply] = (500, ((b"content-type", b"application/json"),), wire.BROKEN)


def no_door(_: bytes) -> Door | None:
    """Every request goes the usual way."""
    return None


class _Unheard:
    """uvicorn wakes an application by its cycle's event; here nobody sleeps."""

    def set(self) -> None:
        pass


class Call:
    """One request and its answer, with the attributes of uvicorn's cycle that its protocol class looks at."""

    message_event: Final = _Unheard()
    __slots__ = (
        "_connection",
        "_headers",
        "_target",
        "body",
        "disconnected",
        "keep_alive",
        "more_body",
        "response_complete",
        "waiting_for_100_continue",
    )

    def __init__(self, connection: Any, *, keep_alive: bool) -> None:
        self._connection = connection
        self._target: bytes = connection.url
        self._headers: list[tuple[bytes, bytes]] = connection.headers
        self.waiting_for_100_continue: bool = connection.expect_100_continue
        self.keep_alive = keep_alive
        self.body = bytearray()
        self.more_body = True
        self.disconnected = False
        self.response_complete = False

    async def run_asgi(self, door: Door) -> None:
        """Asks the door and writes its answer, unless the client has left."""
        connection = self._connection
        try:
            reply = await door(self._target, self._headers, bytes(self.body))
            if connection.flow.write_paused and not self.disconnected:
                await connection.flow.drain()
        except asyncio.CancelledError:
            connection.transport.close()
            raise
        except Exception:
            log.exception("unforeseen", target=self._target)
            reply = BROKEN
        if self.disconnected:
            return
        status, headers, body = reply
        own = _head(headers, len(body), self.keep_alive)
        connection.transport.write(STATUS_LINE[status] + connection.default_lines() + own + body)
        self.response_complete = True
        if not self.keep_alive:
            connection.transport.close()
        connection.on_response_complete()


@lru_cache(maxsize=256)
def _head(headers: Headers, length: int, keep_alive: bool) -> bytes:
    lines = [b"%b: %b\r\n" % header for header in (*headers, (b"content-length", b"%d" % length))]
    return b"".join(lines) + (b"\r\n" if keep_alive else b"connection: close\r\n\r\n")
