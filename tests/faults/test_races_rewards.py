"""Sixteen clients at once for the last code and the last points, across two server processes: one wins."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from regulars.app import rewards
from regulars.app.codes.uploads import import_codes
from regulars.domain.rewards import CodeSource
from regulars.storage.database import Database
from tests import make
from tests.faults.load import Shop, a_shop
from tests.faults.test_races import workers_that_serve
from tests.faults.wire import Answer, Line
from tests.server import Home, a_home

CLIENTS = 16
PROCESSES = 2
LAST_CODE, LAST_POINTS, ONCE_EACH, LAST_ONE = 1, 2, 3, 4
"""The rewards: from a pool; made by us, for 20 points; the same, once a customer; so many in all."""
OFFERED = (
    make.reward(cost=1, codes=CodeSource.POOL),
    make.reward(cost=20),
    make.reward(cost=1, limit_count=1),
    make.reward(cost=1, stock=0),
)


class Crowd:
    """Sixteen connections, spread over the processes, and a database of our own for what staff do."""

    def __init__(self, shop: Shop, database: Database) -> None:
        self.shop, self.database = shop, database
        self.program_id = shop.keys.program_id
        self.lines = [Line(shop.server.port) for _ in range(CLIENTS)]
        self.answers: Counter[int] = Counter()

    async def ask(self, line: Line, path: str, body: dict[str, Any], key: str | None) -> Answer:
        content = json.dumps(body)
        named = f"Idempotency-Key: {key}\r\n" if key else ""
        head = f"{self.shop.head}{named}Content-Length: {len(content)}\r\n\r\n"
        answer = await line.ask(f"POST {path} HTTP/1.1\r\n{head}{content}".encode())
        self.answers[answer.status] += 1
        return answer

    async def at_once(self, *calls: tuple[str, dict[str, Any], str | None]) -> list[Answer]:
        """Sends each call on a connection of its own, all in the same moment."""
        pairs = zip(self.lines, calls, strict=True)
        return await asyncio.gather(*(self.ask(line, *call) for line, call in pairs))

    async def one_wins(self, reward_id: int, customers: list[str], why: bytes) -> bytes:
        """Each redeems the reward; all but one are refused for this reason. Answers what the winner got."""
        answers = await self.at_once(*(redeem(reward_id, customer) for customer in customers))
        won = [answer.body for answer in answers if answer.status == 201]
        lost = [answer for answer in answers if answer.status != 201]
        assert len(won) == 1, Counter(answer.status for answer in answers)
        assert all(answer.status == 422 and why in answer.body for answer in lost), lost
        return won[0]

    async def give(self, customer: str, points: int, key: str) -> None:
        path = f"/v2/customers/{customer}/points"
        assert (await self.ask(self.lines[0], path, {"points": points}, key)).status == 201

    async def open(self) -> None:
        """Sixteen members with points to spare, and one without any. Every process serves some of them."""
        for reward in OFFERED:
            await rewards.create_reward(self.database, self.program_id, reward, now=datetime.now(UTC))
        for name in [*MEMBERS, "poor"]:
            customer = {"customer_id": name, "customer_email": f"{name}@shop.example"}
            activity = {"name": "$signup", "merchant_id": f"signup-{name}"} | customer
            assert (await self.ask(self.lines[0], "/v2/activities", activity, None)).status == 201
        for name in MEMBERS:
            await self.give(name, 1_000_000, f"open-{name}")
        for number in range(300):
            await self.at_once(*[redeem(99, "m0")] * CLIENTS)
            if workers_that_serve(self.shop.server) == PROCESSES:
                return
            self.lines[number % CLIENTS].close()
        raise AssertionError("some process gets no connection")


MEMBERS = [f"m{number}" for number in range(CLIENTS)]


def redeem(reward_id: int, customer: str, key: str | None = None) -> tuple[str, dict[str, Any], str | None]:
    return f"/v2/customers/{customer}/claimed_rewards", {"reward_id": reward_id}, key


# -- the rounds


async def the_last_code(crowd: Crowd, name: str) -> None:
    code = f"CODE-{name}-7KQ2MXW9PD"
    await import_codes(
        crowd.database, crowd.program_id, LAST_CODE, code.encode(), by=make.SUE, now=datetime.now(UTC)
    )
    won = await crowd.one_wins(LAST_CODE, MEMBERS, b"out of stock")
    assert code.encode() in won


async def the_last_points(crowd: Crowd, name: str) -> None:
    await crowd.give("poor", 20, name)
    await crowd.one_wins(LAST_POINTS, ["poor"] * CLIENTS, b"enough points")


async def the_last_time(crowd: Crowd, name: str) -> None:
    """A new customer who may have it once."""
    customer = f"once-{name}"
    activity = {
        "name": "$signup",
        "merchant_id": customer,
        "customer_id": customer,
        "customer_email": "o@e.x",
    }
    assert (await crowd.ask(crowd.lines[0], "/v2/activities", activity, None)).status == 201
    await crowd.give(customer, 100, name)
    await crowd.one_wins(ONCE_EACH, [customer] * CLIENTS, b"as often as allowed")


async def the_last_of_all(crowd: Crowd, name: str) -> None:
    stock = await _claimed(crowd, LAST_ONE) + 1
    await rewards.change_reward(
        crowd.database, crowd.program_id, LAST_ONE, {"stock": stock}, now=datetime.now(UTC)
    )
    await crowd.one_wins(LAST_ONE, MEMBERS, b"out of stock")


async def _claimed(crowd: Crowd, reward_id: int) -> int:
    async with crowd.database.acquire() as connection:
        claimed: int = await connection.fetchval(
            "select claimed from reward_stocks where program_id = $1 and reward_id = $2",
            crowd.program_id,
            reward_id,
        )
    return claimed


async def one_key(crowd: Crowd, name: str) -> None:
    """The same call sixteen times: one claim, and sixteen times the same answer."""
    answers = await crowd.at_once(*[redeem(LAST_POINTS, "m0", name)] * CLIENTS)
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body for answer in answers}) == 1


async def a_cancelled_claim(crowd: Crowd, name: str) -> None:
    """Sixteen give the same claim back: its points come back once."""
    claimed = await crowd.ask(crowd.lines[0], *redeem(LAST_POINTS, "m1", name))
    claim_id = json.loads(claimed.body)["claimed_reward"]["id"]
    path = f"/v2/customers/m1/claimed_rewards/{claim_id}/refund"
    answers = await crowd.at_once(*[(path, {}, None)] * CLIENTS)
    assert Counter(answer.status for answer in answers) == {200: 1, 422: CLIENTS - 1}


Round = Callable[[Crowd, str], Awaitable[None]]
ROUNDS: tuple[Round, ...] = (
    the_last_code,
    the_last_points,
    the_last_time,
    the_last_of_all,
    one_key,
    a_cancelled_claim,
)


@pytest.fixture
def home() -> Any:
    with a_home() as home:
        yield home


@pytest.fixture
async def crowd(home: Home) -> AsyncIterator[Crowd]:
    async with (
        a_shop(home, "--workers", str(PROCESSES)) as shop,
        home.database() as database,
    ):
        await shop.until(
            lambda: sum("a worker serves" in line for line in home.log) == PROCESSES, within_seconds=30
        )
        crowd = Crowd(shop, database)
        await crowd.open()
        yield crowd
        for line in crowd.lines:
            line.close()


async def race(crowd: Crowd, home: Home, rounds: tuple[Round, ...], times: int) -> None:
    for number in range(times):
        await rounds[number % len(rounds)](crowd, f"r{number}")
    print(dict(crowd.answers))
    assert crowd.answers.total() > times * CLIENTS * 0.9
    assert set(crowd.answers) <= {200, 201, 404, 422}, "a 5xx, or something stranger"
    report = await home.verify()
    assert report.is_clean, report.violations
    assert home.complaints() == []
    async with crowd.database.acquire() as connection:
        deadlocks = await connection.fetchval(
            "select deadlocks from pg_stat_database where datname = current_database()"
        )
    assert deadlocks == 0


async def test_of_many_at_once_exactly_one_gets_the_last(crowd: Crowd, home: Home) -> None:
    await race(crowd, home, ROUNDS, 60)


@pytest.mark.long
async def test_two_thousand_rounds_for_the_last_code_and_the_last_points(crowd: Crowd, home: Home) -> None:
    await race(crowd, home, (the_last_code, the_last_points), 2000)


@pytest.mark.long
async def test_two_thousand_rounds_of_everything_that_can_run_out(crowd: Crowd, home: Home) -> None:
    await race(crowd, home, ROUNDS, 2000)
