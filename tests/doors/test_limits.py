"""What the server refuses before any door is asked, tried over real sockets against a real server."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn

from regulars.doors.limits import Limits, guarded
from regulars.doors.straight import Reply
from tests.pace import within

LIMITS = Limits(
    head_bytes=2_000,
    head_lines=20,
    head_seconds=0.4,
    body_bytes=1_000,
    body_seconds=0.4,
    write_seconds=0.5,
    linger_seconds=0.3,
)

Call = tuple[str, str, bytes]


class Door:
    """Answers with what it got, and remembers every call: (method, path, body)."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.headers: list[dict[bytes, bytes]] = []
        self.messages: list[int] = []
        self.open = asyncio.Event()
        self.open.set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        self.calls.append((scope["method"], scope["path"], message["body"]))
        self.headers.append(dict(scope["headers"]))
        assert message["more_body"] is False
        await self.open.wait()
        if scope["path"] == "/large":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _ in range(200):
                await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
            return
        answer = b"%d bytes" % len(message["body"])
        headers = [(b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def straight(self, target: bytes, headers: list[tuple[bytes, bytes]], body: bytes) -> Reply:
        """The same for a POST that doesn't come as ASGI."""
        self.calls.append(("POST", target.decode(), body))
        self.headers.append(dict(headers))
        await self.open.wait()
        return 200, (), b"%d bytes" % len(body)


class Running:
    def __init__(self, door: Door, server: uvicorn.Server) -> None:
        self.door = door
        self.server = server
        self.port = server.servers[0].sockets[0].getsockname()[1]
        self.gone = asyncio.Event()
        protocol = server.config.http_protocol_class
        lost = protocol.connection_lost

        def tell(connection: Any, error: Exception | None) -> None:
            lost(connection, error)
            self.gone.set()

        protocol.connection_lost = tell

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def say(self, *parts: bytes) -> bytes:
        """Everything that the server answers to these bytes until it closes the connection."""
        reader, writer = await self.connect()
        with contextlib.suppress(ConnectionError):
            for part in parts:
                writer.write(part)
                await writer.drain()
        answer = await asyncio.wait_for(reader.read(), 60)
        writer.close()
        return answer


@pytest.fixture(params=["asgi", "straight"])
async def running(request: pytest.FixtureRequest) -> AsyncIterator[Running]:
    """A server whose POSTs come to the door as ASGI, or straight: nobody outside can tell."""
    door = Door()
    is_straight = request.param == "straight"
    config = uvicorn.Config(
        door,
        host="127.0.0.1",
        port=0,
        http=guarded(LIMITS, lambda _: door.straight if is_straight else None),
        access_log=False,
        ws="none",
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=2,
        timeout_keep_alive=1,
    )
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    yield Running(door, server)
    await server.shutdown()


def request(*lines: str, method: str = "POST", path: str = "/", body: bytes = b"") -> bytes:
    """A request's bytes with the host named; no length is added."""
    head = [f"{method} {path} HTTP/1.1", "Host: shop.example", *lines]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def refused(answer: bytes) -> int:
    """The status of an answer that is the server's own refusal: JSON, and the connection is closed."""
    head, body = answer.split(b"\r\n\r\n", 1)
    assert b"connection: close" in head
    assert b"content-length: %d" % len(body) in head
    assert json.loads(body)["error"]["message"]
    return status(answer)


class TestAUsualRequest:
    async def test_its_body_reaches_the_door_in_one_piece_however_it_was_sent(self, running: Running) -> None:
        head = request("Content-Length: 6", "Connection: close")
        assert (await running.say(head + b"points")).endswith(b"6 bytes")
        assert (await running.say(head, b"poi", b"nts")).endswith(b"6 bytes")
        chunked = request("Transfer-Encoding: chunked", "Connection: close")
        assert (await running.say(chunked, b"3\r\npoi\r\n", b"3\r\nnts\r\n", b"0\r\n\r\n")).endswith(
            b"6 bytes"
        )
        assert running.door.calls == [("POST", "/", b"points")] * 3

    async def test_a_body_that_would_fill_uvicorns_buffer_still_arrives_whole(self, running: Running) -> None:
        roomy = guarded(Limits(), running.server.config.http_protocol_class.find_door)
        running.server.config.http_protocol_class = roomy
        body = b"p" * 900_000
        answer = await running.say(request(f"Content-Length: {len(body)}", "Connection: close"), body)
        assert answer.endswith(b"900000 bytes")

    async def test_a_connection_is_kept_for_the_next_request(self, running: Running) -> None:
        reader, writer = await running.connect()
        for _ in range(3):
            writer.write(request("Content-Length: 6", body=b"points"))
            assert status(await reader.readuntil(b"6 bytes")) == 200
        writer.close()

    async def test_requests_sent_in_one_go_are_answered_in_their_order(self, running: Running) -> None:
        one, two = (
            request("Content-Length: 1", body=b"1"),
            request("Content-Length: 2", path="/2", body=b"22"),
        )
        last = request("Connection: close", method="GET", path="/3")
        answer = await running.say(one + two + last)
        assert [call[1] for call in running.door.calls] == ["/", "/2", "/3"]
        assert answer.index(b"1 bytes") < answer.index(b"2 bytes") < answer.index(b"0 bytes")

    async def test_who_asks_whether_to_go_on_is_told_so(self, running: Running) -> None:
        reader, writer = await running.connect()
        writer.write(request("Content-Length: 6", "Expect: 100-continue", "Connection: close"))
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"points")
        assert (await reader.read()).endswith(b"6 bytes")
        writer.close()

    async def test_an_offer_of_another_protocol_is_not_taken_up(self, running: Running) -> None:
        offer = request("Connection: Upgrade", "Upgrade: h2c", method="GET")
        answer = await running.say(offer + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert status(answer) == 200
        assert len(running.door.calls) == 1

    async def test_what_follows_the_last_request_of_a_connection_is_not_read(self, running: Running) -> None:
        last = request("Connection: close", method="GET", path="/last")
        answer = await running.say(last + request(method="GET", path="/smuggled"))
        assert answer.count(b"HTTP/1.1 200") == 1
        assert [call[1] for call in running.door.calls] == ["/last"]

    async def test_a_trailer_does_not_pass_for_a_header(self, running: Running) -> None:
        chunked = request("Transfer-Encoding: chunked", "Connection: close")
        await running.say(chunked + b"1\r\nx\r\n0\r\nAuthorization: Basic Zm9v\r\n\r\n")
        assert b"authorization" not in running.door.headers[0]


class TestSize:
    async def test_a_body_declared_over_the_limit_is_refused_unsent(self, running: Running) -> None:
        assert refused(await running.say(request("Content-Length: 1000000000"))) == 413

    async def test_it_is_not_even_asked_for(self, running: Running) -> None:
        answer = await running.say(request("Content-Length: 1001", "Expect: 100-continue"))
        assert refused(answer) == 413

    async def test_who_sends_it_all_the_same_reads_the_refusal(self, running: Running) -> None:
        body = b"x" * 3_000_000
        assert refused(await running.say(request(f"Content-Length: {len(body)}"), body)) == 413

    async def test_a_chunked_body_is_refused_as_soon_as_it_is_over_the_limit(self, running: Running) -> None:
        chunk = b"190\r\n" + b"x" * 400 + b"\r\n"
        assert refused(await running.say(request("Transfer-Encoding: chunked"), chunk * 3)) == 413

    async def test_a_body_at_the_limit_is_taken(self, running: Running) -> None:
        body = b"x" * 1000
        answer = await running.say(request("Content-Length: 1000", "Connection: close", body=body))
        assert answer.endswith(b"1000 bytes")

    @pytest.mark.parametrize("noise", [b"1;" + b"n" * 30_000, b"0\r\nNoise: " + b"n" * 30_000])
    async def test_framing_without_end_is_refused(self, running: Running, noise: bytes) -> None:
        reader, writer = await running.connect()
        writer.write(request("Transfer-Encoding: chunked"))
        writer.write(noise)
        assert refused(await reader.read()) == 413
        writer.close()

    async def test_a_long_head_is_refused_whole_or_without_end(self, running: Running) -> None:
        assert refused(await running.say(request("Long: " + "x" * 2_000))) == 431
        assert refused(await running.say(b"GET / HTTP/1.1\r\nLong: ", b"x" * 3_000)) == 431
        assert refused(await running.say(b"GET /" + b"x" * 3_000, b"x" * 300_000)) == 431

    async def test_many_header_lines_are_refused(self, running: Running) -> None:
        assert refused(await running.say(request(*["A: b"] * 20))) == 431
        assert status(await running.say(request(*["A: b"] * 18, "Connection: close"))) == 200

    async def test_no_refused_request_reaches_the_door(self, running: Running) -> None:
        await running.say(request("Content-Length: 1001"))
        await running.say(request(*["A: b"] * 20))
        assert running.door.calls == []


class TestTime:
    async def test_a_head_that_never_ends_is_cut(self, running: Running) -> None:
        began = time.monotonic()
        assert refused(await running.say(b"POST / HTTP/1.1\r\nHost: shop")) == 408
        took = time.monotonic() - began
        assert took > 0.3
        within(took, 3, "the cut")

    async def test_a_silent_connection_is_cut(self, running: Running) -> None:
        assert refused(await running.say(b"")) == 408

    async def test_a_head_sent_byte_by_byte_is_cut_as_well(self, running: Running) -> None:
        reader, writer = await running.connect()
        reading = asyncio.ensure_future(reader.read())
        with contextlib.suppress(ConnectionError):
            for byte in b"GET /" + b"a" * 200:
                if reading.done():
                    break
                writer.write(bytes([byte]))
                await asyncio.wait([reading], timeout=0.02)
        assert refused(await reading) == 408
        writer.close()

    async def test_nothing_but_line_ends_after_an_answer_is_cut(self, running: Running) -> None:
        reader, writer = await running.connect()
        writer.write(request(method="GET"))
        await reader.readuntil(b"0 bytes")
        reading = asyncio.ensure_future(reader.read())
        with contextlib.suppress(ConnectionError):
            for _ in range(200):
                if reading.done():
                    break
                writer.write(b"\r\n")
                await asyncio.wait([reading], timeout=0.05)
        assert refused(await reading) == 408
        writer.close()

    async def test_a_body_that_never_ends_is_cut_and_the_door_never_called(self, running: Running) -> None:
        assert refused(await running.say(request("Content-Length: 100", body=b"half"))) == 408
        assert refused(await running.say(request("Transfer-Encoding: chunked", body=b"5\r\nha"))) == 408
        assert running.door.calls == []

    async def test_a_client_that_leaves_halfway_costs_nothing(self, running: Running) -> None:
        _, writer = await running.connect()
        writer.write(request("Content-Length: 100", body=b"half"))
        await writer.drain()
        writer.close()
        assert (await running.say(request("Connection: close", method="GET"))).endswith(b"0 bytes")
        assert len(running.door.calls) == 1

    async def test_a_kept_connection_is_closed_when_nothing_comes(self, running: Running) -> None:
        reader, writer = await running.connect()
        writer.write(request(method="GET"))
        assert (await asyncio.wait_for(reader.read(), 60)).endswith(b"0 bytes")
        writer.close()

    async def test_a_client_that_does_not_read_its_answer_is_cut(self, running: Running) -> None:
        _, writer = await running.connect()
        writer.transport.pause_reading()
        writer.write(request(method="GET", path="/large"))
        await asyncio.wait_for(running.gone.wait(), 60)
        assert not running.server.server_state.connections
        writer.close()

    async def test_slow_senders_do_not_hold_up_a_stop(self, running: Running) -> None:
        _, writer = await running.connect()
        writer.write(request("Content-Length: 100", body=b"half"))
        await writer.drain()
        began = time.monotonic()
        await running.server.shutdown()
        took = time.monotonic() - began
        writer.close()
        within(took, 2, "the stop")


class TestDoubtfulFraming:
    @pytest.mark.parametrize(
        "head",
        [
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\nabc",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\nabc",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\nabc",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\nabc",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
            b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\n0\n\n",
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
            b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
            b"GET / HTTP/0.9\r\nHost: a\r\n\r\n",
            b"GET /\r\n\r\n",
            b"GET / HTTP/1.1\nHost: a\n\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nFolded: one\r\n two\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\n: nameless\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nNul: a\x00b\r\n\r\n",
            b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
            b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ],
    )
    async def test_is_400_and_the_end_of_the_connection(self, running: Running, head: bytes) -> None:
        answer = await running.say(head + request(method="GET", path="/smuggled"))
        assert refused(answer) == 400
        assert answer.count(b"HTTP/1.1 400") == 1
        assert b" 200 " not in answer
        assert running.door.calls == []

    async def test_what_is_wrong_behind_a_good_request_is_not_its_answer(self, running: Running) -> None:
        running.door.open.clear()
        reader, writer = await running.connect()
        writer.write(request(method="GET", path="/good") + b"\x00\x01 nonsense\r\n\r\n")
        await writer.drain()
        running.door.open.set()
        answer = await reader.read()
        assert answer.count(b"HTTP/1.1 ") == 1
        assert status(answer) == 200
        assert b"connection: close" in answer
        writer.close()
