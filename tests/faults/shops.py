"""Shops that go on sending orders, refunds and gifts to both doors, whatever becomes of the server."""

import asyncio
import json
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from random import Random

from regulars.app.programs import Created
from regulars.doors.lootly.php import json_text
from regulars.doors.lootly.signature import sign
from tests.faults.journal import Call, Findings, Journal, compare
from tests.faults.wire import Line, NoAnswer, NobodyListens, request_of
from tests.pace import TooSlow

CUSTOMERS = 7
TURNS, MIXED = 60, 20
"""Of so many stories of a shop the first ones have gifts and refunds."""
THINK_SECONDS = 0.02
"""At most, between two calls of a client. Without it all come at once, into one batch, and none is decided
while another is being saved."""
PAUSE_SECONDS = 0.1
"""Between two tries of a call that was answered 503. A real shop heeds Retry-After; this one is impatient."""


class Tally:
    """What the answers were like. `wrong`: all that are neither a success nor a 503 with Retry-After."""

    def __init__(self) -> None:
        self.acknowledged = 0
        self.unanswered = 0
        self.unavailable = 0
        self.unsure = 0
        self.wrong: list[str] = []
        self.longest_seconds = 0.0
        self._awaited: list[tuple[float, int, asyncio.Event]] = []

    def __str__(self) -> str:
        return (
            f"{self.acknowledged} acknowledged, {self.unavailable} answered 503 ({self.unsure} unsure), "
            f"{self.unanswered} not answered, the slowest answer after {self.longest_seconds:.1f} s"
        )

    async def acknowledgements(self, number: int, *, within_seconds: float) -> float:
        """Waits for so many successes of calls that are sent from now on; answers how many seconds it took.

        Raises TooSlow.
        """
        now = asyncio.get_running_loop().time()
        event = asyncio.Event()
        self._awaited += [(now, number, event)]
        try:
            async with asyncio.timeout(within_seconds):
                await event.wait()
        except TimeoutError:
            raise TooSlow(f"no {number} acknowledgements within {within_seconds} s") from None
        return asyncio.get_running_loop().time() - now

    def acknowledge(self, sent_at: float) -> None:
        self.acknowledged += 1
        left = [(since, number - (sent_at >= since), event) for since, number, event in self._awaited]
        self._awaited = [each for each in left if each[1] > 0]
        for _, number, event in left:
            if number <= 0:
                event.set()


class Client:
    """One of a shop's processes: it sends a call again until it is acknowledged, and then the next.

    `twice`: each acknowledged call is sent once more, as by a shop that had lost the answer. `afresh`: each
    call has a connection of its own, as a PHP shop's.
    """

    def __init__(
        self,
        journal: Journal,
        calls: Iterator[Call],
        tally: Tally,
        *,
        twice: bool = False,
        afresh: bool = False,
    ) -> None:
        self._journal = journal
        self._calls = calls
        self._tally = tally
        self._times = 2 if twice else 1
        self._afresh = afresh
        self._left = 0
        self._call: Call
        self._chance = Random()

    async def run(self, port: int, until: asyncio.Event) -> None:
        """Sends until told, and then until the last call is acknowledged; or until nobody listens."""
        line = Line(port)
        try:
            while self._left or not until.is_set():
                await self._go_on(line)
        except NobodyListens:
            return
        finally:
            line.close()

    async def send_once(self, port: int) -> None:
        """Sends the next call once, whether it is acknowledged or not."""
        line = Line(port)
        try:
            await self._go_on(line)
        finally:
            line.close()

    async def _go_on(self, line: Line) -> None:
        if not self._left:
            self._call, self._left = next(self._calls), self._times
        self._left -= await self._send(line)
        await asyncio.sleep(self._chance.uniform(0, THINK_SECONDS))
        if self._afresh:
            line.close()

    async def _send(self, line: Line) -> bool:
        """Whether this call was acknowledged now."""
        tally, call, loop = self._tally, self._call, asyncio.get_running_loop()
        self._journal.asks(call)
        sent_at = loop.time()
        try:
            answer = await line.ask(request_of(call.path, call.body, call.headers))
        except NoAnswer:
            tally.unanswered += 1
            return False
        except TimeoutError:
            tally.wrong.append(f"{call.name}: no answer at all")
            return False
        tally.longest_seconds = max(tally.longest_seconds, loop.time() - sent_at)
        self._journal.hears(call, answer.status)
        if answer.status in (200, 201, 204):
            tally.acknowledge(sent_at)
            return True
        if answer.status == 503 and answer.says_when:
            tally.unavailable += 1
            tally.unsure += b"may have happened" in answer.body
        else:
            tally.wrong.append(f"{call.name}: {answer.status} {answer.body.decode()}")
        await asyncio.sleep(PAUSE_SECONDS)
        return False


class Shop:
    """A program and the clients that send to it, half of them to each door."""

    def __init__(self, folder: Path, keys: Created, tally: Tally, *, clients: int = 12, **ways: bool) -> None:
        self.keys = keys
        self.tally = tally
        self.journal = Journal(folder / f"journal-{keys.program_id}")
        turns = count()
        self._clients = [
            Client(self.journal, stories(keys, number, turns), tally, **ways) for number in range(clients)
        ]

    async def run(self, port: int, until: asyncio.Event) -> None:
        """All clients at once, until each has ended."""
        await asyncio.gather(*(client.run(port, until) for client in self._clients))

    async def send_once(self, port: int) -> None:
        """Each client's next call, once, whatever comes of it."""
        await asyncio.gather(*(client.send_once(port) for client in self._clients))

    async def finish(self, port: int) -> None:
        """Sends again whatever is unacknowledged, and nothing new."""
        over = asyncio.Event()
        over.set()
        await self.run(port, over)

    async def compare(self, dsn: str) -> Findings:
        return await compare(dsn, self.keys.program_id, self.journal)


def stories(keys: Created, client: int, turns: Iterator[int]) -> Iterator[Call]:
    """Some times order, gift and refund, then some orders alone, and again, each in the client's own names;
    even clients speak LoyaltyLion's.

    Only batches of orders alone are saved by a single statement: so all clients of a shop change at once,
    by the `turns` that they share.
    """
    tell = to_loyaltylion if client % 2 == 0 else to_lootly
    chance = Random(client)
    for number in count(1):
        customer, total = f"c{chance.randrange(CUSTOMERS)}", chance.randrange(10, 100)
        calls = tell(keys, f"{client}-{number}", customer, total, chance.randrange(1, total))
        yield from calls if next(turns) % TURNS < MIXED else islice(calls, 1)


def to_loyaltylion(keys: Created, name: str, customer: str, total: int, refunded: int) -> Iterator[Call]:
    order = {
        "merchant_id": f"order-{name}",
        "customer_id": customer,
        "customer_email": f"{customer}@tea.example",
        "total": f"{total}.00",
        "total_shipping": "0.00",
        "payment_status": "paid",
    }
    gift = {"points": 5, "reason": f"gift-{name}"}
    refund = {"id": f"refund-{name}", "amount": f"{refunded}.00"}
    login = {"authorization": f"Bearer {keys.api_token}"}
    named = login | {"idempotency-key": f"gift-{name}"}

    def call(kind: str, points: int, path: str, body: object, headers: dict[str, str]) -> Call:
        text = json.dumps(body)
        return Call(f"{kind}-{name}", kind, "loyaltylion", customer, points, path, text, headers)

    yield call("order", total, "/v2/orders", order, login)
    yield call("gift", 5, f"/v2/customers/{customer}/points", gift, named)
    yield call("refund", -refunded, f"/v2/orders/order-{name}/refunds", refund, login)


def to_lootly(keys: Created, name: str, customer: str, total: int, refunded: int) -> Iterator[Call]:
    order = {
        "id": f"order-{name}",
        "total_price": f"{total}.00",
        "total_tax": "0.00",
        "total_discounts": "0.00",
        "subtotal_price": f"{total}.00",
        "taxes_included": "0",
        "customer": {"id": customer, "email": f"{customer}@tea.example"},
    }
    gift = {"customer_id": customer, "point_value": 5, "reason": f"gift-{name}"}
    refund = {
        "id": f"order-{name}",
        "transactions": [{"id": f"refund-{name}", "amount": f"{refunded}.00"}],
    }

    def call(kind: str, points: int, hook: str, body: dict[str, object]) -> Call:
        signed = {"key": keys.lootly_api_key} | body
        text = json_text(signed | {"hmac": sign(signed, keys.lootly_api_secret)}, keep_objects=True)
        path = f"/integrations/webhooks/common/{hook}"
        return Call(f"{kind}-{name}", kind, "lootly", customer, points, path, text)

    yield call("order", total, "orders-completed", order)
    yield call("gift", 5, "points-add", gift)
    yield call("refund", -refunded, "refunds-create", refund)
