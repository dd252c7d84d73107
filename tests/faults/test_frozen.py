"""PostgreSQL stops answering without going away: every caller is answered in time, and told the truth."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from regulars.app.house import House
from regulars.domain.commands import RecordOrder
from regulars.domain.decisions import Decision, Outcome
from regulars.domain.errors import Late, Unsure
from regulars.outside.postgres import Embedded
from regulars.storage.migrate import migrate
from tests import make
from tests.faults.load import (
    SLACK_SECONDS,
    Call,
    Shop,
    a_shop,
    check_answers,
    check_effects,
    memory_bytes,
    read_book,
)
from tests.pace import TooSlow, within
from tests.server import Home, a_home, children_of

HEALTH_SECONDS = 1.0
BACK_SECONDS = 2.0
MOST_WAITING = 30
"""Connections that may wait for a lock: the pool's, and those that were given up in the last second or so."""
ON_ITS_WAY_SECONDS = 0.5
CROWD = 300
"""So many more who come all at once while nothing moves."""
GROWTH_BYTES = 60_000_000

CLIENTS = {"orders": 60, "hooks": 20, "order_lists": 8, "customer_lists": 4, "balances": 8, "probes": 2}


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with a_home() as home:
        yield home


def freeze(postmaster: int) -> None:
    """Stops PostgreSQL with all its processes, by SIGSTOP."""
    os.kill(postmaster, signal.SIGSTOP)  # first, so that it makes no more of them
    for pid in children_of(postmaster):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)


def thaw(postmaster: int) -> None:
    for pid in (*children_of(postmaster), postmaster):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def frozen(postmaster: int) -> Iterator[None]:
    """PostgreSQL stands still for the length of the block."""
    freeze(postmaster)
    try:
        yield
    finally:
        thaw(postmaster)


def check_is_back(calls: list[Call], since: float) -> None:
    """Whatever was asked `BACK_SECONDS` after `since`, or later, went well."""
    later = [call for call in calls if call.began >= since + BACK_SECONDS]
    assert {call.what for call in later} == {"order", "hook", "orders", "customers", "balance", "health"}
    bad = [(call.what, call.status, call.began - since, call.body) for call in later if call.status >= 300]
    assert all(call.status in (200, 201, 503) for call in later), bad[:5]
    if bad:
        raise TooSlow(f"not back in time: {bad[:5]}")


def during(calls: list[Call], began: float, ended: float, margin: float = 0.0) -> list[Call]:
    """The calls made and answered in that time."""
    return [call for call in calls if call.began >= began + margin and call.ended <= ended]


async def freeze_and_thaw(home: Home, seconds: float) -> None:
    async with a_shop(home) as shop:
        async with shop.busy(**CLIENTS):
            await shop.until(lambda: shop.answered(200, 201) > 300, within_seconds=60)
            before = memory_bytes(shop.server)
            with frozen(home.postmaster):
                froze = time.monotonic()
                await asyncio.sleep(seconds / 2)  # the fault's length, not a wait for something
                crowd = await asyncio.gather(*(shop.order() for _ in range(CROWD)))
                await asyncio.sleep(max(0.0, froze + seconds - time.monotonic()))
                most = memory_bytes(shop.server)
                thawed = time.monotonic()
            await shop.until(
                lambda: shop.answered(200, 201) > 0 and _is_over(shop, thawed), within_seconds=20
            )
        check_answers(shop.calls, least=500)
        check_is_back(shop.calls, thawed)
        probes = [call for call in during(shop.calls, froze, thawed, 0.6) if call.what == "health"]
        if len(probes) < 4:
            raise TooSlow(f"health was asked for and answered {len(probes)} times while it was frozen")
        for probe in probes:
            assert probe.status == 503
            assert b'"degraded"' in probe.body
            within(probe.seconds, HEALTH_SECONDS + SLACK_SECONDS, "health")
        meanwhile = during(shop.calls, froze, thawed, 1.0)
        assert {call.status for call in meanwhile} == {503}
        missing = {"order", "hook", "orders", "customers", "balance"} - {call.what for call in meanwhile}
        if missing:
            raise TooSlow(f"nobody asked, and was answered, while it was frozen: {missing}")
        unsure = [call for call in shop.calls if call.is_unsure]
        print(f"{len(meanwhile)} answered while it was frozen, {len(unsure)} of them unsure")
        assert len(unsure) <= 200  # one batch at most was at its COMMIT
        assert {call.status for call in crowd} == {503}
        assert most - before < GROWTH_BYTES
        await check_effects(home, shop)
    assert home.complaints() == []


def _is_over(shop: Shop, thawed: float) -> bool:
    return time.monotonic() > thawed + BACK_SECONDS + 2


async def test_a_frozen_database_costs_nobody_an_answer_and_nothing_happens_later(home: Home) -> None:
    await freeze_and_thaw(home, 6)


@pytest.mark.long
async def test_a_database_frozen_for_half_a_minute_is_back_two_seconds_after(home: Home) -> None:
    for _ in range(3):
        await freeze_and_thaw(home, 30)


@pytest.mark.parametrize(
    ("point", "told", "found"),
    [("before save", Late, Outcome.DONE), ("before commit", Unsure, Outcome.REPEATED)],
)
async def test_only_the_batch_at_its_commit_is_told_that_nobody_knows(
    home: Home, monkeypatch: pytest.MonkeyPatch, point: str, told: type[Exception], found: Outcome
) -> None:
    with Embedded(home.path) as embedded:
        await migrate(embedded.dsn)
        shop = (await home.create_program()).program_id
        house = await House.open(make.settings(home.path), embedded.dsn)
        postmaster = home.postmaster
        orders = [make.order() for _ in range(20)]
        behind = [make.order() for _ in range(20)]
        second: list[asyncio.Task[Decision]] = []

        def reached(at: str) -> None:
            if at == "before save" and not second:  # it is decided: what comes now waits behind it
                second.extend(asyncio.create_task(house.engine.submit(shop, order)) for order in behind)
            if at == point:
                freeze(postmaster)

        monkeypatch.setattr(house.engine, "reached", reached)
        try:
            first = [asyncio.create_task(house.engine.submit(shop, order)) for order in orders]
            answers = await asyncio.gather(*first, return_exceptions=True)
            answers += await asyncio.gather(*second, return_exceptions=True)
        finally:
            monkeypatch.setattr(house.engine, "reached", lambda _: None)
            thaw(postmaster)
        assert [type(answer) for answer in answers] == [told] * 20 + [Late] * 20
        assert [await outcome(house, shop, order) for order in orders] == [found] * 20
        assert [await outcome(house, shop, order) for order in behind] == [Outcome.DONE] * 20
        assert (await read_book(home, shop)).orders.keys() == {one.merchant_id for one in orders + behind}
        await house.close()


async def outcome(house: House, shop: int, order: RecordOrder) -> Outcome:
    """What the order's being sent again comes to, once the database answers."""
    for _ in range(20):
        with contextlib.suppress(Late):
            return (await house.engine.submit(shop, order)).outcome
    raise AssertionError("still late")


async def lock_out(home: Home, table: str, seconds: float) -> None:
    async with a_shop(home) as shop:
        async with shop.busy(**CLIENTS | {"order_lists": 30}):
            await shop.until(lambda: shop.answered(200, 201) > 300, within_seconds=60)
            connection: Any = await asyncpg.connect(home.dsn)
            async with connection.transaction():
                await connection.execute(f"lock table {table} in access exclusive mode")
                locked = time.monotonic()
                await asyncio.sleep(seconds)
                waiting = await connection.fetchval(
                    "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
                )
                unlocked = time.monotonic()
                assert waiting <= MOST_WAITING
            await connection.close()
            await shop.until(lambda: _is_over(shop, unlocked), within_seconds=20)
        check_answers(shop.calls, least=500)
        check_is_back(shop.calls, unlocked)
        locked_out = [
            call
            for call in during(shop.calls, locked, unlocked, 0.1)
            if call.what in ("order", "hook", "orders" if table == "orders" else None)
        ]
        assert {call.status for call in locked_out} == {503}
        # One batch may have been on its way as a single statement, of which nobody knows what becomes.
        assert all(call.began < locked + ON_ITS_WAY_SECONDS for call in shop.calls if call.is_unsure)
        beside = ["health"] + ["balance"] * (table == "orders")  # every call needs its program's head
        answers = [call.status for call in during(shop.calls, locked, unlocked) if call.what in beside]
        assert 200 in answers and set(answers) <= {200, 503}
        if 503 in answers:
            raise TooSlow("what needs nothing that is locked was not answered in time")
        await check_effects(home, shop)
    assert home.complaints() == []


@pytest.mark.parametrize("table", ["orders", "heads"])
async def test_a_table_that_somebody_else_has_locked_makes_us_late_not_wrong(home: Home, table: str) -> None:
    await lock_out(home, table, 5)


@pytest.mark.long
async def test_a_lock_of_half_a_minute_does_not_use_up_the_connections(home: Home) -> None:
    await lock_out(home, "orders", 30)
