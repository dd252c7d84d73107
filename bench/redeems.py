"""Redeems over HTTP at 32 clients: each takes points and makes a code that is its own."""

import asyncio
import json
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlsplit

import asyncpg
from place import Place, Server

from regulars.app.house import House
from regulars.app.rewards import create_reward
from regulars.domain.commands import AdjustPoints
from regulars.domain.rewards import CodeSource, Reward, RewardKind
from regulars.settings import Settings

CLIENTS = 32
COST = 5
PLENTY = 1_000_000


class Redeems(NamedTuple):
    """`refused`: answers that were no 201. `lost`: acknowledged, but no claim with a code in the book."""

    rate: float
    p50_ms: float
    p99_ms: float
    acknowledged: int
    refused: int
    lost: int


async def measure_redeems(place: Place, server: Server, *, customers: int, seconds: float) -> Redeems:
    """Redeems as fast as 32 connections bring it about, and looks for each acknowledged claim in the book.

    The customers c1 to c`customers` are members already, and there are at least as many as clients.
    """
    reward_id = await _prepare(place, customers)
    taken: list[float] = []
    claimed: list[int] = []
    refused = 0
    began = time.perf_counter()

    async def client(number: int) -> None:
        nonlocal refused
        address = urlsplit(server.url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        for name in _turns(number, customers):
            sent = time.perf_counter()
            if sent - began >= seconds:
                break
            writer.write(_request(place.keys["api_token"], name, reward_id))
            status, body = await _answer(reader)
            taken.append(time.perf_counter() - sent)
            if status == 201:
                claimed.append(json.loads(body)["claimed_reward"]["id"])
            else:
                refused += 1
        writer.close()

    await asyncio.gather(*(client(number) for number in range(CLIENTS)))
    took = time.perf_counter() - began
    cuts = statistics.quantiles(taken, n=100)
    found = await _found(place, claimed)
    return Redeems(
        rate=len(claimed) / took,
        p50_ms=cuts[49] * 1000,
        p99_ms=cuts[98] * 1000,
        acknowledged=len(claimed),
        refused=refused,
        lost=len(claimed) - found,
    )


async def _prepare(place: Place, customers: int) -> int:
    """A reward whose codes are made by us, and points to spare for who redeem it. Answers its id."""
    program_id = place.keys["program_id"]
    house = await House.open(Settings.from_environment({"REGULARS_HOME": str(place.home)}), place.dsn)
    try:
        reward = await create_reward(
            house.database,
            program_id,
            Reward(
                id=0,
                kind=RewardKind.FIXED_AMOUNT,
                title="One pound off",
                cost=COST,
                amount_minor=100,
                codes=CodeSource.GENERATED,
            ),
            now=datetime.now(UTC),
        )
        gifts = (
            AdjustPoints(merchant_id=f"c{number}", points=PLENTY, reason=None, actor="bench")
            for number in range(1, min(customers, CLIENTS * 8) + 1)
        )
        await asyncio.gather(*(house.engine.submit(program_id, gift, bulk=True) for gift in gifts))
    finally:
        await house.close()
    return reward.id


def _turns(client: int, customers: int) -> Iterator[str]:
    """Eight customers of this client's own, in turn."""
    own = range(client + 1, customers + 1, CLIENTS)[:8]
    while True:
        yield from (f"c{number}" for number in own)


def _request(token: str, customer: str, reward_id: int) -> bytes:
    body = json.dumps({"reward_id": reward_id})
    return (
        f"POST /v2/customers/{customer}/claimed_rewards HTTP/1.1\r\nHost: bench\r\n"
        f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(head.split("content-length:")[1].split("\r\n")[0])
    return int(head[9:12]), await reader.readexactly(length)


async def _found(place: Place, claimed: list[int]) -> int:
    """How many of these claims are in the book, each with its own code and its points taken once."""
    connection = await asyncpg.connect(place.dsn)
    try:
        number: int = await connection.fetchval(
            """
            select count(distinct c.code_key) from claimed_rewards c
              join movements m on m.program_id = c.program_id and m.movement_id = c.movement_id
                   and m.points = c.cost and m.cause = 'redemption'
             where c.program_id = $1 and c.claim_id = any($2::bigint[])
            """,
            place.keys["program_id"],
            claimed,
        )
    finally:
        await connection.close()
    return number
