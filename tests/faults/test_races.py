"""Sixteen clients at once on the same customer and the same orders, across four server processes.

After each round the customer's balance is what a model says that deals with one call after the other.
"""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.faults.load import LOOTLY_READ, Shop, a_shop, read_book, sign_read
from tests.faults.wire import Answer, Line
from tests.server import Home, Server, a_home, children_of

CLIENTS = 16
PROCESSES = 4
CUSTOMER = "alice"


class Crowd:
    """Sixteen connections, spread over the processes. `points`: what Alice must have by the model."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.lines = [Line(shop.server.port) for _ in range(CLIENTS)]
        self.points = 0
        self.answers = 0

    async def at_once(self, *calls: tuple[str, str, dict[str, Any], str | None]) -> Counter[int]:
        """Sends each call on a connection of its own, all in the same moment; how often each status came."""
        assert len(calls) <= CLIENTS
        texts = [self._request(*call) for call in calls]
        answers = await asyncio.gather(
            *(line.ask(text) for line, text in zip(self.lines, texts, strict=False))
        )
        self.answers += len(answers)
        assert all(answer.status < 500 for answer in answers), answers
        return Counter(answer.status for answer in answers)

    def _request(self, method: str, path: str, body: dict[str, Any], key: str | None = None) -> bytes:
        content = json.dumps(body)
        idempotency = f"Idempotency-Key: {key}\r\n" if key else ""
        length = f"Content-Length: {len(content)}\r\n\r\n"
        return f"{method} {path} HTTP/1.1\r\n{self.shop.head}{idempotency}{length}{content}".encode()

    async def check_balance(self) -> None:
        """That every process tells Alice's points as the model has them."""
        asked = {"key": self.shop.keys.lootly_api_key, "customer_ids": CUSTOMER}
        signed = asked | {"hmac": sign_read(asked, self.shop.keys.lootly_api_secret)}
        head = f"GET {LOOTLY_READ}?{urlencode(signed)} HTTP/1.1\r\nHost: shop\r\n\r\n".encode()
        answers: list[Answer] = await asyncio.gather(*(line.ask(head) for line in self.lines))
        expected = json.dumps([{CUSTOMER: self.points}], separators=(",", ":")).encode()
        assert {answer.body for answer in answers} == {expected}

    async def spread(self) -> None:
        """Connects. The kernel gives a connection to whoever is fastest: again, until none is left out."""
        for number in range(300):
            await self.check_balance()
            if workers_that_serve(self.shop.server) == PROCESSES:
                return
            self.lines[number % CLIENTS].close()
        raise AssertionError("some process gets no connection")

    def close(self) -> None:
        for line in self.lines:
            line.close()


def order(name: str, total: str = "10.00") -> tuple[str, str, dict[str, Any], None]:
    body = {
        "merchant_id": name,
        "customer_id": CUSTOMER,
        "customer_email": "alice@shop.example",
        "total": total,
        "total_shipping": "0.00",
        "payment_status": "paid",
    }
    return "POST", "/v2/orders", body, None


def refund(name: str, reference: str, amount: str = "0.50") -> tuple[str, str, dict[str, Any], None]:
    return "POST", f"/v2/orders/{name}/refunds", {"amount": amount, "id": reference}, None


def points(number: int, key: str, verb: str = "points") -> tuple[str, str, dict[str, Any], str]:
    return "POST", f"/v2/customers/{CUSTOMER}/{verb}", {"points": number}, key


# -- the rounds: each leaves Alice with what the model says


async def the_same_order(crowd: Crowd, name: str) -> None:
    assert await crowd.at_once(*[order(name)] * CLIENTS) == {201: CLIENTS}
    crowd.points += 10


async def the_same_order_with_other_content(crowd: Crowd, name: str) -> None:
    statuses = await crowd.at_once(*(order(name, f"1{number % 4}.00") for number in range(CLIENTS)))
    assert statuses == {201: CLIENTS // 4, 422: CLIENTS - CLIENTS // 4}
    assert await crowd.at_once(("PUT", f"/v2/orders/{name}/cancelled", {}, None)) == {204: 1}


async def one_key(crowd: Crowd, name: str) -> None:
    assert await crowd.at_once(*[points(7, f"{name}-one")] * CLIENTS) == {201: CLIENTS}
    crowd.points += 7


async def many_keys(crowd: Crowd, name: str) -> None:
    calls = [points(number + 1, f"{name}-{number}") for number in range(CLIENTS)]
    assert await crowd.at_once(*calls) == {201: CLIENTS}
    crowd.points += sum(range(CLIENTS + 1))


async def the_last_points(crowd: Crowd, name: str) -> None:
    """Each wants two fifths of all that there is: two get it."""
    if crowd.points < 5:
        await one_key(crowd, f"{name}-before")
    part = crowd.points * 2 // 5
    calls = [points(part, f"{name}-{number}", "remove_points") for number in range(CLIENTS)]
    assert await crowd.at_once(*calls) == {204: 2, 422: CLIENTS - 2}
    crowd.points -= 2 * part


async def one_refund(crowd: Crowd, name: str) -> None:
    await crowd.at_once(order(name))
    assert await crowd.at_once(*[refund(name, "R", "3.33")] * CLIENTS) == {201: CLIENTS}
    crowd.points += 10 - 3


async def many_refunds(crowd: Crowd, name: str) -> None:
    await crowd.at_once(order(name))
    calls = [refund(name, f"R{number}") for number in range(CLIENTS)]
    assert await crowd.at_once(*calls) == {201: CLIENTS}
    crowd.points += 10 - 8


async def a_refund_and_its_order(crowd: Crowd, name: str) -> None:
    """A refund that comes first is 404; the shop sends it again."""
    both = [order(name), refund(name, "R", "5.00")] * (CLIENTS // 2)
    statuses = await crowd.at_once(*both)
    assert set(statuses) <= {201, 404}
    assert statuses[404] <= CLIENTS // 2
    assert await crowd.at_once(refund(name, "R", "5.00")) == {201: 1}
    crowd.points += 10 - 5


async def a_cancellation_among_refunds(crowd: Crowd, name: str) -> None:
    await crowd.at_once(order(name))
    cancelled = ("PUT", f"/v2/orders/{name}/cancelled", {}, None)
    calls = [refund(name, f"R{number}") if number % 2 else cancelled for number in range(CLIENTS)]
    assert await crowd.at_once(*calls) == {201: CLIENTS // 2, 204: CLIENTS // 2}


async def all_of_it_at_once(crowd: Crowd, name: str) -> None:
    before = [order(f"{name}-a"), order(f"{name}-b")]
    await crowd.at_once(*before)
    statuses = await crowd.at_once(
        *(points(1, f"{name}-{number}") for number in range(4)),
        *(order(f"{name}-c") for _ in range(4)),
        *(refund(f"{name}-a", f"R{number}", "1.00") for number in range(4)),
        *(("PUT", f"/v2/orders/{name}-b/refunded", {}, None) for _ in range(4)),
    )
    assert statuses == {201: 12, 204: 4}
    crowd.points += 4 + 10 + (10 - 4)


Round = Callable[[Crowd, str], Awaitable[None]]

ROUNDS: tuple[Round, ...] = (
    the_same_order,
    the_same_order_with_other_content,
    one_key,
    many_keys,
    one_refund,
    the_last_points,
    many_refunds,
    a_refund_and_its_order,
    a_cancellation_among_refunds,
    all_of_it_at_once,
)


@pytest.fixture
def home() -> Any:
    with a_home() as home:
        yield home


@pytest.fixture
async def crowd(home: Home) -> AsyncIterator[Crowd]:
    async with a_shop(home, "--workers", str(PROCESSES)) as shop:
        await shop.until(lambda: sum("a worker serves" in line for line in home.log) == 4, within_seconds=30)
        crowd = Crowd(shop)
        await crowd.spread()
        yield crowd
        crowd.close()


async def race(crowd: Crowd, home: Home, rounds: int) -> None:
    for number in range(rounds):
        await ROUNDS[number % len(ROUNDS)](crowd, f"o{number}")
        await crowd.check_balance()
    assert crowd.answers > rounds * CLIENTS * 0.9
    book = await read_book(home, crowd.shop.keys.program_id)
    assert book.points == crowd.points
    assert set(book.orders.values()) == {1}
    report = await home.verify()
    assert report.is_clean, report.violations
    assert home.complaints() == []
    assert book.deadlocks == 0
    assert "deadlock detected" not in (home.path / "db").resolve().with_name("db.log").read_text()


def workers_that_serve(server: Server) -> int:
    """How many processes of the server hold at least one of the clients' connections."""
    port = f"{server.port:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    sockets = {f"socket:[{line[9]}]" for line in lines if line[1].endswith(f":{port}") and line[3] == "01"}
    return sum(not sockets.isdisjoint(_open_files(pid)) for pid in children_of(server.process.pid))


def _open_files(pid: int) -> set[str]:
    found = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            found.add(str(entry.readlink()))
    return found


async def test_many_at_once_come_out_as_if_they_had_come_one_after_another(crowd: Crowd, home: Home) -> None:
    await race(crowd, home, 150)


@pytest.mark.long
async def test_five_thousand_rounds_lose_no_update(crowd: Crowd, home: Home) -> None:
    await race(crowd, home, 5000)
