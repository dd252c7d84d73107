"""A shop under load for fault tests: many clients at once, and what each of them asked, heard, and when."""

import asyncio
import contextlib
import hashlib
import hmac
import itertools
import json
import time
import zlib
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import asyncpg

from regulars.app.programs import Created
from regulars.doors.lootly.php import json_text
from regulars.doors.lootly.signature import sign
from tests.faults.wire import Answer, Line, NoAnswer, NobodyListens
from tests.pace import within
from tests.server import Home, Server, children_of, started

LOOTLY_HOOK = "/integrations/webhooks/common/orders-completed"
LOOTLY_READ = "/api/custom/customers/point-balance"
ANSWER_SECONDS = 3.0
SLACK_SECONDS = 0.5
"""What two busy cores may add, to us and to the server."""
PAUSE_SECONDS = 0.03
"""Between a client's calls: it is faults that are tried here, not how fast two cores are."""
MAYBE = b"may have happened"
"""What only the answer says whose batch was at its COMMIT."""


class Call(NamedTuple):
    """`status`: 0 when there was no answer. Times are seconds of the monotonic clock."""

    what: str
    name: str
    began: float
    ended: float
    status: int
    says_when: bool
    body: bytes

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
        login = f"{keys.site_token}:{keys.site_secret}"
        self.head = f"Host: shop\r\nAuthorization: Basic {b64encode(login.encode()).decode()}\r\n"
        self._idle: list[Line] = []

    async def ask(self, what: str, name: str, method: str, path: str, body: bytes = b"") -> Call:
        """One call, noted."""
        line = self._idle.pop() if self._idle else Line(self.server.port)
        head = f"{method} {path} HTTP/1.1\r\n{self.head}Content-Length: {len(body)}\r\n\r\n"
        began = time.monotonic()
        try:
            answer = await line.ask(head.encode() + body)
        except (NoAnswer, NobodyListens, TimeoutError) as error:
            answer = Answer(0, False, repr(error).encode())
        self._idle.append(line)
        call = Call(what, name, began, time.monotonic(), *answer)
        self.calls.append(call)
        return call

    async def order(self, name: str | None = None) -> Call:
        """A new order of 10.00 by LoyaltyLion's door: ten points."""
        name = name or f"v-{next(self._numbers)}"
        return await self.ask("order", name, "POST", "/v2/orders", order_of(name))

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
        return await self.ask("hook", name, "POST", LOOTLY_HOOK, json_text(signed).encode())

    async def orders(self) -> Call:
        return await self.ask("orders", "", "GET", "/v2/orders?limit=5")

    async def customers(self) -> Call:
        return await self.ask("customers", "", "GET", "/v2/customers?limit=5")

    async def balance(self) -> Call:
        asked = {"key": self.keys.lootly_api_key, "customer_ids": "c-1,c-2"}
        signed = asked | {"hmac": sign_read(asked, self.keys.lootly_api_secret)}
        return await self.ask("balance", "", "GET", f"{LOOTLY_READ}?{urlencode(signed)}")

    async def health(self) -> Call:
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
            pause = PAUSE_SECONDS if call.status in (200, 201) else 0.2 if call.what == "health" else 1.0
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause)

    async def until(self, event: Callable[[], bool], *, within_seconds: float) -> None:
        """Waits, looking after every answer; fails when it takes too long."""
        async with asyncio.timeout(within_seconds):
            while not event():
                await asyncio.sleep(0.01)

    def answered(self, *statuses: int) -> int:
        return sum(call.status in statuses for call in self.calls)

    async def close(self) -> None:
        for line in self._idle:
            line.close()


def order_of(name: str) -> bytes:
    """The body of an order of 10.00, by one of twenty customers."""
    order = {
        "merchant_id": name,
        "customer_id": f"c-{zlib.crc32(name.encode()) % 20}",
        "customer_email": "c@shop.example",
        "total": "10.00",
        "total_shipping": "0.00",
        "payment_status": "paid",
    }
    return json.dumps(order).encode()


@contextlib.asynccontextmanager
async def a_shop(home: Home, *options: str, **environ: str) -> AsyncIterator[Shop]:
    """A fresh program, and its clients on a server of its own, which is ended in order with the block."""
    server = await started(home, *options, environ=environ)
    try:
        shop = Shop(server, await home.create_program())
        try:
            yield shop
        finally:
            await shop.close()
        assert server.is_running
        assert await asyncio.to_thread(server.stop) == 0
    finally:
        server.kill()


def sign_read(asked: dict[str, str], secret: str) -> str:
    """The hmac of a balance read's query, as PHP makes it: of its JSON."""
    return b64encode(hmac.digest(secret.encode(), json_text(asked).encode(), hashlib.sha256)).decode()


class Book(NamedTuple):
    """How often each order stands in the book, and each customer's points beside those of his orders."""

    orders: dict[str, int]
    points: int
    deadlocks: int


async def read_book(home: Home, program_id: int) -> Book:
    """What the database really holds of a program."""
    connection = await asyncpg.connect(home.dsn)
    try:
        rows = await connection.fetch(
            "select merchant_id, count(*) as times from orders where program_id = $1 group by 1", program_id
        )
        points = await connection.fetchval(
            "select coalesce(sum(available), 0)::bigint from accounts where program_id = $1", program_id
        )
        deadlocks = await connection.fetchval(
            "select deadlocks from pg_stat_database where datname = current_database()"
        )
        return Book({row["merchant_id"]: row["times"] for row in rows}, points, deadlocks)
    finally:
        await connection.close()


def check_answers(calls: list[Call], *, least: int) -> None:
    """Every call was answered, in time, and with nothing worse than 503 and Retry-After."""
    slowest = max(call.seconds for call in calls)
    print(f"{len(calls)} calls, the slowest answered after {slowest:.2f} s")
    assert len(calls) >= least
    strange = [call for call in calls if call.status not in (200, 201, 503)]
    assert not strange, strange[:3]
    within(slowest, ANSWER_SECONDS + SLACK_SECONDS, "an answer")
    refused = [call for call in calls if call.status == 503 and call.what != "health"]
    assert all(call.says_when for call in refused)


async def check_effects(home: Home, shop: Shop) -> Book:
    """That each acknowledged order is in the book once, each unsure one at most once, and no other at all."""
    book = await read_book(home, shop.keys.program_id)
    written = [call for call in shop.calls if call.what in ("order", "hook")]
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
