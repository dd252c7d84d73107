"""What a request may cost before a door sees it: bounds in bytes and seconds, and framing beyond doubt.

uvicorn has no such limits, so this refines its protocol class. A door is called only once the whole request
is there: its first `receive()` gives the whole body, and a slow sender holds a socket and nothing else.
"""

import asyncio
import re
from collections.abc import Callable
from enum import Enum, auto
from typing import Any, Final

import httptools
import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from regulars.deadline import SHARE, set_deadline
from regulars.doors.straight import Call, Door, FindDoor, no_door

SINGLE: Final = (b"host", b"content-length", b"transfer-encoding")
FRAMING_FACTOR: Final = 8
"""Bytes on the wire for one byte of body, at most: a chunk of a single byte takes six."""
UPLOADS: Final = re.compile(rb"/(?:api/v1|admin/p/[0-9]{1,18})/rewards/[0-9]{1,18}/codes(?:\?.*)?")
"""The targets to which files are sent."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes in bytes, times in seconds. `answer_seconds`: by then the answer to a whole request is decided.
    `write_seconds`: how long a client may leave its answer unread."""

    head_bytes: int = 16_384
    head_lines: int = 100
    head_seconds: float = 5.0
    body_bytes: int = 1_000_000
    body_seconds: float = 15.0
    upload_bytes: int = 5_000_000
    upload_seconds: float = 60.0
    answer_seconds: float = 3.0 * SHARE
    write_seconds: float = 20.0
    linger_seconds: float = 2.0


class Phase(Enum):
    """Where the latest request stands: none has begun, its head or body is arriving, or it is whole."""

    SILENT = auto()
    HEAD = auto()
    BODY = auto()
    WHOLE = auto()


class _Unfit(Exception):
    """Raised inside the parser's callbacks to make it stop."""

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(problem)
        self.status = status
        self.problem = problem


class Guarded(HttpToolsProtocol):
    """One connection. Timers are set only for what didn't arrive in one piece: a usual request costs none.

    It leans on the method names of uvicorn's class: it is pinned, and tests/doors/test_limits.py tells.
    """

    limits = Limits()
    find_door: FindDoor = staticmethod(no_door)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._default: tuple[list[tuple[bytes, bytes]], bytes] = ([], b"")
        self._phase = Phase.SILENT
        self._clock: asyncio.TimerHandle | None = None
        self._slow: asyncio.TimerHandle | None = None
        self._most_bytes, self._most_seconds = self.limits.body_bytes, self.limits.body_seconds
        """For the body of the latest request."""
        self._wire_bytes = 0
        """Of the latest request, so far; exact but for requests that share a packet."""
        self._bytes_at_most = 0
        self._completed = False
        self._deaf = False
        self._held: Any = None
        self._working: RequestResponseCycle | Call | None = None
        self._behind: dict[RequestResponseCycle | Call, float] = {}
        """The deadlines of whole requests that wait until those before them are answered."""

    # -- bytes in

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._arm(self.limits.head_seconds, self._late)

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        self._unset_keepalive_if_required()
        self._completed = False
        self._bytes_at_most = self._wire_bytes + len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # We speak HTTP/1.1 alone: the request is answered as it is, and what follows is not read.
            self._deaf = True
            self.cycle.keep_alive = False
        except httptools.HttpParserError as error:
            cause = error.__context__
            if isinstance(cause, _Unfit):
                self._refuse(cause.status, cause.problem)
            else:
                self._refuse(400, "This is not a well-formed HTTP/1.1 request.")
        else:
            if not self._completed:  # else we can't tell which of these bytes are the latest request's
                self._wire_bytes += len(data)
            self._watch()

    def _watch(self) -> None:
        """What has not arrived whole is put under the clock, and its framing under a bound."""
        if self._phase is Phase.WHOLE and not self.cycle.response_complete:
            return
        if self._phase is Phase.BODY:
            if self._wire_bytes > FRAMING_FACTOR * self._most_bytes + self.limits.head_bytes:
                self._refuse(413, "The request's body takes too much framing.")
            elif self._clock is None:
                self._arm(self._most_seconds, self._late)
        elif self._phase is Phase.HEAD and self._wire_bytes > self.limits.head_bytes:
            self._refuse(431, f"The request's head is longer than {self.limits.head_bytes} bytes.")
        elif self._clock is None:
            self._arm(self.limits.head_seconds, self._late)

    def _late(self) -> None:
        self._clock = None
        part, seconds = "head", self.limits.head_seconds
        if self._phase is Phase.BODY:
            part, seconds = "body", self._most_seconds
        self._refuse(408, f"The request's {part} did not arrive within {seconds:g} seconds.")

    # -- the parser's callbacks

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._phase = Phase.HEAD
        self._wire_bytes = 0

    def on_headers_complete(self) -> None:
        if self._clock is not None:
            self._stop_clock()
        self._bound_body()
        self._check_head()
        self._phase = Phase.BODY
        parser = self.parser
        door = self.find_door(self.url) if parser.get_method() == b"POST" else None
        if door is None or parser.should_upgrade() or self.config.access_log:
            self._begin_asgi()
        else:
            self._begin_call(door)
        self.headers = []  # whoever answers has the list: a trailer must not pass for a header

    def _begin_asgi(self) -> None:
        """Lets uvicorn make its scope, which it does before it knows the target, and its cycle."""
        target, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.headers, self.expect_100_continue = target, headers, expects
        self.scope["headers"] = headers
        super().on_headers_complete()

    def _begin_call(self, door: Door) -> None:
        keep_alive = self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive()
        earlier, call = self.cycle, Call(self, keep_alive=keep_alive)
        self.cycle = call  # type: ignore[assignment]
        if earlier is None or earlier.response_complete:
            self._start_asgi_task(call, door)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((call, door))  # type: ignore[arg-type]

    def _bound_body(self) -> None:
        """A file may be longer than any other body, and take longer to arrive."""
        limits = self.limits
        self._most_bytes, self._most_seconds = limits.body_bytes, limits.body_seconds
        if self.url.startswith((b"/api/", b"/admin/")) and UPLOADS.fullmatch(self.url):
            self._most_bytes = max(limits.body_bytes, limits.upload_bytes)
            self._most_seconds = max(limits.body_seconds, limits.upload_seconds)

    def _check_head(self) -> None:
        limits = self.limits
        named = dict(self.headers)
        if len(named) < len(self.headers):
            self._check_doubles()
        if self._bytes_at_most > limits.head_bytes or len(self.headers) > limits.head_lines:
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > limits.head_bytes or len(self.headers) > limits.head_lines:
                most = f"{limits.head_bytes} bytes or {limits.head_lines} lines"
                raise _Unfit(431, f"The request's head is longer than {most}.")
        version = self.parser.get_http_version()
        if version not in ("1.1", "1.0"):
            raise _Unfit(400, "The server speaks HTTP/1.1.")
        if version == "1.1" and not named.get(b"host"):
            raise _Unfit(400, "The request names no host.")
        if coding := named.get(b"transfer-encoding"):
            if version == "1.0" or coding.lower() != b"chunked" or b"content-length" in named:
                raise _Unfit(400, "The request's length is ambiguous.")
        elif int(named.get(b"content-length", 0)) > self._most_bytes:
            raise _Unfit(413, f"The request's body is longer than {self._most_bytes} bytes.")

    def _check_doubles(self) -> None:
        names = [name for name, _ in self.headers]
        for name in SINGLE:
            if names.count(name) > 1:
                raise _Unfit(400, f"The request names {name.decode()} more than once.")

    def on_body(self, body: bytes) -> None:
        collected = self.cycle.body
        collected += body
        if len(collected) > self._most_bytes:
            raise _Unfit(413, f"The request's body is longer than {self._most_bytes} bytes.")

    def on_message_complete(self) -> None:
        if self._clock is not None:
            self._stop_clock()
        self._completed = True
        self._phase = Phase.WHOLE
        super().on_message_complete()
        if self._held is not None:
            app, self._held = self._held, None
            self._start_asgi_task(self.cycle, app)
        else:
            self._behind[self.cycle] = self.loop.time() + self.limits.answer_seconds

    # -- the request is handed on, and answered

    def _start_asgi_task(self, cycle: RequestResponseCycle | Call, app: Any) -> None:
        if not cycle.more_body:
            self._working = cycle
            set_deadline(self._behind.pop(cycle, 0.0) or self.loop.time() + self.limits.answer_seconds)
            super()._start_asgi_task(cycle, app)  # type: ignore[arg-type]
            return
        self._held = app
        if cycle.waiting_for_100_continue:
            cycle.waiting_for_100_continue = False
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def default_lines(self) -> bytes:
        """The lines that every answer begins with, such as its date."""
        headers = self.server_state.default_headers
        if self._default[0] is not headers:
            self._default = (headers, b"".join(b"%b: %b\r\n" % header for header in headers))
        return self._default[1]

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._arm(self.limits.write_seconds, self.transport.abort)

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._arm(self.limits.write_seconds, self.transport.abort)

    def _refuse(self, status: int, problem: str) -> None:
        """Answers in the doors' stead, and closes."""
        self._deaf = True
        self._held = None
        if self._working is not None and not self._working.response_complete:
            # An earlier request is still being answered; ours would be taken for its answer.
            self._working.keep_alive = False
            self.pipeline.clear()
            return
        if self.transport.is_closing():
            return
        body = msgspec.json.encode({"error": {"message": problem}})
        head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        self.transport.write(STATUS_LINE[status] + head % len(body) + body)
        # Closing at once would reset the connection under a client that still sends and hasn't read this.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._arm(self.limits.linger_seconds, self.transport.abort)

    # -- clocks and ends

    def _arm(self, seconds: float, then: Callable[[], None]) -> None:
        self._stop_clock()
        self._clock = self.loop.call_later(seconds, then)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self._slow = self.loop.call_later(self.limits.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None

    def shutdown(self) -> None:
        super().shutdown()
        if (
            self._phase is Phase.BODY and not self._deaf
        ):  # a stop doesn't wait for a slow sender; nothing was done for it yet
            self._arm(self.limits.linger_seconds, self._late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_clock()
        if self._slow is not None:
            self._slow.cancel()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)


def guarded(limits: Limits, find_door: FindDoor = no_door) -> type[Guarded]:
    """The protocol class for `uvicorn.Config(http=...)` with these limits; `find_door`: see `straight`."""
    return type("GuardedConnection", (Guarded,), {"limits": limits, "find_door": staticmethod(find_door)})
