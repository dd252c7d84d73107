"""PostgreSQL stops answering without going away: every caller is answered in time, and told the truth."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest

from tests.faults.load import Call, Shop, check_effects, memory_bytes
from tests.server import Home, a_home, children_of, started

ANSWER_SECONDS = 3.0
HEALTH_SECONDS = 1.0
SLACK_SECONDS = 0.5
"""What two busy cores may add, to us and to the server."""
BACK_SECONDS = 2.0
QUEUE_LIMIT = 40
GROWTH_BYTES = 60_000_000

CLIENTS = {"orders": 60, "hooks": 20, "order_lists": 8, "customer_lists": 4, "balances": 8, "probes": 2}


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with a_home() as home:
        yield home


@contextlib.asynccontextmanager
async def a_shop(home: Home) -> AsyncIterator[Shop]:
    """A fresh program, and its clients on a server whose lanes hold few commands."""
    server = await started(home, environ={"REGULARS_QUEUE_LIMIT": str(QUEUE_LIMIT)})
    with server:
        shop = Shop(server, await home.create_program())
        try:
            yield shop
        finally:
            await shop.close()
        assert server.is_running
        server.stop()


class Frozen:
    """PostgreSQL with all its processes, stopped by SIGSTOP for the length of the block."""

    def __init__(self, postmaster: int) -> None:
        self._postmaster = postmaster

    def __enter__(self) -> None:
        os.kill(self._postmaster, signal.SIGSTOP)  # first, so that it makes no more of them
        for pid in children_of(self._postmaster):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)

    def __exit__(self, *_: object) -> None:
        for pid in (*children_of(self._postmaster), self._postmaster):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def check_answers(calls: list[Call], *, least: int) -> None:
    """Every call was answered, in time, and with nothing worse than 503 and Retry-After."""
    assert len(calls) >= least
    strange = [call for call in calls if call.status not in (200, 201, 503)]
    assert not strange, strange[:3]
    slow = [call for call in calls if call.seconds > ANSWER_SECONDS + SLACK_SECONDS]
    assert not slow, [(call.what, call.status, call.seconds) for call in slow[:10]]
    refused = [call for call in calls if call.status == 503 and call.what != "health"]
    assert all(call.retry_after == "1" for call in refused)


def check_is_back(calls: list[Call], since: float) -> None:
    """Whatever was asked `BACK_SECONDS` after `since`, or later, went well."""
    later = [call for call in calls if call.began >= since + BACK_SECONDS]
    assert {call.what for call in later} == {"order", "hook", "orders", "customers", "balance", "health"}
    bad = [(call.what, call.status, call.began - since, call.body) for call in later if call.status >= 300]
    assert not bad, bad[:5]


def during(calls: list[Call], began: float, ended: float, margin: float = 0.0) -> list[Call]:
    """The calls made and answered in that time."""
    return [call for call in calls if call.began >= began + margin and call.ended <= ended]


async def freeze_and_thaw(home: Home, seconds: float) -> None:
    async with a_shop(home) as shop:
        async with shop.busy(**CLIENTS):
            await shop.until(lambda: shop.answered(200, 201) > 300, within_seconds=30)
            before = memory_bytes(shop.server)
            with Frozen(home.postmaster):
                froze = time.monotonic()
                await asyncio.sleep(seconds)  # the fault's length, not a wait for something
                most = memory_bytes(shop.server)
                thawed = time.monotonic()
            await shop.until(
                lambda: shop.answered(200, 201) > 0 and _is_over(shop, thawed), within_seconds=20
            )
        check_answers(shop.calls, least=500)
        check_is_back(shop.calls, thawed)
        probes = [call for call in during(shop.calls, froze, thawed, 0.6) if call.what == "health"]
        assert len(probes) >= 4
        for probe in probes:
            assert probe.status == 503
            assert '"degraded"' in probe.body
            assert probe.seconds < HEALTH_SECONDS + SLACK_SECONDS
        frozen = during(shop.calls, froze, thawed, 1.0)
        assert {call.status for call in frozen} == {503}
        assert {call.what for call in frozen} >= {"order", "hook", "orders", "customers", "balance"}
        unsure = [call for call in shop.calls if call.is_unsure]
        assert len(unsure) <= 200  # one batch at most was at its COMMIT
        assert most - before < GROWTH_BYTES
        await check_effects(home, shop.calls)
    assert home.complaints() == []


def _is_over(shop: Shop, thawed: float) -> bool:
    return time.monotonic() > thawed + BACK_SECONDS + 2


async def test_a_frozen_database_costs_nobody_an_answer_and_nothing_happens_later(home: Home) -> None:
    await freeze_and_thaw(home, 6)


@pytest.mark.long
async def test_a_database_frozen_for_half_a_minute_is_back_two_seconds_after(home: Home) -> None:
    for _ in range(3):
        await freeze_and_thaw(home, 30)


async def lock_out(home: Home, table: str, seconds: float) -> None:
    async with a_shop(home) as shop:
        async with shop.busy(**CLIENTS | {"order_lists": 30}):
            await shop.until(lambda: shop.answered(200, 201) > 300, within_seconds=30)
            connection: Any = await asyncpg.connect(home.dsn)
            async with connection.transaction():
                await connection.execute(f"lock table {table} in access exclusive mode")
                locked = time.monotonic()
                await asyncio.sleep(seconds)
                unlocked = time.monotonic()
            await connection.close()
            await shop.until(lambda: _is_over(shop, unlocked), within_seconds=20)
        check_answers(shop.calls, least=500)
        check_is_back(shop.calls, unlocked)
        locked_out = [
            call
            for call in during(shop.calls, locked, unlocked, 0.1)
            if call.what in ("order", "orders", "hook")
        ]
        assert {call.status for call in locked_out} == {503}
        assert not any(call.is_unsure for call in shop.calls)
        await check_effects(home, shop.calls)
    assert home.complaints() == []


@pytest.mark.parametrize("table", ["orders", "heads"])
async def test_a_table_that_somebody_else_has_locked_makes_us_late_not_wrong(home: Home, table: str) -> None:
    await lock_out(home, table, 5)
