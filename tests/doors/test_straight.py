"""Calls that are answered without ASGI: what a client sees of them, over real sockets."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvicorn
from structlog.testing import capture_logs

from regulars.doors.limits import Limits, guarded
from regulars.doors.straight import Door, Reply

SEVERAL = ((b"content-type", b"application/json"), (b"retry-after", b"1"))


class Desk:
    """Answers `/orders` straight, and everything else as ASGI. Both wait until `open`."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.asked: list[str] = []
        self.finished: list[str] = []

    def find(self, target: bytes) -> Door | None:
        return self.orders if target == b"/orders" else None

    async def orders(self, _target: bytes, _headers: list[tuple[bytes, bytes]], body: bytes) -> Reply:
        self.asked.append("straight")
        await self.open.wait()
        self.finished.append(body.decode())
        if body == b"break":
            raise RuntimeError("a fault of our own")
        return (503, SEVERAL, b"{}") if body == b"busy" else (201, (), b"")

    async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        await receive()
        self.asked.append("asgi")
        await self.open.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"asgi"})


@pytest.fixture
async def desk() -> Desk:
    return Desk()


@pytest.fixture
async def server(desk: Desk) -> AsyncIterator[uvicorn.Server]:
    config = uvicorn.Config(
        desk,
        host="127.0.0.1",
        port=0,
        http=guarded(Limits(), desk.find),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
    )
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    await server.on_tick(0)  # so that answers carry a date
    yield server
    desk.open.set()
    await server.shutdown()


async def connect(server: uvicorn.Server) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", server.servers[0].sockets[0].getsockname()[1])


def post(body: bytes, *lines: str, target: str = "/orders", version: str = "1.1") -> bytes:
    head = [f"POST {target} HTTP/{version}", "Host: shop.example", f"Content-Length: {len(body)}", *lines]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


async def say(server: uvicorn.Server, sent: bytes) -> bytes:
    """All that is answered until the server closes."""
    reader, writer = await connect(server)
    writer.write(sent)
    answer = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    return answer


async def test_an_answer_has_the_lines_of_every_other_answer(server: uvicorn.Server) -> None:
    answer = await say(server, post(b"busy", "Connection: close"))
    head, body = answer.split(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    assert (first, body) == (b"HTTP/1.1 503 Service Unavailable", b"{}")
    assert lines[0].startswith(b"date: ")
    assert lines[1:] == [
        b"content-type: application/json",
        b"retry-after: 1",
        b"content-length: 2",
        b"connection: close",
    ]


async def test_both_ways_on_one_connection_are_answered_in_order(server: uvicorn.Server, desk: Desk) -> None:
    sent = post(b"1") + post(b"2", target="/else") + post(b"3") + post(b"busy", "Connection: close")
    answer = await say(server, sent)
    assert [part.split(b" ")[0] for part in answer.split(b"HTTP/1.1 ")[1:]] == [
        b"201",
        b"200",
        b"201",
        b"503",
    ]
    assert desk.asked == ["straight", "asgi", "straight", "straight"]


async def test_a_client_of_the_old_protocol_gets_its_answer_and_the_end(server: uvicorn.Server) -> None:
    answer = await say(server, post(b"1", version="1.0"))
    assert answer.startswith(b"HTTP/1.1 201 ") and b"connection: close" in answer


async def test_an_offer_of_another_protocol_goes_the_usual_way(server: uvicorn.Server, desk: Desk) -> None:
    await say(server, post(b"1", "Connection: Upgrade, close", "Upgrade: h2c"))
    assert desk.asked == ["asgi"]


async def test_a_fault_of_a_door_is_logged_and_said_and_the_connection_lives(server: uvicorn.Server) -> None:
    with capture_logs() as logged:
        answer = await say(server, post(b"break") + post(b"1", "Connection: close"))
    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"500", b"201"]
    assert [entry["log_level"] for entry in logged] == ["error"]


async def test_who_leaves_early_gets_no_answer_and_what_he_asked_for_is_done(
    server: uvicorn.Server, desk: Desk
) -> None:
    desk.open.clear()
    _, writer = await connect(server)
    writer.write(post(b"left"))
    while not desk.asked:
        await asyncio.sleep(0.01)
    writer.close()
    await writer.wait_closed()
    while server.server_state.connections:
        await asyncio.sleep(0.01)
    desk.open.set()
    while server.server_state.tasks:
        await asyncio.sleep(0.01)
    assert desk.finished == ["left"]


async def test_a_graceful_stop_waits_for_the_answer(server: uvicorn.Server, desk: Desk) -> None:
    desk.open.clear()
    reader, writer = await connect(server)
    writer.write(post(b"1"))
    while not desk.asked:
        await asyncio.sleep(0.01)
    stopping = asyncio.create_task(server.shutdown())
    while server.servers[0].sockets:
        await asyncio.sleep(0.01)
    desk.open.set()
    answer = await asyncio.wait_for(reader.read(), 60)
    assert answer.startswith(b"HTTP/1.1 201 ") and b"connection: close" in answer
    await stopping
    writer.close()
