"""A request has one deadline, from the moment in which all of it has come: no step has a time of its own."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
import pytest

from regulars.app.access import Role
from regulars.app.sessions import From, begin
from regulars.app.staff import colleagues
from regulars.storage import staff as storage
from tests.faults.load import ANSWER_SECONDS, SLACK_SECONDS, Call, Shop, a_shop
from tests.faults.test_frozen import frozen
from tests.faults.wire import Line
from tests.pace import within
from tests.server import Home, a_home

STEP_SECONDS = 1.7
"""How long each look-up takes: each by itself is in time, together they are not."""
REWARD = b'{"kind":"custom","title":"A cup","cost":10,"codes":"none"}'


@pytest.fixture
def home() -> Iterator[Home]:
    with a_home() as home:
        yield home


async def knock(shop: Shop, cookie: str) -> list[Call]:
    """One request of each kind, all at once."""
    key = f"Bearer {shop.keys.api_token}"
    asked = [
        ("api, reading", "GET", "/api/v1/rewards", b"", {"authorization": key}),
        ("api, writing", "POST", "/api/v1/rewards", REWARD, {"authorization": key}),
        ("api, switching", "POST", "/v2/rewards/1/disable", b"", {"authorization": key}),
        ("widget", "GET", f"/storefront/v1/program?key={shop.keys.lootly_api_key}", b"", {}),
        ("admin", "GET", f"/admin/p/{shop.keys.program_id}/customers", b"", {"cookie": f"regulars={cookie}"}),
    ]
    async with httpx.AsyncClient(base_url=shop.server.url, timeout=60) as client:

        async def ask(what: str, method: str, path: str, body: bytes, headers: dict[str, str]) -> Call:
            headers = headers | {"content-type": "application/json"} if body else headers
            began = time.monotonic()
            answer = await client.request(method, path, content=body, headers=headers)
            ended = time.monotonic()
            return Call(what, "", began, ended, answer.status_code, "retry-after" in answer.headers, b"")

        return await asyncio.gather(
            shop.order(), shop.hook(), bad_hook(shop), shop.orders(), shop.customers(), shop.balance(),
            *(ask(*each) for each in asked),
        )  # fmt: skip


async def bad_hook(shop: Shop) -> Call:
    """A call whose signature is wrong: it is answered when it stands in the log."""
    body = b'{"key": "%s", "id": "1", "hmac": "wrong"}' % shop.keys.lootly_api_key.encode()
    return await shop.ask("bad hook", "", "POST", "/integrations/webhooks/common/orders-completed", body)


async def sign_in(home: Home, shop: Shop) -> str:
    """The session of somebody who may see the program."""
    now, mail = datetime.now(UTC), "owner@tea.example"
    async with home.database() as database:
        await colleagues.add(
            database, email=mail, name="Ann", role=Role.OWNER, program_ids=[shop.keys.program_id], now=now
        )
        async with database.acquire() as connection:
            person = await storage.by_email(connection, mail)
            assert person is not None
            by = From(ip="127.0.0.1", user_agent="a test")
            given = await begin(connection, person.staff_id, by=by, second_factor_due=False, now=now)
    return given.session


def in_time(calls: list[Call]) -> None:
    strange = [(call.what, call.status) for call in calls if call.status not in (303, 401, 503)]
    assert not strange, strange
    assert all(call.says_when for call in calls if call.status == 503)
    for call in calls:
        within(call.seconds, ANSWER_SECONDS, f"{call.what}, {call.status}")


@contextlib.asynccontextmanager
async def held(dsn: str, statement: str) -> AsyncIterator[Any]:
    """What the statement locks, for the length of the block."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute(statement)
            yield connection
    finally:
        await connection.close()


async def test_slow_look_ups_leave_the_engine_less_time_and_the_answer_is_in_time(home: Home) -> None:
    async with a_shop(home) as shop:
        cookie = await sign_in(home, shop)
        well = {call.what: call.status for call in await knock(shop, cookie)}
        assert set(well.values()) <= {200, 201, 401, 404}, well
        async with held(home.dsn, "lock table heads, rewards, accounts, customers, deliveries"):
            async with held(home.dsn, "lock table programs"):
                async with held(home.dsn, "lock table credentials"):
                    await asyncio.sleep(1)  # who calls is remembered for less than that
                    calls = asyncio.create_task(knock(shop, cookie))
                    await asyncio.sleep(STEP_SECONDS)
                await asyncio.sleep(STEP_SECONDS)
            answers = await calls
        in_time(answers)
    assert home.complaints() == []


async def test_a_frozen_database_keeps_no_kind_of_request_waiting(home: Home) -> None:
    async with a_shop(home) as shop:
        cookie = await sign_in(home, shop)
        await knock(shop, cookie)
        with frozen(home.postmaster):
            at_once = await knock(shop, cookie)  # who calls may still be known
            await asyncio.sleep(1)
            answers = await knock(shop, cookie)
        in_time(at_once + answers)
    assert home.complaints() == []


async def test_requests_sent_in_one_go_are_all_answered_in_time(home: Home) -> None:
    async with a_shop(home) as shop:
        line = Line(shop.server.port)
        one = f"GET /v2/orders?limit=5 HTTP/1.1\r\n{shop.head}\r\n".encode()
        assert (await line.ask(one)).status == 200
        reader, writer = await asyncio.open_connection("127.0.0.1", shop.server.port)
        with frozen(home.postmaster):
            began = time.monotonic()
            writer.write(one * 4)
            for _ in range(4):
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 503")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
            took = time.monotonic() - began
        writer.close()
        line.close()
        within(took, ANSWER_SECONDS + SLACK_SECONDS, "all four")
