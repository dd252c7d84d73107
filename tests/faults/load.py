"""A shop under load for fault tests: many clients at once, and what each of them asked, heard, and when."""

import asyncio
import contextlib
import hashlib
import hmac
import itertools
import time
import zlib
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import httpx

from regulars.app.programs import Created
from regulars.doors.lootly.php import json_text
from regulars.doors.lootly.signature import sign
from tests.server import Home, Server, children_of

LOOTLY_HOOK = "/integrations/webhooks/common/orders-completed"
MAYBE = "may have happened"
"""What only the answer says whose batch was at its COMMIT."""


class Call(NamedTuple):
    """`status`: 0 when there was no answer. Times are seconds of the monotonic clock."""

    what: str
    name: str
    began: float
    ended: float
    status: int
    retry_after: str | None
    body: str

    @property
    def seconds(self) -> float:
        return self.ended - self.began

    @property
    def is_unsure(self) -> bool:
        return self.status == 503 and MAYBE in self.body


class Shop:
    """A program's clients on one server. `calls`: everything that was asked, in the order of the answers."""

    def __init__(self, server: Server, keys: Created) -> None:
        self.server = server
        self.keys = keys
        self.calls: list[Call] = []
        self._numbers = itertools.count(1)
        self._stop = asyncio.Event()
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        login = (keys.site_token, keys.site_secret)
        self.client = httpx.AsyncClient(base_url=server.url, auth=login, timeout=15, limits=limits)

    async def ask(self, what: str, name: str, method: str, path: str, **more: Any) -> Call:
        """One call, noted."""
        began = time.monotonic()
        try:
            answer = await self.client.request(method, path, **more)
            said = answer.status_code, answer.headers.get("retry-after"), answer.text
        except httpx.TransportError as error:
            said = 0, None, repr(error)
        call = Call(what, name, began, time.monotonic(), *said)
        self.calls.append(call)
        return call

    async def order(self, name: str | None = None) -> Call:
        """A new order of 10.00 by LoyaltyLion's door: ten points."""
        name = name or f"v-{next(self._numbers)}"
        order = {
            "merchant_id": name,
            "customer_id": f"c-{zlib.crc32(name.encode()) % 20}",
            "customer_email": "c@shop.example",
            "total": "10.00",
            "total_shipping": "0.00",
            "payment_status": "paid",
        }
        return await self.ask("order", name, "POST", "/v2/orders", json=order)

    async def hook(self, name: str | None = None) -> Call:
        """A new order of 10.00 by Lootly's door, signed: ten points."""
        name = name or f"l-{next(self._numbers)}"
        order = {
            "key": self.keys.lootly_api_key,
            "id": name,
            "total_price": "10.00",
            "total_tax": "0.00",
            "total_discounts": "0.00",
            "subtotal_price": "10.00",
            "customer": {"id": f"c-{zlib.crc32(name.encode()) % 20}", "email": "c@shop.example"},
        }
        signed = order | {"hmac": sign(order, self.keys.lootly_api_secret)}
        return await self.ask("hook", name, "POST", LOOTLY_HOOK, content=json_text(signed).encode())

    async def orders(self) -> Call:
        return await self.ask("orders", "", "GET", "/v2/orders?limit=5")

    async def customers(self) -> Call:
        return await self.ask("customers", "", "GET", "/v2/customers?limit=5")

    async def balance(self) -> Call:
        asked = {"key": self.keys.lootly_api_key, "customer_ids": "c-1,c-2"}
        signed = asked | {"hmac": sign_read(asked, self.keys.lootly_api_secret)}
        return await self.ask("balance", "", "GET", "/api/custom/customers/point-balance", params=signed)

    async def health(self) -> Call:
        await asyncio.sleep(0.1)  # a probe, not load
        return await self.ask("health", "", "GET", "/healthz")

    @contextlib.asynccontextmanager
    async def busy(self, **clients: int) -> AsyncIterator[None]:
        """Keeps so many clients of each kind at it for the length of the block; then all are answered."""
        acts: dict[str, Callable[[], Coroutine[Any, Any, Call]]] = {
            "orders": self.order,
            "hooks": self.hook,
            "order_lists": self.orders,
            "customer_lists": self.customers,
            "balances": self.balance,
            "probes": self.health,
        }
        self._stop.clear()
        tasks = [
            asyncio.create_task(self._go_on(acts[kind]))
            for kind, count in clients.items()
            for _ in range(count)
        ]
        try:
            yield
        finally:
            self._stop.set()
            await asyncio.gather(*tasks)

    async def _go_on(self, act: Callable[[], Coroutine[Any, Any, Call]]) -> None:
        while not self._stop.is_set():
            call = await act()
            if call.status in (0, 503) and call.what != "health":  # heeds Retry-After, unless it is over
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), 1)

    async def until(self, event: Callable[[], bool], *, within_seconds: float) -> None:
        """Waits, looking after every answer; fails when it takes too long."""
        async with asyncio.timeout(within_seconds):
            while not event():
                await asyncio.sleep(0.01)

    def answered(self, *statuses: int) -> int:
        return sum(call.status in statuses for call in self.calls)

    async def close(self) -> None:
        await self.client.aclose()


def sign_read(asked: dict[str, str], secret: str) -> str:
    """The hmac of a balance read's query, as PHP makes it: of its JSON."""
    return b64encode(hmac.digest(secret.encode(), json_text(asked).encode(), hashlib.sha256)).decode()


class Book(NamedTuple):
    """How often each order stands in the book, and each customer's points beside those of his orders."""

    orders: dict[str, int]
    points: int
    deadlocks: int


async def read_book(home: Home) -> Book:
    """What the database really holds."""
    connection = await asyncpg.connect(home.dsn)
    try:
        rows = await connection.fetch("select merchant_id, count(*) as times from orders group by 1")
        points = await connection.fetchval("select coalesce(sum(available), 0)::bigint from accounts")
        deadlocks = await connection.fetchval(
            "select deadlocks from pg_stat_database where datname = current_database()"
        )
        return Book({row["merchant_id"]: row["times"] for row in rows}, points, deadlocks)
    finally:
        await connection.close()


async def check_effects(home: Home, calls: list[Call]) -> Book:
    """That each acknowledged order is in the book once, each unsure one at most once, and no other at all."""
    book = await read_book(home)
    written = [call for call in calls if call.what in ("order", "hook")]
    acknowledged = {call.name for call in written if call.status in (200, 201)}
    maybe = {call.name for call in written if call.is_unsure or call.status == 0}
    assert acknowledged <= book.orders.keys()
    assert book.orders.keys() <= acknowledged | maybe, "a call answered with 503 was executed"
    assert set(book.orders.values()) <= {1}
    assert book.points == 10 * len(book.orders)
    report = await home.verify()
    assert report.is_clean, report.violations
    return book


def memory_bytes(server: Server) -> int:
    """What the server's processes hold in memory, without what they share."""
    found = 0
    for pid in (server.process.pid, *children_of(server.process.pid)):
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{pid}/status").read_text()
            found += 1024 * sum(
                int(line.split()[1]) for line in text.splitlines() if line.startswith("RssAnon")
            )
    return found
