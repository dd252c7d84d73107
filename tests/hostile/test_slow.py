"""Clients that send or read a byte a second: all are cut in time, and honest ones hardly notice them."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from regulars.app.programs import Created
from tests.hostile.world import Shop, an_order
from tests.pace import TooSlow, within
from tests.server import Home, Server, a_home, started

CUT_WITHIN_SECONDS = 30.0
READS_AFTER_SECONDS = 28.0
"""When a slow reader looks whether it was cut: not later than this, if so."""
HONEST_P99_SECONDS = 0.5
HONEST_CLIENTS = 4
LISTED = 500
BULKY = "\U0001f375" * 240
"""An id of a kilobyte: few lists of such fill the buffers between the server and who doesn't read."""
ASKED_BY_A_READER = 3
ARRIVE_WITHIN_SECONDS = 5.0
"""Making what the slow readers ask for is work, too, and not what is measured here."""


class Live:
    """`list_bytes`: how long the list is that slow readers ask for."""

    def __init__(self, home: Home, server: Server, shop: Shop, list_bytes: int) -> None:
        self.home = home
        self.server = server
        self.shop = shop
        self.list_bytes = list_bytes

    @property
    def authorization(self) -> bytes:
        return f"Authorization: {self.shop.bearer['authorization']}\r\n".encode()


@pytest.fixture
async def live(database: str) -> AsyncIterator[Live]:
    """A program with enough orders that a list of them doesn't fit into the sockets' buffers."""
    with a_home(database) as home:
        server = await started(home)
        created: Created = await home.create_program()
        shop = Shop(created)
        async with httpx.AsyncClient(base_url=server.url, headers=shop.bearer, timeout=60) as client:

            async def report(first: int) -> None:
                for number in range(first, LISTED, 10):
                    order = an_order(
                        f"{BULKY}{number}", BULKY, merchant_number=BULKY, customer_email="a@example.com"
                    )
                    said = await client.post("/v2/orders", json=order)
                    assert said.status_code == 201

            await asyncio.gather(*(report(first) for first in range(10)))
            listed = await client.get("/v2/orders?limit=500")
        yield Live(home, server, shop, len(listed.content))
        assert server.stop() == 0


async def connect(
    live: Live, *, window: int | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    sock = socket.socket()
    sock.setblocking(False)
    if window is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", live.server.port))
    return await asyncio.open_connection(sock=sock, limit=1024)


async def trickle(live: Live, beginning: bytes, drop: bytes) -> float:
    """Says `beginning`, then `drop` each second; how many seconds it was held until it was cut."""
    reader, writer = await connect(live)
    begun = time.monotonic()
    writer.write(beginning)
    try:
        while time.monotonic() < begun + 2 * CUT_WITHIN_SECONDS:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    while await reader.read(1024):
                        pass
                    break
            writer.write(drop)
    except ConnectionError:
        pass
    held = time.monotonic() - begun
    writer.transport.abort()
    return held


async def slow_head(live: Live) -> float:
    return await trickle(live, b"GET /v2/orders HTTP/1.1\r\nHost: a\r\n" + live.authorization, b"X: a\r\n")


async def slow_body(live: Live) -> float:
    head = b"POST /v2/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n" + live.authorization
    return await trickle(live, head + b"\r\n{", b" ")


async def slow_read(live: Live) -> float:
    """Asks for more than the buffers take, and reads none of it. What is cut can't be read to its end."""
    reader, writer = await connect(live, window=4096)
    asked = b"GET /v2/orders?limit=500 HTTP/1.1\r\nHost: a\r\n" + live.authorization + b"\r\n"
    writer.write(asked * ASKED_BY_A_READER)
    await asyncio.sleep(READS_AFTER_SECONDS)
    got = 0
    try:
        async with asyncio.timeout(30):
            while part := await reader.read(1 << 20):
                got += len(part)
    except ConnectionError:
        pass
    except TimeoutError:
        return 2 * CUT_WITHIN_SECONDS
    finally:
        writer.transport.abort()
    was_cut = got < ASKED_BY_A_READER * live.list_bytes
    return READS_AFTER_SECONDS if was_cut else 2 * CUT_WITHIN_SECONDS


async def honest(live: Live, number: int, over: asyncio.Event, took: list[float]) -> None:
    """Reports orders and looks at them, one after another, until it is over."""
    async with httpx.AsyncClient(base_url=live.server.url, headers=live.shop.bearer, timeout=60) as client:
        turn = 0
        while not over.is_set():
            turn += 1
            begun = time.monotonic()
            if turn % 2:
                said = await client.post("/v2/orders", json=an_order(f"honest-{number}-{turn}", "alice"))
            else:
                said = await client.get(f"/v2/orders/honest-{number}-{turn - 1}")
            took.append(time.monotonic() - begun)
            if said.status_code == 503:
                raise TooSlow(f"an honest request was told to come again: {said.text}")
            assert said.status_code < 300, said.text
            await asyncio.sleep(0.02)


Kind = Callable[[Live], Awaitable[float]]


async def hold(live: Live, senders: int, readers: int) -> tuple[list[float], list[float]]:
    """(seconds held, seconds of honest requests) with so many slow senders of each kind, and readers."""
    over, took = asyncio.Event(), list[float]()
    beside = [asyncio.create_task(honest(live, number, over, took)) for number in range(HONEST_CLIENTS)]

    kinds: list[Kind] = [slow_head, slow_body] * senders + [slow_read] * readers

    async def arrive(number: int) -> float:
        await asyncio.sleep(ARRIVE_WITHIN_SECONDS * (number * 7919 % len(kinds)) / len(kinds))
        return await kinds[number](live)

    held = await asyncio.gather(*(arrive(number) for number in range(len(kinds))))
    over.set()
    await asyncio.gather(*beside)
    return held, took


async def check(live: Live, senders: int, readers: int) -> None:
    held, took = await hold(live, senders, readers)
    took.sort()
    p99 = took[len(took) * 99 // 100]
    print(
        f"{len(held)} slow clients, held for {max(held):.1f} s at most; {len(took)} honest, p99 {p99:.3f} s"
    )
    assert len(took) > 100
    assert live.home.complaints() == []
    within(max(held), CUT_WITHIN_SECONDS, "cutting a slow client off")
    within(p99, HONEST_P99_SECONDS, "an honest request")


async def test_two_hundred_slow_clients_are_cut_and_honest_ones_served(live: Live) -> None:
    await check(live, 80, 40)


@pytest.mark.long
async def test_a_thousand_slow_clients_are_cut_and_honest_ones_served(live: Live) -> None:
    await check(live, 450, 100)
